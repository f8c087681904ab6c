//! What must hold in every cycle of every life.

use schemars::JsonSchema;
use serde::Serialize;

/// What must hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Invariant {
    /// Bring-up, recovery and shutdown end within their bounds, whatever the network does.
    EndsWithinItsBound,
    /// No command that was made before an outage reaches the segment after it.
    NoOldCommand,
    /// A terminal whose watchdog expired while others went on has safe outputs until it is commanded anew.
    PartedIsSafe,
    /// What the segment receives as outputs was commanded, or is safe.
    OutputsCommandedOrSafe,
    /// An output that follows an input has the value that the input had in the cycle before.
    OutputsFollow,
    /// Once shutdown has begun, outputs are safe.
    SafeDuringShutdown,
    /// When the last frame is as long ago as a watchdog, all outputs are safe.
    NothingLeftLive,
    /// A SubDevice that is out of OP while the others are in it is named.
    OutOfOpIsNamed,
    /// Inputs that are flagged good are those that the SubDevice had in that cycle.
    GoodInputsAreTrue,
    /// Nothing panics.
    NoPanic,
    /// The same seed gives the same life.
    SameSeedSameLife,
}

/// Something that must not happen and did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Violation {
    /// The seed.
    pub seed: u64,
    /// The cycle on the grid.
    pub cycle: u64,
    /// What must hold.
    pub invariant: Invariant,
    /// What happened, in words.
    pub what: String,
}
