//! Rates per second: counted over a window of one second, and shown until the next window is over.

use super::status::Status;
use std::time::Duration;
use zerocat_sim::SubDeviceSnapshot;

/// Length of a window.
const WINDOW: Duration = Duration::from_secs(1);

/// What is counted of a SubDevice.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Activity {
    /// Logical datagrams.
    pub(super) cyclic: u64,
    /// Mails from the MainDevice.
    pub(super) mails: u64,
}

/// Counts at the start of the present window, and the rates of the last one.
#[derive(Debug, Default)]
pub(super) struct Rates {
    since: Duration,
    frames: u64,
    subdevices: Vec<Activity>,
    frames_per_second: u64,
    per_second: Vec<Activity>,
}

impl Rates {
    /// Frames in a second.
    pub(super) const fn frames_per_second(&self) -> u64 {
        self.frames_per_second
    }

    /// What a SubDevice did in a second, by its index.
    pub(super) fn of(&self, index: usize) -> Activity {
        self.per_second.get(index).copied().unwrap_or_default()
    }

    /// Ends the window if it is over.
    pub(super) fn update(&mut self, status: &Status) {
        let passed = status.now.saturating_sub(self.since);
        if passed < WINDOW {
            return;
        }
        let ms = u64::try_from(passed.as_millis()).unwrap_or(u64::MAX).max(1);
        let per_second = |now: u64, before: u64| now.saturating_sub(before).saturating_mul(1000) / ms;
        let now: Vec<Activity> = status.snapshot.subdevices.iter().map(Activity::of).collect();
        let before = self.subdevices.iter().copied().chain(std::iter::repeat(Activity::default()));
        let rate = |(now, before): (&Activity, Activity)| Activity {
            cyclic: per_second(now.cyclic, before.cyclic),
            mails: per_second(now.mails, before.mails),
        };
        self.per_second = now.iter().zip(before).map(rate).collect();
        self.frames_per_second = per_second(status.snapshot.totals.frames, self.frames);
        (self.since, self.frames, self.subdevices) = (status.now, status.snapshot.totals.frames, now);
    }
}

impl Activity {
    fn of(subdevice: &SubDeviceSnapshot) -> Self {
        Self { cyclic: subdevice.cyclic, mails: subdevice.mailbox_requests }
    }
}
