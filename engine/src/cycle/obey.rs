//! What changes an engine at the end of a cycle: the control messages, or that their sender is gone.

use super::Timing;
use super::{Concluded, EndReason, Engine};
use crate::control::{Message, TakingPart, Traffic};
use crate::lane::Exchange;
use crate::presence::Presence;
use zerocat_link::Link;

impl<L: Link> Engine<L> {
    pub(super) fn obey(&mut self) -> Concluded {
        let mut concluded = Concluded::default();
        while let Some(message) = self.inbox.next() {
            match message {
                Message::Install(exchange) => self.install(exchange),
                Message::Retire => {
                    concluded.retired = self.exchange.is_some();
                    self.retire();
                    // Whoever installs the next one may have set the clock meanwhile.
                    self.follow_clock();
                }
                Message::Expect(taking_part) => self.expect(taking_part),
                Message::Presence { presence, as_of } => self.tell(presence, as_of),
                Message::Safe => self.make_safe(),
                Message::Live { interruptions } if interruptions == self.interruptions() => self.make_live(),
                // Asked for before the interruption was known.
                Message::Live { .. } => {}
                Message::Stop => concluded.end = Some(EndReason::Stopped),
            }
        }
        if self.exchange.as_deref().is_some_and(|exchange| exchange.voids.are_ordered()) {
            self.void();
        }
        concluded.end = concluded.end.or_else(|| self.end_if_abandoned());
        concluded
    }

    /// Obeys the orders to make what was commanded of single SubDevices void.
    #[cold]
    fn void(&mut self) {
        let Some(exchange) = self.exchange.as_deref_mut() else { return };
        let Exchange { lane, writers, safe, voids, .. } = exchange;
        let epoch = voids.obey(lane, writers, safe, self.counters.epoch);
        if epoch != self.counters.epoch {
            self.counters.epoch = epoch;
            let live = self.traffic == Traffic::Live;
            writers.iter().for_each(|writer| writer.set_live(epoch, live));
        }
    }

    /// An engine whose controls were dropped sends safe outputs for some cycles and ends.
    fn end_if_abandoned(&mut self) -> Option<EndReason> {
        let left = match self.cycles_left {
            Some(left) => left.saturating_sub(1),
            None if self.inbox.is_abandoned() => {
                self.make_safe();
                self.final_cycles()
            }
            None => return None,
        };
        self.cycles_left = Some(left);
        (left == 0).then_some(EndReason::Abandoned)
    }

    fn final_cycles(&self) -> u64 {
        let Some(exchange) = self.exchange.as_deref() else { return 0 };
        let usual = exchange.lane.longest_turn().saturating_add(1).max(Timing::FINAL_CYCLES);
        self.timing.final_cycles.unwrap_or(usual)
    }

    fn install(&mut self, exchange: Box<Exchange>) {
        self.retire();
        if let Err(fault) = exchange.lane.stage(&mut self.link) {
            self.note_link(fault);
            self.inbox.retire(Some(exchange));
            return;
        }
        self.exchange = Some(exchange);
        self.al_status = None;
        self.follow_clock();
        self.heard_at = self.at;
        (self.heard, self.awaited) = (false, false);
        (self.counters.silent_cycles, self.counters.silent_longest) = (0, 0);
        (self.counters.silent_ns, self.counters.silent_longest_ns) = (0, 0);
        self.counters.complete_streak = 0;
        self.counters.installed += 1;
        self.begin_epoch();
    }

    fn retire(&mut self) {
        let Some(exchange) = self.exchange.take() else { return };
        exchange.writers.iter().for_each(|writer| writer.set_live(self.counters.epoch, false));
        self.traffic = Traffic::Safe;
        // What the link still holds must not be the first on the wire when the network is back.
        self.link.withdraw();
        self.inbox.retire(Some(exchange));
    }

    fn expect(&mut self, taking_part: TakingPart) {
        if let Some(exchange) = self.exchange.as_deref_mut() {
            exchange.lane.expect(taking_part);
            self.counters.complete_streak = 0;
            self.counters.expectations += 1;
        }
    }

    fn tell(&mut self, presence: Presence, as_of: u64) {
        if let Some(exchange) = self.exchange.as_deref_mut()
            && exchange.lane.tell(presence, as_of)
        {
            self.counters.complete_streak = 0;
        }
    }

    fn make_live(&mut self) {
        let Some(exchange) = self.exchange.as_deref() else { return };
        if self.cycles_left.is_none() {
            self.traffic = Traffic::Live;
            self.initial = false;
            self.counters.safe_cycles = 0;
            exchange.writers.iter().for_each(|writer| writer.set_live(self.counters.epoch, true));
        }
    }

    fn make_safe(&mut self) {
        let initial = self.initial && self.exchange.as_deref().is_some_and(|exchange| exchange.initial.is_some());
        self.initial = false;
        if self.traffic == Traffic::Live || initial {
            self.begin_epoch();
        }
    }

    /// Makes outputs safe, before the first live traffic the initial ones. What was commanded before is void, also in
    /// frames that the link still holds.
    pub(super) fn begin_epoch(&mut self) {
        self.link.withdraw();
        self.traffic = Traffic::Safe;
        self.counters.epoch += 1;
        self.counters.safe_cycles = 0;
        let Some(exchange) = self.exchange.as_deref_mut() else { return };
        let Exchange { lane, writers, safe, initial, voids, .. } = exchange;
        lane.make_safe(initial.as_ref().filter(|_| self.initial).unwrap_or(safe));
        for writer in &mut *writers {
            let dropped = writer.begin(self.counters.epoch, self.initial, safe, lane.image_mut());
            self.counters.stale_commands += dropped;
        }
        voids.begin(writers);
    }
}
