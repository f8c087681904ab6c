//! Whose bytes in a cyclic datagram are good.
//!
//! A working counter that is as expected says that all took part. One that is lower says that somebody is missing, not
//! who. Who answered is told by the status datagram of the same frame ([`RollCall`]): one that left its byte as it was
//! sent took no part in this frame, so it added nothing. Who contributes nothing, as the bus thread found out, is told by
//! [`Presence`](crate::Presence). Where these explain a counter exactly, the others' bytes are good.
//!
//! Guarantees: any other counter, too high as well, leaves nobody's bytes good. A status byte counts as evidence only if it
//! came in this exchange before, and only where the status datagram's own counter is the number of bytes that came. What the
//! bus thread told counts only while the counter has been the same in every cycle since all were asked, unless the status
//! byte says the same: with one back and another gone the sum would be right for the wrong ones.
//!
//! Not known: whether the bytes of one that took part are new. A buffer that an application no longer fills still counts.

use crate::sample::Origin;
use std::ops::Range;
use zerocat_pdi::{DatagramPlan, Direction, NOBODY, StatusPlan};

/// Whose bytes are good.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Verdict {
    /// Nobody's, as far as is known.
    #[default]
    Nobody,
    /// Those of some members.
    Some,
    /// Everybody's.
    All,
}

/// Who answered in a frame, by its status datagram.
#[derive(Debug)]
pub(crate) struct RollCall {
    positions: Box<[u16]>,
    /// Whose byte has come before.
    seen: Box<[bool]>,
    all_seen: bool,
    /// Whose byte didn't come in this cycle although it has come before.
    absent: Box<[bool]>,
    some_absent: bool,
    /// The bytes that came last.
    last: Box<[u8]>,
}

impl RollCall {
    pub(crate) fn new(plan: &StatusPlan) -> Self {
        let none = || vec![false; plan.positions.len()].into_boxed_slice();
        let positions = plan.positions.clone().into_boxed_slice();
        let last = vec![NOBODY; positions.len()].into_boxed_slice();
        Self { positions, seen: none(), all_seen: false, absent: none(), some_absent: false, last }
    }

    /// Number of a SubDevice's byte.
    fn number_of(&self, position: u16) -> Option<u16> {
        let number = self.positions.iter().position(|one| *one == position)?;
        u16::try_from(number).ok()
    }

    /// Whose the bytes are.
    pub(crate) fn positions(&self) -> &[u16] {
        &self.positions
    }

    /// Whether the bytes are others than those that came last.
    #[inline]
    pub(crate) fn changes(&mut self, bytes: &[u8]) -> bool {
        let changes = *bytes != *self.last;
        if changes && bytes.len() == self.last.len() {
            self.last.copy_from_slice(bytes);
        }
        changes
    }

    /// Begins a cycle, of which nothing is known.
    pub(crate) const fn begin(&mut self) {
        self.some_absent = false;
    }

    /// Takes the datagram that came back.
    #[inline]
    pub(crate) fn take(&mut self, bytes: &[u8], working_counter: u16) {
        self.some_absent = false;
        if !self.all_seen || usize::from(working_counter) != self.positions.len() {
            self.look(bytes, working_counter);
        }
    }

    #[cold]
    fn look(&mut self, bytes: &[u8], working_counter: u16) {
        let came = bytes.iter().filter(|byte| **byte != NOBODY).count();
        if came != usize::from(working_counter) || bytes.len() != self.positions.len() {
            return;
        }
        let Self { seen, absent, .. } = self;
        for ((byte, seen), absent) in bytes.iter().zip(seen).zip(absent) {
            *absent = *byte == NOBODY && *seen;
            *seen |= *byte != NOBODY;
        }
        self.all_seen = self.seen.iter().all(|seen| *seen);
        self.some_absent = self.absent.iter().any(|absent| *absent);
    }

    fn is_absent(&self, number: u16) -> bool {
        self.some_absent && self.absent.get(usize::from(number)).is_some_and(|absent| *absent)
    }

