//! A segment: SubDevices in their topology, through which frames pass.
//!
//! It is pure: the same frames at the same times give the same bytes. It has no clock, no thread and no socket.
//! `process` allocates nothing for process data and registers; a mailbox request or an AL transition may allocate.
//!
//! Applications act between frames. Dynamics, signals, watchdogs and delayed transitions move on a grid of 250 us.

use std::time::Duration;

use crate::config::{SegmentConfig, SegmentConfigError, parents, wires};
use crate::describe::ValueId;
use crate::esc::Pending;
use crate::execute::{self, Hot};
use crate::frame::{self, Frame};
use crate::snapshot::{Snapshot, SubDeviceSnapshot, Totals};
use crate::subdevice::SubDevice;
use crate::topology::Topology;

/// What became of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Outcome {
    /// It came back; its bytes are as the segment left them.
    Returned,
    /// It was destroyed; its bytes are as they were.
    Lost,
}

/// Grid on which applications move.
const GRID: Duration = Duration::from_micros(250);

/// An output channel joined to an input channel.
#[derive(Debug, Clone, Copy)]
struct Wire {
    from: (u16, ValueId),
    to: (u16, ValueId),
}

/// A simulated segment.
#[derive(Debug)]
pub struct Segment {
    devices: Vec<SubDevice>,
    topology: Topology,
    /// Devices in the order in which a frame passes them, and what is asked of each on every datagram.
    route: Vec<u16>,
    hot: Vec<Hot>,
    stack: Vec<u16>,
    /// Devices that a frame left something for.
    dirty: Vec<u16>,
    wires: Vec<Wire>,
    stepped: Option<Duration>,
    totals: Totals,
}

impl Segment {
    /// A segment after power-on.
    ///
    /// # Errors
    /// Those of [`SegmentConfig::check`].
    pub fn new(config: &SegmentConfig) -> Result<Self, SegmentConfigError> {
        config.check()?;
        let mut devices: Vec<SubDevice> = config.subdevices.iter().map(SubDevice::new).collect();
        let joined = wires(config)?;
        let mut connected = Vec::with_capacity(joined.len());
        for (from, to) in joined {
            let source = devices[from.subdevice].app.description.channels_out.get(from.channel).copied();
            let target = devices[to.subdevice].app.description.channels_in.get(to.channel).copied();
            let index = |n: usize| u16::try_from(n).ok();
            if let (Some(a), Some(b), Some(m), Some(n)) = (source, target, index(from.subdevice), index(to.subdevice)) {
                devices[to.subdevice].app.take_over(to.channel);
                connected.push(Wire { from: (m, a), to: (n, b) });
            }
        }
        let count = devices.len();
        let mut segment = Self {
            topology: Topology::new(&parents(config)?),
            devices,
            route: Vec::with_capacity(count),
            hot: Vec::with_capacity(count),
            stack: Vec::with_capacity(count),
            dirty: Vec::with_capacity(count),
            wires: connected,
            stepped: None,
            totals: Totals::default(),
        };
        segment.reroute();
        Ok(segment)
    }

    /// Lets a frame pass all SubDevices at the time `now`, which must not go back. It starts with the destination
    /// address and has no checksum. Padding behind the datagrams is kept. The frame is changed in place.
    pub fn process(&mut self, frame: &mut [u8], now: Duration) -> Outcome {
        if self.stepped.is_none_or(|stepped| now >= stepped + GRID) {
            self.step(now);
        }
        let destroys = self.devices.first().is_none_or(|device| device.esc.destroys_foreign_frames());
        match frame::admit(frame) {
            Frame::Datagrams(range) => {
                self.totals.frames += 1;
                frame[6] |= zerocat_wire::ethernet::RETURNED_BIT;
                self.run(&mut frame[range], now);
                self.settle(now);
                Outcome::Returned
            }
            Frame::Foreign if !destroys => Outcome::Returned,
            Frame::Foreign => {
                self.totals.lost += 1;
                Outcome::Lost
            }
            Frame::Malformed => {
                self.totals.lost += 1;
                if let Some(first) = self.devices.first_mut() {
                    first.esc.count_processing_error();
                }
                Outcome::Lost
            }
        }
    }

