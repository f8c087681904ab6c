//! The rig file: one file that names the network, its SubDevices, the tasks and the engine's settings.
//!
//! Key names are those of the EtherCAT driver configuration specification; `docs/rig-file.md` lists them all.
//! Guarantees: an unknown key, a wrong type or a rule broken is an error with the path of its key; loading never
//! panics, whatever the file holds. Not here: anything that touches a network or a realtime thread.
#![forbid(unsafe_code)]

mod any_channel;
mod aoe;
mod assign;
mod busy_poll;
mod check;
mod checked;
pub mod dc;
mod duration;
mod engine;
mod eoe;
mod error;
mod exchange;
mod exclude;
mod file_key;
mod file_places;
mod hints;
mod identity;
pub mod interpolation;
mod ip_address;
mod limits;
mod mailbox;
mod mailbox_gateway;
mod names;
mod number;
mod parse;
mod patience;
mod place;
mod rates;
mod raw;
mod reference;
mod resolve;
mod rig;
mod safe;
mod setting;
mod sink;
mod source;
mod startup;
mod task;
mod timeouts;
mod types;
mod watchdogs;
mod waveform;

pub use aoe::{AmsNetId, AoeSettings};
pub use assign::{AssignedPdo, Assignment, MappedEntry};
pub use busy_poll::{BusyPoll, BusyPollSettings};
pub use checked::CheckedRig;
pub use engine::{EngineSection, LinkKind, SafeOutputs, UmemPages, Wait, Wakeup, XdpMode};
pub use eoe::{Eoe, EoeSection, EoeSwitch, Mac};
pub use error::{ConfigError, Problem, Rule};
pub use exchange::{Overlap, SyncUnitSection};
pub use exclude::Excluded;
pub use file_key::FileKey;
pub use file_places::FilePlaces;
pub use identity::Match;
pub use limits::{Limits, Percentiles};
pub use mailbox::{MailboxSettings, MailboxStrategy};
pub use mailbox_gateway::MailboxGateway;
pub use names::sanitised;
pub use patience::{NoPatience, Patience};
pub use place::{Candidate, Place};
pub use reference::Reference;
pub use resolve::ResolvedChannel;
pub use rig::{Network, NetworkProperties, PdoEntry, Pdos, Rig, Slave, SlaveProperties, Unknown};
pub use safe::{OutputValue, Stop, StopUntil};
pub use setting::Setting;
pub use sink::{By, Format, Sink};
pub use source::{Order, Source, Stdin};
pub use startup::{IdnWrite, ObjectWrite, OnError, StartupCommand, Transition};
pub use task::{
    AfterOutage, ReadChannel, ReadConfig, ReadTask, ScanTask, Target, Task, WriteChannel, WriteConfig, WriteTask,
};
pub use timeouts::Timeouts;
pub use types::{EntryAddress, EntryType};
pub use watchdogs::Watchdogs;
pub use waveform::Waveform;
pub use zerocat_text::{Place as TextPlace, TextError};