    /// Forgets that the bytes of those have come for whom `of` is true.
    pub(crate) fn forget(&mut self, of: impl Fn(u16) -> bool) {
        for (position, seen) in self.positions.iter().zip(&mut self.seen) {
            *seen &= !of(*position);
        }
        self.all_seen = self.seen.iter().all(|seen| *seen);
    }
}

/// A SubDevice in a datagram.
#[derive(Debug)]
struct Member {
    position: u16,
    outputs: bool,
    /// Bytes of the image.
    inputs: Range<usize>,
    working_counter: u16,
    /// Number of its byte in the status datagram of the frame.
    status: Option<u16>,
    /// It contributes nothing, as far as the bus thread knows.
    missing: bool,
    /// Its bytes are good, where those of some are.
    good: bool,
}

/// Who adds what to a datagram's working counter, and what that means.
#[derive(Debug)]
pub(crate) struct Ledger {
    members: Box<[Member]>,
    /// Working counter with all.
    expected: u16,
    /// The same before what is for OP only takes part.
    before_op: u16,
    /// What those would add who contribute nothing, as far as the bus thread knows.
    missing: u16,
    /// Counter that came last, and the cycle since which it has been the same.
    last: u16,
    steady_since: u64,
    /// The counter changed since those were asked of whom the bus thread told.
    contradicted: bool,
    verdict: Verdict,
}

impl Ledger {
    /// Of a datagram of process data in a frame with a status datagram, or without.
    pub(crate) fn of(plan: &DatagramPlan, roll: Option<&RollCall>) -> Self {
        let member = |share: &zerocat_pdi::Share| Member {
            position: share.position,
            outputs: !share.outputs.is_empty(),
            inputs: share.inputs.clone(),
            working_counter: share.working_counter,
            status: roll.and_then(|roll| roll.number_of(share.position)),
            missing: false,
            good: false,
        };
        let members = plan.shares.iter().map(member).collect();
        Self { members, before_op: plan.expected_before_op, ..Self::anonymous(plan.expected_working_counter) }
    }

    /// Of a datagram that so many take part in, all alike.
    pub(crate) fn anonymous(expected: u16) -> Self {
        Self {
            members: Box::default(),
            expected,
            before_op: expected,
            missing: 0,
            last: 0,
            steady_since: 0,
            contradicted: false,
            verdict: Verdict::Nobody,
        }
    }

    /// The working counter that is expected; before OP it may be higher.
    pub(crate) const fn least(&self, in_op: bool) -> u16 {
        (if in_op { self.expected } else { self.before_op }).saturating_sub(self.missing)
    }

    /// Whose bytes are good.
    pub(crate) const fn verdict(&self) -> Verdict {
        self.verdict
    }

    /// Begins a cycle, of which nothing is known.
    pub(crate) const fn begin(&mut self) {
        self.verdict = Verdict::Nobody;
    }

    /// Notes that nothing has come until a cycle: who contributes may have changed meanwhile.
    pub(crate) const fn miss(&mut self, cycle: u64) {
        self.steady_since = cycle;
        self.contradicted = true;
    }

    /// Judges the working counter that came. Returns whether it is as expected.
    #[inline]
    pub(crate) fn judge(&mut self, got: u16, cycle: u64, in_op: bool, roll: Option<&RollCall>) -> bool {
        if got != self.last {
            (self.last, self.steady_since, self.contradicted) = (got, cycle, true);
        }
        if self.missing > 0 || roll.is_some_and(|roll| roll.some_absent) {
            return self.judge_without(got, in_op, roll);
        }
        let right = (self.least(in_op)..=self.expected).contains(&got);
        self.verdict = if right { Verdict::All } else { Verdict::Nobody };
        right
    }

