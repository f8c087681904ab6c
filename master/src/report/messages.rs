//! What SubDevices told by themselves while the network was in OP: emergencies, and messages of diagnosis histories.

use crate::diagnosis::Diagnosis;
use crate::emergency::Emergency;
use crate::told::FirstOf;
use serde::Serialize;
use std::time::Duration;
use zerocat_sched::Time;
use zerocat_sched::time::{ClockPair, nanos};

/// Emergencies of a run.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct EmergenciesReport {
    /// How many were told, those included that say that an error is over.
    pub count: u64,
    /// The first hundred of them, in the order of time.
    pub list: Vec<EmergencyReport>,
}

/// An emergency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct EmergencyReport {
    /// Position of its SubDevice on the bus, 0-based.
    pub position: u16,
    /// Name of its SubDevice.
    pub name: String,
    /// Its SubDevice's key in the rig file; `null` where it isn't named there.
    pub key: Option<String>,
    /// When it was read, in ns since 1970-01-01 UTC by the wall clock at the end of the run.
    pub utc_ns: u64,
    /// Error code; 0x00xx says that an error is over.
    pub code: u16,
    /// The code in words.
    pub words: String,
    /// Error register (object 0x1001).
    pub register: u8,
    /// Five bytes of the vendor's, hexadecimal.
    pub data: String,
    /// All of it in words.
    pub text: String,
}

/// New messages of diagnosis histories in a run.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct DiagnosisReport {
    /// How many were told.
    pub count: u64,
    /// The first hundred of them, in the order of time.
    pub list: Vec<DiagnosisMessageReport>,
}

/// A message of a diagnosis history.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct DiagnosisMessageReport {
    /// Position of its SubDevice on the bus, 0-based.
    pub position: u16,
    /// Name of its SubDevice.
    pub name: String,
    /// Its SubDevice's key in the rig file; `null` where it isn't named there.
    pub key: Option<String>,
    /// When it was read, in ns since 1970-01-01 UTC by the wall clock at the end of the run.
    pub utc_ns: u64,
    /// `info`, `warning`, `error`, or `message` where it is none of them.
    pub kind: &'static str,
    /// Diagnosis code: what kind of code it is in the low word, the code in the high one.
    pub code: u32,
    /// The code in words; where nothing is known of it, what kind of code it is.
    pub words: String,
    /// Number of its text in the vendor's description; 0: none.
    pub text_id: u16,
    /// Its parameters, as text.
    pub parameters: Vec<String>,
    /// When it came up as the SubDevice says, in ns since 2000-01-01, or of a clock of its own.
    pub device_time_ns: u64,
    /// Whether that is of a clock of its own.
    pub is_local_time: bool,
    /// All of it in words.
    pub text: String,
}

/// A time on the clock of the session's cycles, by the wall clock.
fn utc(clocks: &ClockPair, at: Duration) -> u64 {
    clocks.realtime_at(Time(nanos(at)))
}

impl EmergenciesReport {
    pub(crate) fn of(told: &FirstOf<Emergency>, clocks: &ClockPair) -> Self {
        let of = |one: &Emergency| EmergencyReport {
            position: one.who.position,
            name: one.who.name.clone(),
            key: one.key.clone(),
            utc_ns: utc(clocks, one.at),
            code: one.code,
            words: one.text(),
            register: one.register,
            data: one.data.map(|byte| format!("{byte:02x}")).concat(),
            text: one.to_string(),
        };
        Self { count: told.count(), list: told.list().iter().map(of).collect() }
    }
}

impl DiagnosisReport {
    pub(crate) fn of(told: &FirstOf<Diagnosis>, clocks: &ClockPair) -> Self {
        let of = |one: &Diagnosis| DiagnosisMessageReport {
            position: one.who.position,
            name: one.who.name.clone(),
            key: one.key.clone(),
            utc_ns: utc(clocks, one.at),
            kind: one.kind.name(),
            code: one.code,
            words: one.words(),
            text_id: one.text_id,
            parameters: one.parameters.clone(),
            device_time_ns: one.time_ns,
            is_local_time: one.is_local_time,
            text: one.to_string(),
        };
        Self { count: told.count(), list: told.list().iter().map(of).collect() }
    }
}
