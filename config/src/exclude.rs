//! SubDevices that don't take part, by vendor and product.

use crate::identity::Match;
use serde::{Deserialize, Serialize};
use zerocat_esi::vendor_id;

/// A kind of SubDevice that is left in INIT, without process data, where no slave of the file is it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct Excluded {
    /// Vendor ID, or the vendor's name.
    #[serde(skip_serializing_if = "Match::is_any")]
    pub vendor_id: Match,
    /// Product code, or the product's name as its SII has it.
    #[serde(skip_serializing_if = "Match::is_any")]
    pub product_code: Match,
}

impl Excluded {
    /// What is demanded of the vendor ID, with a name that is known as its number.
    #[must_use]
    pub fn vendor(&self) -> Match {
        match &self.vendor_id {
            Match::Name(name) => vendor_id(name).map_or_else(|| self.vendor_id.clone(), Match::Equal),
            demand => demand.clone(),
        }
    }
}
