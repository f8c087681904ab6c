//! zerocat as a library: an EtherCAT MainDevice for programs.
//!
//! [`Bus`] describes a network and starts it; [`Session`] is the machine that runs, keeps it in OP and takes it down in order;
//! [`Io`] is the process data, in the hands of one owner. A whole program:
//!
//! ```no_run
//! use std::time::Duration;
//! use zerocat::{Bus, NoCycle};
//!
//! fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     // Outputs may stand 20 ms without a commit; then they are safe.
//!     let mut bus = Bus::on("eth1").rate_hz(1000.0).silent_after(Duration::from_millis(20));
//!     let position = bus.input::<i32>(0, 0x6064);
//!     let target = bus.output::<i32>(0, 0x607a);
//!     let (session, mut io) = bus.start()?;
//!     loop {
//!         let cycle = match io.wait(Duration::from_secs(1)) {
//!             Ok(cycle) => cycle,
//!             // The network is out: the session brings it to OP again.
//!             Err(NoCycle::TimedOut) => continue,
//!             Err(_) => break,
//!         };
//!         if io.is_good(position) {
//!             io.set(target, io.get(position) + 10);
//!             // Refused where it comes too late, or the network was lost meanwhile: there is a next cycle.
//!             let _ = io.commit(&cycle);
//!         }
//!     }
//!     println!("{:?}", session.stop()?.ending);
//!     Ok(())
//! }
//! ```
//!
//! Entries are asked for before the start and checked against what the bus maps; after that access can't fail. When the last
//! [`Session`] is dropped, also by a panic, outputs become safe and the network goes to INIT. With the feature `testing` the same
//! program runs against a simulated segment under virtual time, in a `#[test]`.
//!
//! Rig files, scans, drafts and reports are here too: what the command `zerocat` does.
#![forbid(unsafe_code)]

#[cfg(doctest)]
#[doc = include_str!("../../docs/from-other-masters.md")]
mod from_other_masters {}

mod absent;
mod asking;
mod assign;
mod bind;
mod boot;
mod bring_up;
mod bus_thread;
#[cfg(feature = "capture")]
mod capture;
#[cfg(not(feature = "capture"))]
#[path = "capture/without.rs"]
mod capture;
mod clock_oddity;
mod clock_watch;
mod clocks;
mod core;
mod described;
mod descriptions;
mod diagnosis;
mod draft;
mod emergency;
mod eoe;
mod events;
mod expiry;
mod fault;
mod fault_counts;
mod fault_log;
mod files;
mod foreseen;
mod front;
mod gateway;
mod health;
#[cfg(feature = "host")]
mod host_facts;
#[cfg(not(feature = "host"))]
#[path = "host_facts/without.rs"]
mod host_facts;
pub mod import;
mod interpolation;
mod lateness;
mod latest;
mod layout;
mod limit;
mod limits;
mod link;
mod machine;
mod mailbox_silence;
mod name_cache;
mod nap;
mod notification;
mod operation;
mod other_network;
pub mod outfile;
mod own_loop;
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
mod start_wait;
mod startup;
mod stopping;
mod subscribers;
mod supervision;
mod surroundings;
mod sync_budget;
mod sync_times;
mod synchronization;
mod tasks;
#[cfg(feature = "testing")]
pub mod testing;
mod time_thread;
mod told;
mod trouble;
mod types;
mod uncommanded;
mod unstarted;
mod void;
#[cfg(feature = "host")]
mod wanted;
mod way_back;