    /// Lets time pass up to `now` without a frame. [`Segment::process`] does it by itself.
    pub fn step(&mut self, now: Duration) {
        self.stepped = Some(now);
        let mut changed = false;
        for n in 0..self.devices.len() {
            changed |= self.devices[n].step(now);
        }
        if changed {
            self.carry();
        }
    }

    /// Number of SubDevices.
    #[must_use]
    pub fn len(&self) -> usize {
        self.devices.len()
    }

    /// Whether there is no SubDevice. There always is one.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.devices.is_empty()
    }

    /// Totals of frames and datagrams.
    #[must_use]
    pub fn totals(&self) -> Totals {
        self.totals
    }

    /// What the segment looks like now.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        let position = |index: usize| {
            let at = self.route.iter().position(|n| usize::from(*n) == index)?;
            u16::try_from(at).ok()
        };
        let one = |(index, device): (usize, &SubDevice)| SubDeviceSnapshot {
            position: position(index),
            index,
            order: device.app.description.order.clone(),
            name: device.app.description.name.clone(),
            station: device.esc.station(),
            state: device.app.state(),
            error: device.app.error(),
            code: device.app.code(),
            cyclic: device.cyclic,
            mailbox_requests: device.app.mailbox_requests(),
            watchdog_expiries: device.app.watchdog_expiries,
            fault: device.app.fault().map_or(0, |fault| fault.code),
        };
        Snapshot { subdevices: self.devices.iter().enumerate().map(one).collect(), totals: self.totals }
    }

    fn run(&mut self, payload: &mut [u8], now: Duration) {
        let bus = &mut execute::Bus {
            devices: &mut self.devices,
            route: &self.route,
            hot: &self.hot,
            dirty: &mut self.dirty,
            now,
        };
        self.totals.datagrams += frame::for_each(payload, |datagram| bus.execute(datagram));
    }

    /// Lets the applications act on what the frame left, and brings what is derived up to date.
    fn settle(&mut self, now: Duration) {
        let (mut rerouted, mut outputs) = (false, false);
        while let Some(n) = self.dirty.pop() {
            let device = &mut self.devices[usize::from(n)];
            let (pending, taken) = device.settle(now);
            outputs |= taken;
            rerouted |= pending.flags & Pending::DL_CONTROL != 0;
            if taken || pending.flags & (Pending::AL_CONTROL | Pending::SYNC_MANAGER) != 0 {
                outputs = true;
                device.app.refresh_inputs(&mut device.esc);
            }
            if pending.flags & Pending::ADDRESSING != 0
                && let Some(at) = self.route.iter().position(|other| *other == n)
            {
                self.hot[at] = Hot::of(&device.esc);
            }
        }
        if rerouted {
            self.reroute();
        }
        if outputs {
            self.carry();
        }
    }

    /// Carries values over wires.
    fn carry(&mut self) {
        for wire in &self.wires {
            let value = self.devices[usize::from(wire.from.0)].app.values.raw(wire.from.1);
            let device = &mut self.devices[usize::from(wire.to.0)];
            if device.app.drive(wire.to.1, value) {
                device.app.refresh_inputs(&mut device.esc);
            }
        }
    }

    /// Works out the order of the SubDevices from the links and the loops that are closed by command.
    fn reroute(&mut self) {
        let closed = |n: u16, port: usize| self.devices[usize::from(n)].esc.loop_control(port) == 3;
        self.topology.route(&mut self.route, &mut self.stack, closed);
        for (n, device) in self.devices.iter_mut().enumerate() {
            let closed = [0, 1, 2, 3].map(|port| device.esc.loop_control(port) == 3);
            device.esc.show_ports(self.topology.links(n), closed);
        }
        self.hot.clear();
        self.hot.extend(self.route.iter().map(|n| Hot::of(&self.devices[usize::from(*n)].esc)));
    }
}
