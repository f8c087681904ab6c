//! A modular device (ETG.5001.1, modular device profile): a head with slots. PDOs and objects come from the modules
//! in the file: slot n has PDO 0x1600 + n or 0x1A00 + n, inputs at 0x6000 + 0x10 n, outputs at 0x7000 + 0x10 n and
//! information at 0x9000 + 0x10 n.
//!
//! 0xF050 lists the modules that are plugged in. A MainDevice may write what it expects to 0xF030; on the way to
//! SAFE-OP the two are compared, unless nothing was written. Digital inputs show a counter, analogue ones a triangle;
//! wires don't reach into modules. Modules are not exchanged at run time.

use std::time::Duration;

use zerocat_wire::AlStatusCode;
use zerocat_wire::sii::Identity;

use super::servo::VENDOR;
use super::{Profile, Values, beckhoff, signal};
use crate::config::ModuleKind;
use crate::describe::dictionary::{Entry, Object, ObjectCode, access};
use crate::describe::{DataType, Description, Modules, Pdo, PdoEntry, ValueId};

const PRODUCT: u32 = 0x0000_5001;
const AMPLITUDE: i16 = 30_000;
/// Distance of the objects of two slots.
const DISTANCE: u16 = 0x10;

impl ModuleKind {
    /// Channels, bits of each, whether they are inputs.
    fn shape(self) -> (u16, u8, bool) {
        match self {
            Self::Di8 => (8, 1, true),
            Self::Do8 => (8, 1, false),
            Self::Di16 => (16, 1, true),
            Self::Do16 => (16, 1, false),
            Self::Ai2 => (2, 16, true),
            Self::Ao2 => (2, 16, false),
            Self::Ai16 => (16, 16, true),
            Self::Ao16 => (16, 16, false),
        }
    }

    /// Module ident: what is read in 0xF050.
    fn ident(self) -> u32 {
        let (channels, bits, input) = self.shape();
        u32::from(bits) << 16 | u32::from(channels) << 8 | if input { 1 } else { 2 }
    }

    fn label(self) -> &'static str {
        match self {
            Self::Di8 => "DI8",
            Self::Do8 => "DO8",
            Self::Di16 => "DI16",
            Self::Do16 => "DO16",
            Self::Ai2 => "AI2",
            Self::Ao2 => "AO2",
            Self::Ai16 => "AI16",
            Self::Ao16 => "AO16",
        }
    }
}

/// A module in its slot.
#[derive(Debug, Clone, Copy)]
struct Slot {
    number: u16,
    kind: ModuleKind,
    /// Its first value.
    first: u16,
}

impl Slot {
    fn object(self, base: u16) -> u16 {
        base + DISTANCE * self.number
    }

    fn pdo(self) -> Pdo {
        let (channels, bits, input) = self.kind.shape();
        let data_type = if bits == 1 { DataType::Bool } else { DataType::I16 };
        let (index, base, name) = if input { (0x1A00, 0x6000, "Input") } else { (0x1600, 0x7000, "Output") };
        let entry = |(subindex, n)| {
            let at = (self.object(base), subindex);
            PdoEntry::new(at, bits, data_type, &format!("{name} {subindex}"), ValueId(self.first + n))
        };
        Pdo {
            index: index + self.number,
            name: format!("Slot {} {}", self.number + 1, self.kind.label()),
            assigned: true,
            sync_manager: None,
            entries: (1..=u8::MAX).zip(0..channels).map(entry).collect(),
        }
    }
}

#[derive(Debug)]
struct Modular {
    slots: Vec<Slot>,
    modules: Modules,
}

impl Profile for Modular {
    fn step(&mut self, values: &mut Values, now: Duration) {
        let count = signal::count(now);
        let triangles: [u64; signal::SHIFTS] =
            std::array::from_fn(|n| signal::triangle(now, n, AMPLITUDE).cast_unsigned().into());
        for slot in &self.slots {
            let (channels, bits, input) = slot.kind.shape();
            let first = ValueId(slot.first);
            match bits {
                _ if !input => {}
                1 => values.set_several(first, (0..channels).map(|channel| count >> channel & 1)),
                _ => values.set_several(first, triangles.into_iter().cycle().take(channels.into())),
            }
        }
    }

