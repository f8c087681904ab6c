//! What a cycle counts and times, once its frames are back or given up.

use super::Engine;
use crate::control::Traffic;
use crate::cyclic::{AlReading, CycleResult, Sums, Told};
use crate::event::{CycleFault, Event};
use crate::measure::Timed;
use std::time::Duration;
use zerocat_link::Link;
use zerocat_sched::time::nanos;
use zerocat_sched::{Tick, Time};

impl<L: Link> Engine<L> {
    pub(super) fn count_wakeup(&mut self, tick: Tick, woke: Time) {
        let jitter = woke.since(tick.at);
        self.counters.cycles += 1;
        // Ticks before the first cycle belong to no exchange.
        if tick.skipped > 0 && self.counters.cycles > 1 {
            self.counters.skipped += tick.skipped;
            self.note(CycleFault::Skipped(tick.skipped));
        }
        self.counters.wakeup_jitter = nanos(jitter);
        self.measurements.note(Timed::WakeupJitter, jitter);
        if jitter > self.timing.late {
            self.note(CycleFault::Late(jitter));
        }
    }

    pub(super) fn count_send(&mut self, tick: Tick) {
        self.measurements.note(Timed::PostJitter, self.posted_at.since(tick.at));
        if let Some(kicked) = self.kicked_at {
            let jitter = kicked.since(tick.at);
            self.counters.send_jitter = nanos(jitter);
            self.measurements.note(Timed::SendJitter, jitter);
        }
    }

    pub(super) fn count_return(&mut self, tick: Tick, now: Time) {
        let Some(exchange) = self.exchange.as_deref() else { return };
        let (reading, told, sums) = (exchange.lane.al_status(), exchange.lane.told(), exchange.lane.sums());
        let Sums { missing: lost, result, .. } = sums;
        (self.counters.working_counter, self.counters.expected_working_counter) = (sums.working_counter, sums.expected);
        if lost > 0 {
            self.counters.lost_frames += lost;
            self.counters.lost_cycles += 1;
            self.note_missing();
        } else if result != CycleResult::NothingDue {
            let round_trip = now.since(self.posted_at);
            self.counters.round_trip = nanos(round_trip);
            self.measurements.note(Timed::RoundTrip, round_trip);
        }
        self.note_al_status(reading);
        if let Some(Told { events, mail }) = told {
            let before = std::mem::replace(&mut self.counters.events, events.into());
            self.counters.news += u64::from(mail || u64::from(events) & !before != 0);
        }
        self.count_complete(tick, result);
        self.count_safe(result);
        self.count_silence(result, lost);
    }

    #[cold]
    fn note_missing(&mut self) {
        let Some(exchange) = self.exchange.as_deref() else { return };
        for frame in exchange.lane.missing() {
            let event = Event { cycle: self.cycle, at: self.at, fault: CycleFault::Lost { frame } };
            self.counters.events_dropped += u64::from(!self.events.push(event));
        }
    }

    /// Counts complete cycles in a row. A skipped tick on which a frame was due ends the row.
    fn count_complete(&mut self, tick: Tick, result: CycleResult) {
        let streak = &mut self.counters.complete_streak;
        if tick.skipped > 0 {
            let last = tick.number.saturating_sub(1);
            let first = last.saturating_sub(tick.skipped);
            if self.exchange.as_deref().is_some_and(|exchange| exchange.lane.had_turn(first, last)) {
                *streak = 0;
            }
        }
        match result {
            CycleResult::Complete => *streak += 1,
            CycleResult::Incomplete => *streak = 0,
            CycleResult::NothingDue => {}
        }
    }

    /// Counts cycles in a row whose frames were sent with safe outputs, from when every frame has been.
    fn count_safe(&mut self, result: CycleResult) {
        if self.traffic == Traffic::Live || result == CycleResult::NothingDue {
            return;
        }
        if !self.all_sent {
            self.counters.safe_cycles = 0;
        } else if self.exchange.as_deref().is_some_and(|exchange| exchange.lane.is_sent_safe()) {
            self.counters.safe_cycles += 1;
        }
    }

    /// A cycle that lost frames and heard none, not even a late one, is silent. The time of silence goes on in cycles
    /// without a frame due.
    fn count_silence(&mut self, result: CycleResult, lost: u64) {
        if std::mem::take(&mut self.heard) {
            self.counters.silent_cycles = 0;
            self.counters.silent_ns = 0;
            self.heard_at = self.at;
            self.awaited = false;
            return;
        }
        self.awaited |= result != CycleResult::NothingDue;
        if lost > 0 {
            self.counters.silent_cycles += 1;
            self.counters.silent_longest = self.counters.silent_longest.max(self.counters.silent_cycles);
        }
        if self.awaited {
            self.counters.silent_ns = nanos(self.at.since(self.heard_at));
            self.counters.silent_longest_ns = self.counters.silent_longest_ns.max(self.counters.silent_ns);
        }
    }

    fn note_al_status(&mut self, reading: Option<AlReading>) {
        let Some(now) = reading else { return };
        (self.counters.al_status, self.counters.al_responding) = (now.ored.into(), now.responding.into());
        if let Some(was) = self.al_status.replace(now)
            && was != now
        {
            self.note(CycleFault::AlStatus { was: was.ored, now: now.ored, responding: now.responding });
        }
    }

    /// Counts a time without frames that was longer than the SubDevices' watchdog.
    pub(super) fn count_stall(&mut self, gap: Duration) {
        let nanos = nanos(gap);
        self.counters.stalls += 1;
        self.counters.stall_last_ns = nanos;
        self.counters.stall_longest = self.counters.stall_longest.max(nanos);
        self.note(CycleFault::Stall(gap));
    }
}
