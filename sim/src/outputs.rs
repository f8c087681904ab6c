//! What a test in the same process can ask of a segment: the outputs that the SubDevices have applied, those that
//! frames brought them, and the inputs that the next frame takes. AL states and codes are in the [`Snapshot`](crate::Snapshot).
//!
//! A segment has no clock. Without frames no time passes in it, so call [`Segment::step`] with the present time before
//! asking: watchdogs that have expired by then have taken effect.

use std::collections::VecDeque;
use std::time::Duration;

use zerocat_wire::AlState;

use crate::segment::Segment;
use crate::subdevice::SubDevice;

/// Outputs that a frame brought to a SubDevice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutputsOnWire {
    /// Number of the frame, from 1, as [`Totals::frames`](crate::Totals::frames) counts them.
    pub frame: u64,
    /// When it passed.
    pub at: Duration,
    /// Index of the SubDevice in the file.
    pub subdevice: usize,
    /// What its sync managers with outputs hold now, in the order of their numbers, each from a byte of its own on.
    pub bytes: Vec<u8>,
    /// AL state of the SubDevice behind the frame.
    pub state: AlState,
    /// Whether the SubDevice has applied them, as it does in OP.
    pub applied: bool,
}

/// Outputs on the wire, the newest of them.
#[derive(Debug)]
pub(crate) struct Record {
    kept: VecDeque<OutputsOnWire>,
    limit: usize,
}

impl Record {
    /// Keeps what a SubDevice got with a frame. The oldest gives way. `changed`: its outputs have changed.
    pub(crate) fn keep(&mut self, frame: u64, at: Duration, (n, device): (u16, &SubDevice), changed: bool) {
        if self.kept.len() == self.limit {
            self.kept.pop_front();
        }
        self.kept.push_back(OutputsOnWire {
            frame,
            at,
            subdevice: usize::from(n),
            bytes: device.app.outputs_on_wire(&device.esc),
            state: device.app.state(),
            // Outputs that came too late for the watchdog change them too, to 0 in SAFE-OP.
            applied: changed && device.app.state() == AlState::Op,
        });
    }
}

impl Segment {
    /// Outputs as the application of a SubDevice has applied them, packed as its sync managers have them: in the order
    /// of their numbers, each from a byte of its own on. They are 0 outside OP and after the watchdog. Empty for a
    /// SubDevice without outputs; `None` for one that isn't there.
    #[must_use]
    pub fn outputs(&self, subdevice: usize) -> Option<Vec<u8>> {
        self.devices.get(subdevice).map(|device| device.app.applied_outputs())
    }

    /// Inputs as the sync managers of a SubDevice hold them for the next frame, packed as its outputs are. Empty for a
    /// SubDevice without inputs; `None` for one that isn't there.
    #[must_use]
    pub fn inputs(&self, subdevice: usize) -> Option<Vec<u8>> {
        self.devices.get(subdevice).map(|device| device.app.inputs_on_wire(&device.esc))
    }

    /// The value of an output channel, from 1, as the `wires` of the file name it. For drives this is the position, not
    /// an output.
    #[must_use]
    pub fn output(&self, subdevice: usize, channel: usize) -> Option<i64> {
        let app = &self.devices.get(subdevice)?.app;
        let channel = app.description.channels_out.get(channel.checked_sub(1)?)?;
        Some(channel.number(app.values.raw(channel.value)))
    }

    /// Records from now on which outputs frames bring to which SubDevice, the newest `limit` of them; with 0 it records
    /// no more. Recording allocates.
    pub fn record_outputs(&mut self, limit: usize) {
        self.record = (limit > 0).then(|| Record { kept: VecDeque::new(), limit });
    }

    /// Takes what has been recorded since the last call, in the order of the frames and not of the SubDevices.
    pub fn take_recorded_outputs(&mut self) -> Vec<OutputsOnWire> {
        self.record.as_mut().map_or_else(Vec::new, |record| record.kept.drain(..).collect())
    }
}
