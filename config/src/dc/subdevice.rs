//! What a SubDevice asks of its distributed clock: SYNC signals by an operation mode's name or by number.

use crate::duration;
use crate::number;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Distributed clock of a SubDevice (`slaves[].dc`). Whoever has one asks for SYNC, unless the AssignActivate word is 0.
///
/// ```
/// use std::time::Duration;
/// use zerocat_config::dc::SubDeviceDc;
/// let by_name = SubDeviceDc::mode("DC");
/// let by_number = SubDeviceDc::activate(0x0700).cycle(Duration::from_millis(1)).shift_ns(-100_000).sync1_after(Duration::from_micros(25));
/// assert!(by_name.asks_for_sync() && by_number.asks_for_sync());
/// assert!(!SubDeviceDc::activate(0).asks_for_sync());
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct SubDeviceDc {
    /// Operation mode, by the name that the SubDevice's description (SII or ESI) gives it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mode: Option<String>,
    /// AssignActivate word, in place of a mode: the low byte goes into register 0x0980, the high one into 0x0981. 0x0300 is
    /// SYNC0, 0x0700 SYNC0 and SYNC1, 0 neither.
    #[serde(deserialize_with = "number::optional", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(schema_with = "number::schema_maybe_u16"))]
    pub assign_activate: Option<u16>,
    /// SYNC0, in place of what the mode says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sync0: Option<Sync0>,
    /// SYNC1, in place of what the mode says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sync1: Option<Sync1>,
}

/// SYNC0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct Sync0 {
    /// Time from one to the next; null for the mode's, without a mode for the cycle in which the SubDevice is exchanged.
    #[serde(with = "duration::optional", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>"))]
    pub cycle: Option<Duration>,
    /// How much later than the network's SYNC grid it is, in ns; may be negative. Null for the mode's, without a mode for 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shift_ns: Option<i64>,
}

/// SYNC1. The hardware times it from SYNC0: it has a delay, no cycle of its own (register 0x09A4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct Sync1 {
    /// How long after SYNC0 it comes, as the register has it. With a delay that is longer than SYNC0's cycle not every SYNC0 has
    /// a SYNC1.
    #[serde(with = "duration::optional", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>"))]
    pub delay: Option<Duration>,
    /// In place of the delay: time from one SYNC1 to the next, a multiple of SYNC0's cycle. Null for SYNC0's.
    #[serde(with = "duration::optional", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>"))]
    pub cycle: Option<Duration>,
    /// In place of the delay: how much later than SYNC0 it is, in ns.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shift_ns: Option<i64>,
}

impl SubDeviceDc {
    /// An operation mode by the name that the SubDevice's description gives it.
    #[must_use]
    pub fn mode(name: impl Into<String>) -> Self {
        Self { mode: Some(name.into()), ..Self::default() }
    }

    /// An AssignActivate word: 0x0300 for SYNC0, 0x0700 for SYNC0 and SYNC1.
    #[must_use]
    pub fn activate(word: u16) -> Self {
        Self { assign_activate: Some(word), ..Self::default() }
    }

    /// The same with this cycle of SYNC0.
    #[must_use]
    pub fn cycle(mut self, cycle: Duration) -> Self {
        self.sync0.get_or_insert_default().cycle = Some(cycle);
        self
    }

    /// The same with SYNC0 so much later than the network's SYNC grid, in ns; negative for earlier.
    #[must_use]
    pub fn shift_ns(mut self, shift: i64) -> Self {
        self.sync0.get_or_insert_default().shift_ns = Some(shift);
        self
    }

    /// The same with SYNC1 so long after SYNC0.
    #[must_use]
    pub fn sync1_after(mut self, delay: Duration) -> Self {
        self.sync1 = Some(Sync1 { delay: Some(delay), ..Sync1::default() });
        self
    }

    /// Whether it asks for SYNC, as far as the rig file says: a mode by name may turn out to have none.
    #[must_use]
    pub fn asks_for_sync(&self) -> bool {
        self.assign_activate != Some(0)
    }
}
