//! zerocat as a library: opens a rig file, brings the network to OP, keeps it there, and takes it down in order.
#![forbid(unsafe_code)]

mod account;
mod bind;
mod bring_up;
mod core;
mod draft;
mod exchange;
mod health;
mod limit;
mod link;
mod privileges;
mod progress;
mod realtime;
mod recovery;
pub mod report;
mod scan;
mod session;
mod tasks;
mod unstarted;
mod wanted;

pub use bind::{BindError, Positions, Unbound, bind};
pub use bring_up::{Bindings, BringUp, Planned, Ports, StartError, shut_down};
pub use draft::draft_rig;
pub use limit::Limit;
pub use link::{AnyLink, LinkOpenError, LinkRequest, OpenLink, open_link};
pub use privileges::Privileges;
pub use progress::{Phase, Progress};
pub use realtime::RealtimePanic;
pub use recovery::Tended;
pub use report::Report;
pub use scan::{Depth, SCAN_SLOTS, Scan, ScanError, Scanned, scan};
pub use session::{Ended, Session, SessionError, SessionOptions, Status};
pub use tasks::{TaskSet, TaskStartError};
pub use unstarted::Unstarted;
pub use wanted::doctor_request;

pub use zerocat_config as config;
pub use zerocat_engine::Counters;
pub use zerocat_host::chain;
