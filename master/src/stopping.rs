//! The end of a run in OP: safe outputs go on being exchanged for a time, or until an input shows what the rig file waits
//! for, so that a moving axis neither coasts nor faults because somebody stopped the program.

use crate::bring_up::{Bindings, Ports};
use zerocat_config::{Rig, StopUntil};
use zerocat_engine::{ReaderSpec, SampleReader, reader_while_safe};
use zerocat_tasks::{Mapping, Point};

/// Samples that wait; the newest counts.
const DEPTH: usize = 4;

/// Sees the input that the end of a run waits for.
#[derive(Debug)]
pub(crate) struct StopWatch {
    until: StopUntil,
    samples: SampleReader,
    point: Point,
    record: Vec<u8>,
}

impl StopWatch {
    /// For a rig that waits for an input. Its ring goes to the others of the exchange.
    pub(crate) fn new(rig: &Rig, bindings: &Bindings, ports: &mut Ports) -> Option<Self> {
        let until = rig.engine.stop.until.clone()?;
        let placed = bindings.iter().flatten().find(|placed| placed.channel.answers_to(&until.channel))?;
        let mapping = Mapping::new(std::slice::from_ref(placed));
        let point = *mapping.points().first()?;
        let (port, samples) = reader_while_safe(ReaderSpec { depth: DEPTH, ..mapping.reader(1, 0.0) });
        ports.readers.push(port);
        Some(Self { until, record: vec![0; samples.record_len()], samples, point })
    }

    /// Whether the newest sample, a fresh one, is within the limits.
    pub(crate) fn is_fulfilled(&mut self) -> bool {
        let mut fulfilled = false;
        while let Some(header) = self.samples.pop(&mut self.record) {
            let value = self.point.read(&self.record).map(zerocat_pdi::Value::to_f64);
            let within = value.is_some_and(|value| (self.until.min..=self.until.max).contains(&value));
            fulfilled = within && !header.stale;
        }
        fulfilled
    }
}
