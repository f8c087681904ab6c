//! Counters of a task, readable from any thread while it runs.

use crate::commands::LineError;
use crate::hearing::SourceEvent;
use crate::outputs::Rejected;
use crate::refused::{Refused, RefusedByKind};
use std::collections::BTreeMap;
use std::fmt::Display;
use std::sync::atomic::{AtomicU64, Ordering};
use zerocat_faults::Fault;

/// Counters of one task. Each only grows.
#[derive(Debug, Default)]
pub struct TaskCounters {
    samples: AtomicU64,
    stale: AtomicU64,
    missing: AtomicU64,
    overrun: AtomicU64,
    batches: AtomicU64,
    lost_batches: AtomicU64,
    stuck_sinks: AtomicU64,
    commands: AtomicU64,
    applied: AtomicU64,
    rejected: AtomicU64,
    outdated: AtomicU64,
    malformed: AtomicU64,
    refused: RefusedByKind,
    overflowed: AtomicU64,
    live: AtomicU64,
    silent: AtomicU64,
    heard_again: AtomicU64,
    ended: AtomicU64,
}

/// The counters at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize)]
pub struct Counts {
    /// Samples taken from the ring.
    pub samples: u64,
    /// Samples with bytes older than their cycle: a SubDevice did not answer.
    pub stale: u64,
    /// Samples that the grid had a place for and that did not come: cycles skipped, or overruns.
    pub missing: u64,
    /// Samples that found the ring full.
    pub overrun: u64,
    /// Batches delivered.
    pub batches: u64,
    /// Batches that a sink did not take: it refused them, or was too slow. Each sink counts.
    pub lost_batches: u64,
    /// Sinks whose threads were left behind at the end, because they took nothing any more.
    pub stuck_sinks: u64,
    /// Values taken from the source.
    pub commands: u64,
    /// Sets of outputs that reached the process image.
    pub applied: u64,
    /// Values that were refused: out of range, or of an unknown channel.
    pub rejected: u64,
    /// Values that were dropped because they came before the end of an outage, or before a silence.
    pub outdated: u64,
    /// Lines that were no commands.
    pub malformed: u64,
    /// Lines that were refused because too many waited for their turn.
    pub overflowed: u64,
    /// Times that commands went live: at the start, and after each outage.
    pub live: u64,
    /// Times that the source fell silent.
    pub silent: u64,
    /// Times that it was heard again.
    pub heard_again: u64,
    /// 1 once the source has ended.
    pub ended: u64,
}

// SYNC: every counter here is a statistic and orders nothing; the relaxed adds and stores pair with the relaxed loads
// in `read`.
impl TaskCounters {
    /// The counters now.
    #[must_use]
    pub fn read(&self) -> Counts {
        let load = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Counts {
            samples: load(&self.samples),
            stale: load(&self.stale),
            missing: load(&self.missing),
            overrun: load(&self.overrun),
            batches: load(&self.batches),
            lost_batches: load(&self.lost_batches),
            stuck_sinks: load(&self.stuck_sinks),
            commands: load(&self.commands),
            applied: load(&self.applied),
            rejected: load(&self.rejected),
            outdated: load(&self.outdated),
            malformed: load(&self.malformed),
            overflowed: load(&self.overflowed),
            live: load(&self.live),
            silent: load(&self.silent),
            heard_again: load(&self.heard_again),
            ended: load(&self.ended),
        }
    }

    /// Commands that were refused, by kind.
    #[must_use]
    pub fn refused(&self) -> BTreeMap<Fault, Refused> {
        self.refused.read()
    }

    /// Counts a command that is refused for a reason. Returns how many of the kind there are now.
    pub(crate) fn refuse(&self, fault: Fault, why: &impl Display) -> u64 {
        self.refused.add(fault, 1, || why.to_string())
    }

    pub(crate) fn sample(&self, stale: bool, missing: u64) {
        self.samples.fetch_add(1, Ordering::Relaxed);
        self.stale.fetch_add(u64::from(stale), Ordering::Relaxed);
        self.missing.fetch_add(missing, Ordering::Relaxed);
    }

    pub(crate) fn set_overrun(&self, overrun: u64) {
        self.overrun.store(overrun, Ordering::Relaxed);
    }

    pub(crate) fn set_applied(&self, applied: u64) {
        self.applied.store(applied, Ordering::Relaxed);
    }

    pub(crate) fn batch(&self) {
        self.batches.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn lose_batches(&self, count: u64) {
        self.lost_batches.fetch_add(count, Ordering::Relaxed);
    }

    pub(crate) fn leave_sink(&self) {
        self.stuck_sinks.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn command(&self) {
        self.commands.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn outdate(&self, values: u64) {
        self.outdated.fetch_add(values, Ordering::Relaxed);
        if values > 0 {
            let why = || "it was given before an outage or a silence had ended".to_owned();
            self.refused.add(Fault::CommandOutdated, values, why);
        }
    }

    pub(crate) fn source(&self, event: SourceEvent) {
        let counter = match event {
            SourceEvent::Live => &self.live,
            SourceEvent::Silent { .. } => &self.silent,
            SourceEvent::HeardAgain { .. } => &self.heard_again,
            SourceEvent::Ended => &self.ended,
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    /// Returns how many there are now.
    pub(crate) fn overflow(&self) -> u64 {
        self.overflowed.fetch_add(1, Ordering::Relaxed);
        self.refuse(Fault::CommandOverflowed, &"too many lines wait for their turn")
    }

    /// Returns how many of the kind there are now.
    pub(crate) fn reject(&self, error: &Rejected) -> u64 {
        self.rejected.fetch_add(1, Ordering::Relaxed);
        self.refuse(error.fault(), error)
    }

    /// Returns how many of the kind there are now.
    pub(crate) fn malform(&self, error: &LineError) -> u64 {
        self.malformed.fetch_add(1, Ordering::Relaxed);
        self.refuse(error.fault(), error)
    }
}
