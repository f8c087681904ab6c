//! zerocat as a library: opens a rig file, brings the network to OP, keeps it there, and takes it down in order.
#![forbid(unsafe_code)]

mod asking;
mod bind;
mod bring_up;
mod bus_thread;
mod capture_note;
mod core;
mod draft;
mod events;
mod expiry;
mod fault;
mod fault_counts;
mod fault_log;
mod files;
mod front;
mod health;
mod lateness;
mod latest;
mod layout;
mod limit;
mod limits;
mod link;
mod machine;
mod name_cache;
mod operation;
mod other_network;
pub mod outfile;
mod privileges;
mod realtime;
mod recognition;
mod recovery;
pub mod report;
mod run_report;
mod scan;
mod session;
mod shutdown;
mod silence;
mod silent_branch;
mod sinks;
mod stopping;
mod subscribers;
mod supervision;
mod surroundings;
mod tasks;
#[cfg(feature = "testing")]
pub mod testing;
mod told;
mod types;
mod uncommanded;
mod unstarted;
mod void;
mod wanted;

pub use bind::{BindError, MappedPdo, Positions, Unbound, bind};
pub use bring_up::{Bindings, Planned, Ports, StartError};
pub use draft::{DraftFormat, data_type, draft_rig, draft_text};
pub use events::{Observer, Phase, SessionEvent};
pub use fault::{fault_of_config, fault_of_lock, fault_of_packet, fault_of_xdp};
pub use files::CaptureError;
pub use front::{
    Bits, Bus, Cycle, Entry, EntryError, EntryErrors, EntryProblem, Field, Identity, In, Io, NoCycle, Out, Past,
    Refused, SubDeviceRef, Waiting,
};
pub use health::OutOfOp;
pub use latest::ChannelValue;
pub use limit::Limit;
pub use link::{AnyLink, LinkOpenError, LinkRequest, OpenLink, open_link, open_link_unless};
pub use machine::{
    ATTEMPT, BRING_UP, DrivenBus, Ending, Life, LifeError, Machine, SHUTDOWN, StopWish, UnwatchedOutputs,
};
pub use name_cache::NameCache;
pub use privileges::Privileges;
pub use realtime::ThreadPanic;
pub use recognition::Unnamed;
pub use recovery::Outage;
pub use report::Report;
pub use scan::{Depth, SCAN_PATIENCE, SCAN_SLOTS, Scan, ScanError, ScanOptions, Scanned, scan, scan_by};
pub use session::{Ended, Session, SessionError, SessionOptions, SessionState, Status};
pub use silence::why_silent;
pub use sinks::{SinkError, Sinks};
pub use subscribers::{Events, NoEvent};
pub use supervision::Cause;
pub use surroundings::{LinkState, NotAttached, Surroundings};
pub use tasks::{TaskSet, TaskStartError};
pub use told::Retried;
pub use types::TypeByLength;
pub use unstarted::Unstarted;
pub use wanted::doctor_request;

pub use zerocat_bus::names::{IN_ALL as NAMES_IN_ALL, PER_SUBDEVICE as NAMES_PER_SUBDEVICE};
pub use zerocat_bus::sii::Content as SiiContent;
pub use zerocat_bus::{Pending, PortErrors, RequestError, Requests, StateReport};
pub use zerocat_config as config;
pub use zerocat_config::CheckedRig;
pub use zerocat_engine::Counters;
pub use zerocat_faults::{Category, Fault};
pub use zerocat_host::chain;
pub use zerocat_tasks::{Job, Kind, StandardInput, lines_schema};
