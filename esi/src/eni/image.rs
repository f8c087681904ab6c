//! Variables of the process image: what a tool calls the SubDevices' entries, by their place in its image.

use super::EniError;
use crate::element::Element;

/// A variable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Variable {
    /// Its name, in one line.
    pub name: String,
    /// Its data type as the tool writes it; may be empty.
    pub data_type: String,
    /// Its place in the image of its direction, in bits.
    pub at: u32,
    /// Its length in bits.
    pub bits: u32,
}

/// The variables of one direction, in the order of the file.
pub(super) fn read(side: &Element<'_>) -> Result<Vec<Variable>, EniError> {
    side.children("Variable").map(|variable| one(&variable)).collect()
}

fn one(at: &Element<'_>) -> Result<Variable, EniError> {
    Ok(Variable {
        name: one_line(at.child_text("Name")),
        data_type: one_line(at.child_text("DataType")),
        at: at.need("BitOffs")?.number()?,
        bits: at.need("BitSize")?.number()?,
    })
}

/// A text with one blank for all white space.
pub(super) fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
