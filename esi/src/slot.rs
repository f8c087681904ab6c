//! Slots of a modular device and the modules in them (ETG.2000, SlotsType and ModuleType).
//!
//! A `Slot` stands for as many slots as its `MaxInstances`. Without a choice, each slot gets the module that the file
//! marks as its default; a slot that must not be empty and has no default gets the first module that fits.

use crate::element::Element;
use crate::error::{EsiError, EsiProblem};

/// Most slots: the lists of module idents have a subindex for each.
const SLOTS: usize = 255;

/// How far the indices of a module move with its slot.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Shift {
    pub(crate) pdo: u16,
    pub(crate) object: u16,
}

/// A module in its slot.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Plugged<'a> {
    pub(crate) module: Element<'a>,
    pub(crate) ident: u32,
    pub(crate) shift: Shift,
}

/// What is in the slots of a device, `None` for an empty one. `chosen` names modules by type, name or ident, slot by
/// slot; an empty name is an empty slot.
pub(crate) fn plug<'a>(
    device: &Element<'_>,
    modules: &'a [Element<'a>],
    chosen: Option<&[String]>,
) -> Result<Vec<Option<Plugged<'a>>>, EsiError> {
    let asked = chosen.map_or(0, <[String]>::len);
    let Some(slots) = device.child("Slots") else {
        return if asked == 0 { Ok(Vec::new()) } else { Err(device.fail(EsiProblem::Slots { got: asked, slots: 0 })) };
    };
    let mut all = Vec::new();
    for slot in slots.children("Slot") {
        let least: usize = slot.attribute_number::<u16>("MinInstances")?.unwrap_or(0).into();
        let most: usize = slot.attribute_number::<u16>("MaxInstances")?.unwrap_or(1).into();
        let increment = |name| Ok(slot.attribute_number(name)?.or(slots.attribute_number(name)?).unwrap_or(0));
        let (pdo, object): (u16, u16) = (increment("SlotPdoIncrement")?, increment("SlotIndexIncrement")?);
        for instance in 0..most.max(least).max(1) {
            let number = all.len();
            if number == SLOTS {
                return Err(slots.fail(EsiProblem::TooMany { got: number + 1, what: "slots", most: SLOTS }));
            }
            let found = match chosen.and_then(|chosen| chosen.get(number)) {
                Some(wanted) => by_name(&slot, modules, number, wanted)?,
                None if chosen.is_some() => None,
                None => by_default(&slot, modules, instance < least)?,
            };
            let at = u16::try_from(number).unwrap_or(u16::MAX);
            let shift = Shift { pdo: pdo.saturating_mul(at), object: object.saturating_mul(at) };
            all.push(found.map(|(module, ident)| Plugged { module, ident, shift }));
        }
    }
    if asked > all.len() {
        return Err(slots.fail(EsiProblem::Slots { got: asked, slots: all.len() }));
    }
    Ok(all)
}

fn ident(module: &Element<'_>) -> Result<u32, EsiError> {
    module.need("Type")?.attribute_number("ModuleIdent").map(|ident| ident.unwrap_or(0))
}

/// Whether a slot takes a module: it names its ident or its class.
fn takes(slot: &Element<'_>, module: &Element<'_>) -> Result<bool, EsiError> {
    let is = ident(module)?;
    for named in slot.children("ModuleIdent") {
        if named.number::<u32>()? == is {
            return Ok(true);
        }
    }
    let kind = module.need("Type")?;
    let Some(class) = kind.attribute("ModuleClass").filter(|class| !class.is_empty()) else { return Ok(false) };
    // The class is a child of its own, or the text.
    let named = |at: Element<'_>| at.child_text("Class") == class || at.text() == class;
    Ok(slot.children("ModuleClass").any(named))
}

fn by_default<'a>(
    slot: &Element<'_>,
    modules: &'a [Element<'a>],
    needed: bool,
) -> Result<Option<(Element<'a>, u32)>, EsiError> {
    let marked = slot.children("ModuleIdent").find(|named| named.flag("Default"));
    let wanted: Option<u32> = marked.map(|named| named.number()).transpose()?;
    for module in modules {
        let is = ident(module)?;
        let fits = match wanted {
            Some(wanted) => wanted == is,
            None => needed && takes(slot, module)?,
        };
        if fits {
            return Ok(Some((*module, is)));
        }
    }
    Ok(None)
}

fn by_name<'a>(
    slot: &Element<'_>,
    modules: &'a [Element<'a>],
    number: usize,
    wanted: &str,
) -> Result<Option<(Element<'a>, u32)>, EsiError> {
    if wanted.is_empty() {
        return Ok(None);
    }
    let mut has = Vec::new();
    for module in modules {
        if !takes(slot, module)? {
            continue;
        }
        let (is, kind) = (ident(module)?, module.child_text("Type"));
        let by_ident = crate::number::number(wanted, u64::from(u32::MAX)) == Ok(u64::from(is));
        if kind == wanted || module.localized("Name") == wanted || by_ident {
            return Ok(Some((*module, is)));
        }
        has.push(format!("{kind} (ident {is:#010x})"));
    }
    Err(slot.fail(EsiProblem::NoModule { wanted: wanted.to_owned(), slot: number, has }))
}
