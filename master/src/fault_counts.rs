//! How often each fault occurred in a run, by its name: told events, what the log of cycles tells apart, and counters.

use crate::core::Remains;
use crate::report::TaskReport;
use crate::told::FaultCounts;
use std::collections::BTreeMap;
use zerocat_engine::Counters;
use zerocat_faults::Fault;

/// How often each fault occurred, as a report has it; none is there with 0.
pub(crate) type NamedCounts = BTreeMap<&'static str, u64>;

/// All of a run whose realtime thread has ended.
pub(crate) fn counts(told: &FaultCounts, remains: &Remains, tasks: &[TaskReport]) -> NamedCounts {
    let mut named = NamedCounts::new();
    let all = told.iter().chain(&remains.logged).map(|(fault, count)| (*fault, *count));
    all.for_each(|(fault, count)| add(&mut named, fault, count));
    // The event ring may have dropped some of these; counters have them all.
    for (fault, count) in counted(&remains.counters) {
        named.remove(fault.name());
        add(&mut named, fault, count);
    }
    for task in tasks {
        add(&mut named, Fault::SamplesOverrun, task.overrun);
        add(&mut named, Fault::BatchesLost, task.batches_lost);
        add(&mut named, Fault::SinkStuck, task.sinks_stuck);
        for refused in &task.refused {
            *named.entry(refused.fault).or_default() += refused.count;
        }
    }
    named
}

/// Adds to a count.
pub(crate) fn add(named: &mut NamedCounts, fault: Fault, count: u64) {
    if count > 0 {
        *named.entry(fault.name()).or_default() += count;
    }
}

const fn counted(counters: &Counters) -> [(Fault, u64); 4] {
    [
        (Fault::NoFrameSent, counters.stalls),
        (Fault::WorkingCounterWrong, counters.working_counter_faults),
        (Fault::Preempted, counters.holes),
        (Fault::EventsDropped, counters.events_dropped),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_did_not_occur_is_not_there() {
        let mut named = NamedCounts::new();
        add(&mut named, Fault::BusDriven, 0);
        add(&mut named, Fault::Preempted, 2);
        add(&mut named, Fault::Preempted, 1);
        assert_eq!(named, NamedCounts::from([("preempted", 3)]));
    }
}
