//! How far a device came.

use schemars::JsonSchema;
use serde::Serialize;
use std::fmt;
use zerocat::Phase;

/// Steps that a device takes, in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Reading what the file says about it.
    Read,
    /// Making a simulated SubDevice of it.
    Simulate,
    /// Scanning the bus, and comparing the map that was found with the file.
    Scan,
    /// Drafting a rig file and checking it.
    Draft,
    /// Finding the SubDevice of the rig file.
    Discover,
    /// Going to PRE-OP.
    PreOp,
    /// Reading the map again, and laying the process image out.
    Map,
    /// Programming, and going to SAFE-OP.
    SafeOp,
    /// Starting the cyclic exchange.
    Exchange,
    /// Going to OP.
    Op,
    /// Cycles in OP.
    Running,
    /// Going down to INIT.
    ShutDown,
}

impl From<Phase> for Stage {
    fn from(phase: Phase) -> Self {
        match phase {
            Phase::Wait | Phase::Listen | Phase::Discover => Self::Discover,
            Phase::PreOp => Self::PreOp,
            Phase::ReadPdos | Phase::Clocks => Self::Map,
            Phase::SafeOp => Self::SafeOp,
            Phase::Exchange => Self::Exchange,
            Phase::Op => Self::Op,
            Phase::ShutDown => Self::ShutDown,
            // Phases of later versions are of a bus that runs.
            _ => Self::Running,
        }
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Read => "read the file",
            Self::Simulate => "simulate",
            Self::Scan => "scan",
            Self::Draft => "draft a rig",
            Self::Discover => "discover",
            Self::PreOp => "PRE-OP",
            Self::Map => "read the map",
            Self::SafeOp => "SAFE-OP",
            Self::Exchange => "exchange",
            Self::Op => "OP",
            Self::Running => "cycles in OP",
            Self::ShutDown => "shut down",
        })
    }
}