    fn check(&self, values: &Values) -> Result<(), AlStatusCode> {
        if self.modules.accepts(|id| values.raw(id)) { Ok(()) } else { Err(AlStatusCode::MODULES_MISMATCH) }
    }
}

/// Lists of modules, general parameters and information of the slots (ETG.5001.1, index areas 0xF000 and 0x9000).
fn objects(modular: &Modular) -> Vec<Object> {
    let count = u16::try_from(modular.slots.len()).unwrap_or(u16::MAX);
    let mut objects = modular.modules.objects().to_vec();
    let word =
        |subindex, value: u16, name| Entry::bytes(subindex, DataType::U16, access::READ, &value.to_le_bytes(), name);
    let general = vec![word(1, DISTANCE, "Index distance"), word(2, count, "Maximum number of modules")];
    objects.push(counted(0xF000, ObjectCode::Record, "Modular device profile", general));
    objects.extend(modular.slots.iter().map(|slot| {
        let ident = slot.kind.ident().to_le_bytes();
        let entries = vec![
            Entry::bytes(0x0A, DataType::U32, access::READ, &ident, "Module ident"),
            word(0x0B, slot.number + 1, "Slot"),
        ];
        counted(slot.object(0x9000), ObjectCode::Record, &format!("Slot {} information", slot.number + 1), entries)
    }));
    objects
}

/// An object with the number of its last entry at subindex 0.
fn counted(index: u16, code: ObjectCode, name: &str, mut entries: Vec<Entry>) -> Object {
    let highest = entries.last().map_or(0, |entry| entry.subindex);
    entries.insert(0, Entry::bytes(0, DataType::U8, access::READ, &[highest], "SubIndex 000"));
    Object { index, code, name: name.to_owned(), entries, counted: false }
}

/// Description and behaviour.
pub(crate) fn build(modules: &[ModuleKind]) -> (Description, Box<dyn Profile>) {
    let mut slots = Vec::with_capacity(modules.len());
    let mut values = 0;
    for (number, kind) in (0..).zip(modules) {
        slots.push(Slot { number, kind: *kind, first: values });
        values += kind.shape().0;
    }
    let idents = modules.iter().map(|kind| kind.ident()).collect();
    let modular = Modular { slots, modules: Modules { idents, expected: ValueId(values) } };
    let name = "Modular device (simulated)";
    let base = beckhoff::simple(0, "ZC-MODULAR".into(), name.into(), "Modular device");
    let pdos = |inputs: bool| -> Vec<Pdo> {
        let direction = modular.slots.iter().filter(|slot| slot.kind.shape().2 == inputs);
        direction.map(|slot| slot.pdo()).collect()
    };
    let description = Description {
        identity: Identity { vendor: VENDOR, product: PRODUCT, revision: 1, serial: 0 },
        rx_pdos: pdos(false),
        tx_pdos: pdos(true),
        values: values + modular.modules.values(),
        objects: objects(&modular),
        modules: Some(modular.modules.clone()),
        // Modular device profile 5001.
        device_type: 0x0000_1389,
        ..base
    };
    (beckhoff::with_coe(description), Box::new(modular))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_modules_that_are_there_are_accepted() {
        let kinds = [ModuleKind::Di8, ModuleKind::Ao2];
        let (description, profile) = build(&kinds);
        let mut values = Values::new(description.values);
        assert_eq!(profile.check(&values), Ok(()), "nothing expected");
        let expected = [10, 11].map(ValueId);
        for (ident, answer) in [(kinds[0].ident(), Err(AlStatusCode::MODULES_MISMATCH)), (kinds[1].ident(), Ok(()))] {
            values.set_raw(expected[0], u64::from(kinds[0].ident()));
            values.set_raw(expected[1], u64::from(ident));
            assert_eq!(profile.check(&values), answer);
        }
    }

    #[test]
    fn modules_have_idents_of_their_own() {
        let kinds = [
            ModuleKind::Di8,
            ModuleKind::Do8,
            ModuleKind::Di16,
            ModuleKind::Do16,
            ModuleKind::Ai2,
            ModuleKind::Ao2,
            ModuleKind::Ai16,
            ModuleKind::Ao16,
        ];
        for (n, kind) in kinds.iter().enumerate() {
            assert!(kinds[n + 1..].iter().all(|other| other.ident() != kind.ident()));
        }
    }
}
