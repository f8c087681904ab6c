//! One SubDevice of a network description.

use zerocat_wire::sii::Identity;

use super::command::{self, CoeCommand, RegisterCommand};
use super::image::one_line;
use super::state_timeouts::{self, StateTimeouts};
use super::{EniError, LeftOut, PdoObjects};
use crate::data_type::DataType;
use crate::element::Element;
use crate::pdo::{self, Pdo, PdoEntry};

/// Sync managers that an ESC has at most.
const SYNC_MANAGERS: usize = 16;
/// Indexes below are data types, which are mapped as padding (ETG.1000.6, 5.6.7.3).
const FIRST_OBJECT: u16 = 0x1000;

/// A SubDevice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EniSubDevice {
    /// Its name, in one line; may be empty.
    pub name: String,
    /// What the tool expects at this place; 0 for what it doesn't say.
    pub identity: Identity,
    /// Where its outputs are in the process image; `None` where it has none, or several areas.
    pub output_area: Option<Area>,
    /// Where its inputs are.
    pub input_area: Option<Area>,
    /// PDOs that the MainDevice writes, as assigned and in that order.
    pub outputs: Vec<Pdo>,
    /// PDOs that the MainDevice reads.
    pub inputs: Vec<Pdo>,
    /// CoE downloads in the order of the file, those of PDOs included.
    pub coe: Vec<CoeCommand>,
    /// What these leave in the objects that assign and map PDOs.
    pub pdo_objects: PdoObjects,
    /// Register writes in the order of the file.
    pub registers: Vec<RegisterCommand>,
    /// Its distributed clock, where SYNC signals are switched on.
    pub clock: Option<Clock>,
    /// Whether the tool takes its clock as the reference.
    pub reference: bool,
    /// How long it may take to each state.
    pub timeouts: StateTimeouts,
}

/// A piece of a process image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Area {
    /// Where it begins, in bits.
    pub at: u32,
    /// Its length in bits.
    pub bits: u32,
}

/// A distributed clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Clock {
    /// What is written to 0x0980 (ETG.1000.4, AssignActivate).
    pub assign_activate: u16,
    /// Period of SYNC0, in nanoseconds.
    pub cycle_0: u32,
    /// What is written to 0x09A4 for SYNC1, in nanoseconds.
    pub cycle_1: i64,
    /// Shift of SYNC0, in nanoseconds.
    pub shift: i64,
}

/// Reads the SubDevice at a position.
pub(super) fn read(slave: &Element<'_>, position: u16, left_out: &mut Vec<LeftOut>) -> Result<EniSubDevice, EniError> {
    let info = slave.need("Info")?;
    let name = one_line(info.child_text("Name"));
    let called = format!("`{name}` at position {position}");
    if slave.child("HotConnect").is_some() {
        left_out.push(LeftOut::of(position, "its hot-connect group", "it is expected at its position"));
    }
    let coe = command::coe(slave, (position, &called), left_out)?;
    let pdo_objects = PdoObjects::of(&coe);
    let registers = command::registers(slave)?;
    let process = slave.child("ProcessData");
    let mut side = |direction| match &process {
        Some(process) => read_side(process, direction, (position, &called, &pdo_objects), left_out),
        None => Ok((Vec::new(), None)),
    };
    let (outputs, output_area) = side(OUTPUTS)?;
    let (inputs, input_area) = side(INPUTS)?;
    let clock = clock(slave, &registers)?;
    let (identity, timeouts) = (identity(&info)?, state_timeouts::read(slave)?);
    let reference = slave.child("DC").is_some_and(|dc| crate::number::flag(dc.child_text("ReferenceClock")));
    Ok(EniSubDevice {
        name,
        identity,
        output_area,
        input_area,
        outputs,
        inputs,
        coe,
        pdo_objects,
        registers,
        clock,
        reference,
        timeouts,
    })
}