pub use bind::{BindError, MappedPdo, Positions, Unbound, bind};
pub use bring_up::{Bindings, Planned, Ports, StartError};
pub use capture::CaptureError;
pub use clock_oddity::ClockOddity;
pub use descriptions::{Described, Description, Descriptions};
pub use diagnosis::Diagnosis;
pub use draft::{DraftFormat, data_type, draft_rig, draft_text};
pub use emergency::Emergency;
pub use eoe::{EthernetError, HostInterfaces};
pub use events::{Observer, Phase, SessionEvent};
#[cfg(feature = "packet")]
pub use fault::fault_of_packet;
#[cfg(feature = "xdp")]
pub use fault::fault_of_xdp;
pub use fault::{fault_of_config, fault_of_lock};
pub use foreseen::{Foreseen, foreseen};
pub use front::{
    AoeSample, AoeSamples, Bits, Bus, Cycle, Entry, EntryError, EntryErrors, EntryProblem, Field, Identity, In, Io,
    NoCycle, NoSuchSubDevice, Out, Past, Refused, SubDeviceHandle, SubDeviceRef, VoeMail, VoeMails, Waiting,
};
pub use gateway::GatewayError;
pub use health::OutOfOp;
pub use interpolation::OtherInterpolation;
pub use latest::ChannelValue;
pub use limit::Limit;
pub use link::{AnyLink, LinkOpenError, LinkRequest, OpenLink, open_link, open_link_unless};
pub use machine::{
    ATTEMPT, BRING_UP, DrivenBus, Ending, Life, LifeError, Machine, SHUTDOWN, StopWish, UnwatchedOutputs,
};
pub use mailbox_silence::{MailboxAnswers, MailboxSilent};
pub use name_cache::NameCache;
pub use notification::CommandNotified;
pub use own_loop::{OwnLoop, OwnLoopError};
pub use privileges::Privileges;
pub use realtime::ThreadPanic;
pub use recognition::Unnamed;
pub use recovery::Outage;
pub use report::EthernetReport;
pub use report::Report;
pub use scan::{
    Depth, SCAN_PATIENCE, SCAN_SLOTS, Scan, ScanError, ScanOptions, Scanned, ScannedClock, ScannedMode, scan, scan_by,
};
pub use session::{Ended, Session, SessionError, SessionOptions, SessionState, Status};
pub use silence::why_silent;
pub use sinks::{SinkError, Sinks};
pub use subscribers::{Events, NoEvent};
pub use supervision::Cause;
pub use surroundings::{Calm, LinkState, NotAttached, Surroundings};
pub use sync_budget::SyncBudget;
pub use synchronization::SyncTrouble;
pub use tasks::{TaskSet, TaskStartError};
pub use told::Retried;
pub use types::TypeByLength;
pub use unstarted::Unstarted;
pub use void::{CommandedAgain, CommandsVoid, WhyVoid};
#[cfg(feature = "host")]
pub use wanted::doctor_request;

pub use zerocat_bus::clock::survey::ClockClass;
pub use zerocat_bus::names::{IN_ALL as NAMES_IN_ALL, PER_SUBDEVICE as NAMES_PER_SUBDEVICE};
pub use zerocat_bus::sdo_info::{EntryDescription, ObjectDescription};
pub use zerocat_bus::sii::Content as SiiContent;
pub use zerocat_bus::{
    AdsTransfer, AlShown, Answered, AoeError, AoeTarget, BootDone, BootError, BootProblem, BootProgress, BootStep,
    EthernetCounters, FileError, FileProgress, FileTransfer, FileWay, FramePort, IpError, IpSettings, NoMail, Pending,
    PortError, PortErrors, RequestError, Requests, SendError, StartupFailed, StartupProblem, StateReport, SyncErrors,
    SyncObjects, SyncParameters, VoeError,
};
pub use zerocat_config as config;
pub use zerocat_config::dc::SubDeviceDc;
pub use zerocat_config::{CheckedRig, Patience};
pub use zerocat_engine::Counters;
pub use zerocat_faults::chain;
pub use zerocat_faults::{Category, Fault};
#[cfg(feature = "schema")]
pub use zerocat_tasks::lines_schema;
pub use zerocat_tasks::{ClockStep, Job, Kind, SourceEvent, StandardInput, SteppedClock};
pub use zerocat_wire::aoe;
pub use zerocat_wire::soe::{Attribute, Elements, Idn};
