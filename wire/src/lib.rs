//! EtherCAT wire formats as views (read and write in place) and values (plain structs).
//!
//! `no_std`, no `unsafe`, no dependencies. Every format is a field layout taken from the ETG documents, and every
//! format has tests on literal bytes. No bytes from outside make anything here panic: a view is only made by
//! `new_checked`, which checks the lengths first.
#![no_std]
#![forbid(unsafe_code)]
#![deny(clippy::indexing_slicing, clippy::arithmetic_side_effects)]
#![cfg_attr(test, allow(clippy::indexing_slicing, clippy::arithmetic_side_effects))]

#[cfg(test)]
extern crate std;

pub mod al;
pub mod aoe;
mod codes;
pub mod coe;
pub mod command;
pub mod datagram;
pub mod dl;
pub mod eoe;
pub mod ethernet;
mod field;
pub mod fmmu;
pub mod foe;
pub mod frame;
pub mod gateway;
pub mod mailbox;
pub mod register;
pub mod sii;
pub mod soe;
pub mod sync_manager;
pub mod voe;

pub use al::{AlControl, AlState, AlStatus, AlStatusCode};
pub use command::{Address, Command};
pub use datagram::{Datagram, DatagramView, DatagramViewMut};
pub use dl::{DlControl, DlStatus};
pub use frame::{DatagramIter, DatagramsMut, FrameBuilder, FrameView, FrameViewMut};
pub use mailbox::{MailboxError, MailboxHeader, MailboxType};

/// Why bytes were not admitted as a format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WireError {
    /// The buffer ends before the format does.
    Truncated {
        /// Bytes that the format needs.
        needed: usize,
        /// Bytes that are there.
        got: usize,
    },
    /// The EtherType is not EtherCAT's 0x88A4.
    NotEtherCat(u16),
    /// The EtherCAT frame header's type is not 1 (datagrams).
    NotDatagrams(u8),
    /// A length field contradicts the bytes around it.
    BadLength,
    /// A field has a value that the format doesn't know.
    BadValue(u32),
    /// The destination buffer has no room for what was to be written.
    NoRoom,
}

impl core::fmt::Display for WireError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match *self {
            Self::Truncated { needed, got } => write!(f, "truncated: {got} bytes of {needed}"),
            Self::NotEtherCat(ethertype) => write!(f, "EtherType {ethertype:#06x} is not EtherCAT's 0x88a4"),
            Self::NotDatagrams(kind) => write!(f, "EtherCAT frame type {kind} is not 1 (datagrams)"),
            Self::BadLength => f.write_str("a length field contradicts the frame"),
            Self::BadValue(value) => write!(f, "unknown value {value:#x}"),
            Self::NoRoom => f.write_str("no room in the destination buffer"),
        }
    }
}

impl core::error::Error for WireError {}
