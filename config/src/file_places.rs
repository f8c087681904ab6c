//! Where the keys of a rig file stand, for what is found wrong with them after the file was read: types that only the bus says.

use crate::error::Problem;
use crate::parse;
use zerocat_text::Document;

/// The places of the keys of a rig file.
#[derive(Debug)]
pub struct FilePlaces(Document);

impl FilePlaces {
    pub(crate) const fn of(document: Document) -> Self {
        Self(document)
    }

    /// Gives problems their places in the file. The place of a key that isn't there is that of its object.
    pub fn place(&self, problems: &mut [Problem]) {
        parse::place(problems, &self.0);
    }
}
