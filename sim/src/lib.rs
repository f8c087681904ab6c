//! A simulated EtherCAT segment: ESCs, the SubDevices behind them, and their topology.
//!
//! [`Segment::process`] takes a frame as a MainDevice sends it and leaves it as the segment would return it, by the ETG
//! documents and the ET1100 data sheet, for any MainDevice. It is pure: no clock, no thread, no socket. Around it are
//! [`Server`], which serves it on a link, and [`SegmentLink`], which is a link with a segment in the same process.
//!
//! Not modelled: notifications of AoE.
#![forbid(unsafe_code)]

mod action;
mod app;
mod command;
mod config;
mod describe;
mod esc;
mod events;
mod execute;
mod frame;
mod in_process;
mod logical;
mod outputs;
mod profile;
mod script;
mod segment;
mod serve;
mod snapshot;
mod subdevice;
mod topology;

pub use action::{Action, ActionError, LatchInput, SdoRefusal};
pub use app::SyncErrors;
pub use command::{
    COMMANDS, Command, CommandError, CommandParser, CommandProblem, FaultChange, FaultDirection, FrameFault,
    FrameFaults, Page,
};
pub use config::{
    AlErrorConfig, AoeConfig, ClockConfig, ConfigProblem, ControlRule, DescribeError, Described, DifferenceSign,
    FoeConfig, MailboxConfig, MailboxHabits, MailboxProtocol, Millis, ModuleKind, ProfileKind, RamConfig, RepeatHabit,
    ReplyCounter, SecondEndConfig, SegmentConfig, SegmentConfigError, SizeHabit, SubDeviceConfig, TargetState,
    WireConfig,
};
pub use describe::esi::DeviceError;
pub use describe::image::ImageError;
pub use esc::{ClockSnapshot, EscModel};
pub use frame::frame_time;
pub use in_process::{Loss, SegmentLink};
pub use outputs::OutputsOnWire;
pub use script::{Script, ScriptError, ScriptRun, Step, StepKind, When};
pub use segment::{Outcome, Segment};
pub use serve::{Ends, ServeCounters, Server, nap};
pub use snapshot::{Snapshot, SubDeviceSnapshot, Totals};
pub use topology::End;
pub use zerocat_esi as esi;
