//! Operation modes with distributed clocks (ETG.2000, Dc).

use zerocat_wire::sii::ClockMode;

use crate::element::Element;
use crate::error::{EsiError, EsiProblem};
use crate::number;

/// An operation mode with its names, which an SII keeps apart from it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpMode {
    /// Short name, `DC`.
    pub name: String,
    /// What the mode is, in words.
    pub description: String,
    /// The other fields. The numbers of its strings mean nothing: `name` and `description` are above.
    pub mode: ClockMode,
}

/// The operation modes of a device, the default first.
pub(crate) fn read(device: &Element<'_>) -> Result<Vec<OpMode>, EsiError> {
    let Some(dc) = device.child("Dc") else { return Ok(Vec::new()) };
    dc.children("OpMode").map(|mode| one(&mode)).collect()
}

fn one(at: &Element<'_>) -> Result<OpMode, EsiError> {
    let mode = ClockMode {
        cycle_time_0: at.child_number("CycleTimeSync0")?.unwrap_or(0),
        shift_time_0: time(at, "ShiftTimeSync0")?,
        shift_time_1: time(at, "ShiftTimeSync1")?,
        sync1_cycle_factor: factor(at, "CycleTimeSync1")?,
        assign_activate: at.need("AssignActivate")?.number()?,
        sync0_cycle_factor: factor(at, "CycleTimeSync0")?,
        name: 0,
        description: 0,
    };
    Ok(OpMode { name: at.child_text("Name").to_owned(), description: at.child_text("Desc").to_owned(), mode })
}

fn time(at: &Element<'_>, name: &str) -> Result<i32, EsiError> {
    let Some(child) = at.child(name).filter(|child| !child.text().is_empty()) else { return Ok(0) };
    let value = number::signed(child.text()).map_err(|problem| child.fail(problem))?;
    let most = u64::from(i32::MAX.unsigned_abs());
    i32::try_from(value).map_err(|_| child.fail(EsiProblem::Number { text: child.text().to_owned(), most }))
}

fn factor(at: &Element<'_>, name: &str) -> Result<i16, EsiError> {
    let Some(child) = at.child(name) else { return Ok(0) };
    let Some(text) = child.attribute("Factor").filter(|text| !text.is_empty()) else { return Ok(0) };
    let value = number::signed(text).map_err(|problem| child.fail(problem))?;
    let most = u64::from(i16::MAX.unsigned_abs());
    i16::try_from(value).map_err(|_| child.fail(EsiProblem::Number { text: text.to_owned(), most }))
}