fn identity(info: &Element<'_>) -> Result<Identity, EniError> {
    let number = |name| info.child(name).map_or(Ok(0), |child| child.pattern());
    Ok(Identity {
        vendor: number("VendorId")?,
        product: number("ProductCode")?,
        revision: number("RevisionNo")?,
        serial: number("SerialNo")?,
    })
}

/// What the elements of a direction are called.
#[derive(Clone, Copy)]
struct Side {
    direction: &'static str,
    areas: [&'static str; 2],
    pdo: &'static str,
    sync_manager: &'static str,
    assignment: u16,
}

const OUTPUTS: Side =
    Side { direction: "outputs", areas: ["Send", "Send"], pdo: "RxPdo", sync_manager: "Outputs", assignment: 0x1c12 };

/// Some tools write `Receive`.
const INPUTS: Side =
    Side { direction: "inputs", areas: ["Recv", "Receive"], pdo: "TxPdo", sync_manager: "Inputs", assignment: 0x1c13 };

/// The PDOs in force, and their area. What the sync managers list, what the PDOs name as theirs and what CoE assigns must
/// not differ, nor may the PDOs' length and that of the area.
fn read_side(
    process: &Element<'_>,
    side: Side,
    (position, subdevice, objects): (u16, &str, &PdoObjects),
    left_out: &mut Vec<LeftOut>,
) -> Result<(Vec<Pdo>, Option<Area>), EniError> {
    let contradiction =
        |said| EniError::Contradiction { subdevice: subdevice.to_owned(), direction: side.direction, said };
    let mut known = Vec::new();
    for pdo in process.children(side.pdo) {
        let mut pdo = pdo::single(&pdo)?;
        pdo.entries.iter_mut().filter(|entry| entry.index < FIRST_OBJECT).for_each(|entry| entry.index = 0);
        known.push(pdo);
    }
    let by_sync_manager = of_sync_managers(process, side)?;
    let by_attribute: Vec<u16> = known.iter().filter(|pdo| pdo.sync_manager.is_some()).map(|pdo| pdo.index).collect();
    let by_coe = objects.assigned(side.assignment).unwrap_or_default();
    let sources = [
        ("its sync managers list", &by_sync_manager),
        ("PDOs name a sync manager", &by_attribute),
        ("CoE assigns", &by_coe),
    ];
    let said: Vec<_> = sources.into_iter().filter(|(_, pdos)| !pdos.is_empty()).collect();
    let sorted = |pdos: &[u16]| {
        let mut pdos = pdos.to_vec();
        pdos.sort_unstable();
        pdos
    };
    if said.windows(2).any(|pair| matches!(pair, [(_, one), (_, other)] if sorted(one) != sorted(other))) {
        let each: Vec<String> = said.iter().map(|(who, pdos)| format!("{who} {}", listed(pdos))).collect();
        return Err(contradiction(each.join(", ")));
    }
    let in_force = said.first().map_or(&[][..], |(_, pdos)| pdos.as_slice());
    let mut pdos = Vec::with_capacity(in_force.len());
    for index in in_force {
        let described = known.iter().find(|pdo| pdo.index == *index).cloned();
        let mapped = objects.mapped(*index).filter(|_| objects.are_understood());
        match (described, mapped) {
            (Some(pdo), Some(mapped)) if !is_same(&pdo, &mapped) => {
                let said = format!("PDO {index:#06x} lists other entries than CoE maps");
                return Err(contradiction(said));
            }
            (Some(pdo), _) => pdos.push(pdo),
            (None, Some(mapped)) => pdos.push(by_mapping(*index, &mapped)),
            (None, None) => {
                let why = "the file doesn't say what each assigned PDO maps";
                left_out.push(LeftOut::of(position, format!("its {}", side.direction), why));
                return Ok((Vec::new(), None));
            }
        }
    }
    let areas = areas(process, side)?;
    let bits: u32 = pdos.iter().map(bits_of).sum();
    match areas.as_slice() {
        [area] if !pdos.is_empty() && bits.div_ceil(8) != area.bits.div_ceil(8) => {
            Err(contradiction(format!("its PDOs have {bits} bits, its part of the image {}", area.bits)))
        }
        [area] => Ok((pdos, Some(*area))),
        [] => Ok((pdos, None)),
        several => {
            let why = format!("they lie in {} places of the image", several.len());
            left_out.push(LeftOut::of(position, format!("the variables' names of its {}", side.direction), why));
            Ok((pdos, None))
        }
    }
}

fn bits_of(pdo: &Pdo) -> u32 {
    pdo.entries.iter().map(|entry| u32::from(entry.bits)).sum()
}

fn listed(pdos: &[u16]) -> String {
    pdos.iter().map(|index| format!("{index:#06x}")).collect::<Vec<_>>().join(" ")
}

fn areas(process: &Element<'_>, side: Side) -> Result<Vec<Area>, EniError> {
    let [name, other] = side.areas;
    let mut all = Vec::new();
    let name = if process.child(name).is_some() { name } else { other };
    for area in process.children(name) {
        all.push(Area { at: area.need("BitStart")?.number()?, bits: area.need("BitLength")?.number()? });
    }
    Ok(all)
}

fn of_sync_managers(process: &Element<'_>, side: Side) -> Result<Vec<u16>, EniError> {
    let mut all = Vec::new();
    for number in 0..SYNC_MANAGERS {
        let Some(sync_manager) = process.child(&format!("Sm{number}")) else { continue };
        if sync_manager.child_text("Type") != side.sync_manager {
            continue;
        }
        for pdo in sync_manager.children("Pdo") {
            all.push(pdo.number()?);
        }
    }
    Ok(all)
}

/// Whether a PDO's entries are those that CoE maps. Padding may be written in several ways, and only its length counts.
fn is_same(pdo: &Pdo, mapped: &[(u16, u8, u8)]) -> bool {
    let listed = pdo.entries.iter().map(|entry| (entry.index, entry.subindex, entry.bits));
    let data = |(index, ..): &(u16, u8, u8)| *index >= FIRST_OBJECT;
    let bits: u32 = mapped.iter().map(|(.., bits)| u32::from(*bits)).sum();
    listed.filter(data).eq(mapped.iter().copied().filter(data)) && bits == bits_of(pdo)
}

/// A PDO that the file doesn't describe, by what CoE maps.
fn by_mapping(index: u16, mapped: &[(u16, u8, u8)]) -> Pdo {
    let entry = |(index, subindex, bits): &(u16, u8, u8)| PdoEntry {
        index: if *index >= FIRST_OBJECT { *index } else { 0 },
        subindex: *subindex,
        bits: *bits,
        data_type: DataType::None,
        name: String::new(),
    };
    Pdo {
        index,
        name: String::new(),
        sync_manager: None,
        fixed: false,
        mandatory: false,
        excludes: Vec::new(),
        entries: mapped.iter().map(entry).collect(),
    }
}

/// The clock, if the commands switch SYNC signals on: AssignActivate stands nowhere else.
fn clock(slave: &Element<'_>, registers: &[RegisterCommand]) -> Result<Option<Clock>, EniError> {
    let Some(dc) = slave.child("DC") else { return Ok(None) };
    let written = registers.iter().filter(|one| one.register == 0x0980);
    let mut words = written.filter_map(|one| one.data.first_chunk().copied()).map(u16::from_le_bytes);
    let Some(assign_activate) = words.find(|word| *word != 0) else { return Ok(None) };
    let signed = |name| dc.child(name).filter(|child| !child.text().is_empty()).map_or(Ok(0), |child| child.signed());
    let cycles = registers.iter().rfind(|one| one.register == 0x09a0 && one.data.iter().any(|byte| *byte != 0));
    let written = cycles.and_then(|one| one.data.first_chunk().copied()).map_or(0, u32::from_le_bytes);
    let cycle_0: u32 = dc.child_number("CycleTime0")?.unwrap_or(0);
    Ok(Some(Clock {
        assign_activate,
        cycle_0: if cycle_0 == 0 { written } else { cycle_0 },
        cycle_1: signed("CycleTime1")?,
        shift: signed("ShiftTime")?,
    }))
}
