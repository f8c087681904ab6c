//! Everything acyclic: who is on the bus, what they map, their AL states, their mailboxes.
//!
//! It works with raw datagrams over ethercrab's frame pool ([`Datagrams`]), as futures that one ordinary thread polls
//! ([`block_on`]). Who moves the pool's frames to the wire and back is not known here; it owes each frame exactly once.
//! Bring-up is in phases on a [`Network`], so that the caller can start cyclic frames in the middle.
#![forbid(unsafe_code)]

// The time driver that ethercrab needs at link time.
#[cfg(test)]
use zerocat_sched as _;

pub mod actor;
mod again;
pub mod al;
mod alone;
mod aoe;
pub mod assign;
mod assignment;
mod boot;
mod bounded;
pub mod bring_up;
pub mod clock;
pub mod coe;
pub mod datagrams;
mod described;
mod device_id;
mod diagnosis;
pub mod discovery;
pub mod eoe;
pub mod error;
pub mod events;
mod evidence;
pub mod executor;
mod fault;
mod flight;
mod foe;
mod interpolation;
mod job;
mod look;
pub mod mailbox;
pub mod matching;
pub mod names;
pub mod occupancy;
mod op_modes;
pub mod pdo;
mod port_errors;
mod received;
pub mod relay;
pub mod request;
mod running_clock;
pub mod sdo_info;
pub mod sii;
pub mod soe;
mod soonest;
mod startup;
pub mod subdevice;
pub mod sync_objects;
mod telegram;
pub mod times;
pub mod topology;
mod turn;
pub mod types;
mod voe;
pub mod watchdog;
mod window;
mod wiring;

pub use actor::{Actors, Held, Unasked};
pub use al::{AlPolicy, AlReached, AlShown};
pub use alone::Alone;
pub use aoe::{AdsTransfer, AoeError, AoeTarget, CALLER};
pub use assign::{Assign, AssignFailed, AssignProblem, AssignedPdo, MappedEntry, PdoRule};
pub use boot::{BootDone, BootError, BootProblem, BootProgress, BootRequest, BootStep, BootWork};
pub use bounded::{Bounded, Loses, Nothing};
pub use bring_up::{Address, Network, Options, StateReport};
pub use coe::SdoError;
pub use datagrams::{ABOUT, Answer, DatagramCounters, Datagrams, Rest, Target, last_multiple};
pub use described::Given;
pub use diagnosis::{MOST_MESSAGES, ReceivedDiagnosis};
pub use eoe::{
    Attached, Ethernet, EthernetCounters, FramePort, IpError, IpSettings, PortError, SendError, TakesFrames,
};
pub use error::{AlError, BringUpError, DatagramError, Label, SiiError, named};
pub use executor::{block_on, is_woken, join_all, try_block_on};
pub use foe::{File, FileError, FileProgress, FileTimes, FileTransfer, FileWay};
pub use interpolation::Interpolation;
pub use job::Place;
pub use mailbox::{
    MailCounters, MailError, MailFailure, MailFailures, MailPolicy, Mailbox, MailboxNews, ReceivedEmergency,
    ReceivedNotification, Strategy, UnaskedMail,
};
pub use matching::{
    Accepts, Expected, Found, FoundBy, Match, Matching, Missing, Product, identify, told_apart_by, twins,
};
pub use names::{Kind, NameBook, Named, Names};
pub use occupancy::{Driven, Occupancy, SignOfLife, occupancy};
pub use port_errors::{PortErrors, port_errors};
pub use received::{NoMail, ReceivedMails};
pub use relay::{Ask, ForeignMail, NoAsk, Refused, Relay, RelayEvent, Turn};
pub use request::{Answered, Inbox, Pending, RequestError, Requests, requests};
pub use sii::SiiNames;
pub use soe::{IdnError, IdnTransfer};
pub use startup::{Startup, StartupFailed, StartupName, StartupProblem, StartupWrite};
pub use subdevice::{EscInfo, Identity, MailboxInfo, PdoSource, SubDevice};
pub use sync_objects::{SyncErrors, SyncObjects, SyncParameters};
pub use times::Times;
pub use topology::{Parent, Topology};
pub use types::WantedTypes;
pub use voe::VoeError;
pub use watchdog::Watchdogs;

pub use ethercrab::PduLoop;
