//! Finds out whether another MainDevice drives a bus, by reading only.
//!
//! A bus that is in INIT or PRE-OP belongs to nobody. One that shows SAFE-OP or OP is driven where there are signs of life:
//!
//! - an output sync manager whose buffers change between two readings (bits 4 and 5 of its status, 0x0805 + 8 n);
//! - a process data watchdog that is enabled (0x0420 is not 0, and an output sync manager triggers it) and still runs
//!   (0x0440) after longer than its time. The bit in 0x0440 is also set where the watchdog is off, or was never triggered
//!   because no output has been written yet, so it says nothing alone.
//!
//! A bus that its MainDevice left in OP when it died has no signs of life, and may be taken.
//!
//! Guarantees: nothing is written; where nobody answers, one broadcast read is all that is sent. Not guaranteed: that a bus
//! without outputs, which has neither sign, isn't read by somebody else.

use std::fmt;
use std::time::Duration;

use zerocat_wire::al::AlStatus;
use zerocat_wire::sync_manager::{self, SyncManager, control};
use zerocat_wire::{AlState, register};

use crate::datagrams::{Datagrams, Target};
use crate::error::DatagramError;
use crate::executor::join_all;

/// Time between two readings of the sync managers.
const BETWEEN: Duration = Duration::from_millis(5);
/// Fewest readings.
const READINGS: u32 = 4;
/// Longest time that a watchdog is watched. One that takes longer counts as a sign of life.
const LONGEST: Duration = Duration::from_millis(1500);
/// Sync managers that are looked at; ESCs have 16 at most.
const MANAGERS: u8 = 16;
/// Bits of a sync manager's status that say which buffer was written last (ET1100 data sheet, section II, 0x0805).
const LAST_WRITTEN: u8 = 0x30;
/// Of those, all: none was written since the sync manager was switched on.
const NONE_WRITTEN: u8 = LAST_WRITTEN;

/// Why a SubDevice counts as driven.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignOfLife {
    /// Its outputs are being written.
    Buffers,
    /// Its process data watchdog is being triggered.
    Watchdog,
}

impl fmt::Display for SignOfLife {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Buffers => "somebody writes its outputs",
            Self::Watchdog => "its process data watchdog is being triggered",
        })
    }
}

/// A SubDevice that somebody drives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Driven {
    /// Its position, 0-based.
    pub position: u16,
    /// What it shows.
    pub status: AlStatus,
    /// What gives the other MainDevice away.
    pub sign: SignOfLife,
}

impl fmt::Display for Driven {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SubDevice {} is in {} and {}", self.position, self.status, self.sign)
    }
}

/// What a look at a bus found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Occupancy {
    /// Nobody answers.
    Silent,
    /// It may be taken.
    Free {
        /// SubDevices that answer.
        subdevices: u16,
    },
    /// Another MainDevice drives it.
    Driven(Vec<Driven>),
}

/// Looks whether somebody drives the bus. It takes some milliseconds, and up to 1.5 s where SubDevices are in SAFE-OP or OP.
///
/// # Errors
/// Those of [`Datagrams::read`].
pub async fn occupancy(datagrams: &Datagrams) -> Result<Occupancy, DatagramError> {
    let answer = datagrams.census(register::AL_STATUS, 2).await?;
    let subdevices = answer.working_counter;
    if subdevices == 0 {
        return Ok(Occupancy::Silent);
    }
    let ored = answer.data.first().copied().unwrap_or_default();
    if ored & (AlState::SafeOp as u8 | AlState::Op as u8) == 0 {
        return Ok(Occupancy::Free { subdevices });
    }
    let looks = join_all((0..subdevices).map(|position| look(datagrams, position))).await;
    let driven: Vec<_> = looks.into_iter().flatten().collect();
    Ok(if driven.is_empty() { Occupancy::Free { subdevices } } else { Occupancy::Driven(driven) })
}

/// Looks at one SubDevice. One that stops answering meanwhile, or shows no process data, gives nothing away.
async fn look(datagrams: &Datagrams, position: u16) -> Option<Driven> {
    let target = Target::Position(position);
    let status = AlStatus(datagrams.read_u16(target, register::AL_STATUS).await.ok()?);
    if !matches!(status.state(), Some(AlState::SafeOp | AlState::Op)) {
        return None;
    }
    let found = |sign| Some(Driven { position, status, sign });
    let outputs = outputs(datagrams, target).await;
    if outputs.is_empty() {
        return None;
    }
    let watchdog = watchdog(datagrams, target, &outputs).await;
    let wait = watchdog.map_or(Duration::ZERO, |time| time.saturating_mul(2).min(LONGEST));
    let end = datagrams.now().saturating_add(wait.max(BETWEEN.saturating_mul(READINGS)));
    let first = buffers(datagrams, target, &outputs).await?;
    while datagrams.now() < end {
        datagrams.pause(BETWEEN).await;
        if buffers(datagrams, target, &outputs).await.is_some_and(|last| last != first) {
            return found(SignOfLife::Buffers);
        }
    }
    watchdog?;
    if first.iter().all(|last| *last == NONE_WRITTEN) {
        return None;
    }
    let running = datagrams.read_u8(target, register::WATCHDOG_STATUS).await.ok()? & 1 != 0;
    if running { found(SignOfLife::Watchdog) } else { None }
}

/// The output sync managers that are on, with their numbers.
async fn outputs(datagrams: &Datagrams, target: Target) -> Vec<(u8, SyncManager)> {
    let Ok(count) = datagrams.read_u8(target, register::SYNC_MANAGER_COUNT).await else { return Vec::new() };
    let mut found = Vec::new();
    for number in 0..count.min(MANAGERS) {
        let bytes = datagrams.read_array::<{ sync_manager::LEN }>(target, sync_manager::register(number)).await;
        if let Some(channel) = bytes.ok().and_then(|bytes| SyncManager::parse(&bytes).ok())
            && channel.enabled()
            && channel.is_written()
            && !channel.is_mailbox()
        {
            found.push((number, channel));
        }
    }
    found
}

/// The time of the process data watchdog, if it is enabled and an output triggers it.
async fn watchdog(datagrams: &Datagrams, target: Target, outputs: &[(u8, SyncManager)]) -> Option<Duration> {
    if !outputs.iter().any(|(_, channel)| channel.control & control::WATCHDOG != 0) {
        return None;
    }
    let ticks = datagrams.read_u16(target, register::WATCHDOG_SYNC_MANAGER).await.ok()?;
    let divider = datagrams.read_u16(target, register::WATCHDOG_DIVIDER).await.ok()?;
    // A tick is 40 ns * (divider + 2) (ETG.1000.4, 6.3).
    let tick = Duration::from_nanos(40).saturating_mul(u32::from(divider) + 2);
    (ticks != 0).then(|| tick.saturating_mul(ticks.into()))
}

/// Which buffer of each output was written last. `None` where one can't be read: that is no change.
async fn buffers(datagrams: &Datagrams, target: Target, outputs: &[(u8, SyncManager)]) -> Option<Vec<u8>> {
    let mut last = Vec::with_capacity(outputs.len());
    for (number, _) in outputs {
        let status = datagrams.read_u8(target, sync_manager::register(*number) + 5).await.ok()?;
        last.push(status & LAST_WRITTEN);
    }
    Some(last)
}