    /// The same where somebody is missing.
    #[cold]
    fn judge_without(&mut self, got: u16, in_op: bool, roll: Option<&RollCall>) -> bool {
        let least = self.least(in_op);
        let exact = in_op || self.before_op == self.expected;
        if self.members.is_empty() || !exact {
            let right = (least..=self.expected).contains(&got);
            self.verdict = if right && self.missing == 0 { Verdict::All } else { Verdict::Nobody };
            return right;
        }
        let absent = |member: &Member| roll.zip(member.status).is_some_and(|(roll, n)| roll.is_absent(n));
        let sum = |of: &dyn Fn(&Member) -> bool| {
            let counters = self.members.iter().filter(|member| of(member)).map(|member| member.working_counter);
            counters.fold(0, u16::saturating_add)
        };
        let full = self.expected.saturating_sub(sum(&absent));
        // What the bus thread told and the status doesn't.
        let unconfirmed = sum(&|member| member.missing && !absent(member));
        let as_told = got == full.saturating_sub(unconfirmed) && !self.contradicted;
        let explained = got == full || as_told;
        for member in &mut self.members {
            member.good = explained && !member.missing && !absent(member);
        }
        self.verdict = if explained { self.of_members() } else { Verdict::Nobody };
        #[cfg(feature = "planted")]
        if crate::planted::is(crate::planted::Planted::MissingTakenForGood) {
            self.verdict = Verdict::All;
        }
        explained && got == least
    }

    fn of_members(&self) -> Verdict {
        if self.members.iter().all(|member| member.good) { Verdict::All } else { Verdict::Some }
    }

    /// Bytes of the image that hold good inputs, where those of some are.
    pub(crate) fn good_inputs(&self) -> impl Iterator<Item = &Range<usize>> {
        self.members.iter().filter(|member| member.good).map(|member| &member.inputs)
    }

    /// Takes in who contributes nothing, as all were asked in cycle `as_of` or later.
    pub(crate) fn tell(&mut self, as_of: u64, is_missing: impl Fn(u16) -> bool) {
        self.missing = 0;
        for member in &mut self.members {
            member.missing = is_missing(member.position);
            let counter = if member.missing { member.working_counter } else { 0 };
            self.missing = self.missing.saturating_add(counter);
        }
        self.contradicted = self.steady_since > as_of;
    }

    /// The same where all take part alike.
    pub(crate) const fn tell_count(&mut self, missing: u16) {
        self.missing = missing;
    }

    /// Calls `mark` for everybody whose bytes aren't good.
    pub(crate) fn each_stale(&self, mut mark: impl FnMut(u16, Direction)) {
        let good = |member: &Member| match self.verdict {
            Verdict::All => true,
            Verdict::Some => member.good,
            Verdict::Nobody => false,
        };
        for member in self.members.iter().filter(|member| !good(member)) {
            if member.outputs {
                mark(member.position, Direction::Output);
            }
            if !member.inputs.is_empty() {
                mark(member.position, Direction::Input);
            }
        }
    }
}

/// Whose bytes of the image are older than the last turn that was theirs.
#[derive(Debug)]
pub(crate) struct Stale {
    inputs: Box<[bool]>,
    outputs: Box<[bool]>,
    any: bool,
}

impl Stale {
    /// For SubDevices at positions below `positions`. At first all are.
    pub(crate) fn new(positions: usize) -> Self {
        let all = || vec![true; positions].into_boxed_slice();
        Self { inputs: all(), outputs: all(), any: true }
    }

    /// Whether any are.
    pub(crate) const fn any(&self) -> bool {
        self.any
    }

    /// Those of a SubDevice.
    pub(crate) fn is(&self, position: u16, direction: Direction) -> bool {
        let bytes = match direction {
            Direction::Input => &self.inputs,
            Direction::Output => &self.outputs,
        };
        let there = position < Origin::ABSENT;
        (self.any || !there) && bytes.get(usize::from(position)).is_none_or(|stale| *stale)
    }

    /// Begins anew: none are, or those that are marked from here on.
    pub(crate) fn begin(&mut self, any: bool) {
        if self.any {
            self.inputs.fill(false);
            self.outputs.fill(false);
        }
        self.any = any;
    }

    pub(crate) fn mark(&mut self, position: u16, direction: Direction) {
        let bytes = match direction {
            Direction::Input => &mut self.inputs,
            Direction::Output => &mut self.outputs,
        };
        if let Some(stale) = bytes.get_mut(usize::from(position)) {
            *stale = true;
        }
    }
}

#[cfg(test)]
mod tests;
