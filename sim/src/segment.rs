//! A segment: SubDevices in their topology, through which frames pass.
//!
//! It is pure: the same frames at the same times give the same bytes. It has no clock, no thread and no socket.
//! `process` allocates nothing for process data and registers; a mailbox request or an AL transition may allocate.
//!
//! A frame has a length: its first bit passes a SubDevice when its time says so, and what it brings is in with its last bit, at
//! 100 Mbit/s. Applications act between frames. Dynamics, signals, watchdogs and delayed transitions move on a grid of 250 us.

use std::ops::Range;
use std::time::Duration;

use zerocat_wire::{AlState, AlStatusCode};

use crate::config::{SegmentConfig, SegmentConfigError, SubDeviceConfig, parents, second_end, wires};
use crate::describe::ValueId;
use crate::esc::{ClockSnapshot, Pending};
use crate::events::Events;
use crate::execute::{self, Hot};
use crate::frame::{self, Frame};
use crate::logical::Logical;
use crate::outputs::Record;
use crate::snapshot::{Snapshot, SubDeviceSnapshot, Totals};
use crate::subdevice::SubDevice;
use crate::topology::{End, Route, Through, Topology};

/// What became of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Outcome {
    /// It came back; its bytes are as the segment left them.
    Returned,
    /// It was destroyed; its bytes mean nothing.
    Lost,
}

/// Grid on which applications move.
const GRID: Duration = Duration::from_micros(250);

/// An output channel joined to an input channel.
#[derive(Debug, Clone, Copy)]
struct Wire {
    from: (u16, ValueId),
    to: (u16, ValueId),
    /// The input channel, from 0.
    channel: usize,
}

/// The route of frames that come in at one end, and what is derived from it.
#[derive(Debug)]
struct Way {
    end: End,
    route: Route,
    /// What is asked of each SubDevice on the route on every datagram.
    hot: Vec<Hot>,
    /// Who maps what of the logical address space.
    logical: Logical,
    /// Whether a SubDevice on the route destroys frames that are not EtherCAT, and marks the others.
    ethercat_only: bool,
}

impl Way {
    fn new(end: End, count: usize, fmmus: usize) -> Self {
        let (route, hot) = (Route::with_capacity(count), Vec::with_capacity(count));
        Self { end, route, hot, logical: Logical::with_capacity(fmmus), ethercat_only: false }
    }
}

/// A simulated segment.
#[derive(Debug)]
pub struct Segment {
    pub(crate) devices: Vec<SubDevice>,
    pub(crate) topology: Topology,
    ways: [Way; 2],
    /// What goes into datagrams that pass. Between two frames it is so whatever has been done to the SubDevices.
    events: Events,
    /// Devices that a frame left something for.
    dirty: Vec<u16>,
    wires: Vec<Wire>,
    stepped: Option<Duration>,
    /// When an application reads AL control, the first that does.
    due: Option<Duration>,
    totals: Totals,
    /// Whether a cable damages frames.
    pub(crate) damaging: bool,
    /// Outputs that frames brought, where a test asked for them.
    pub(crate) record: Option<Record>,
}

impl Segment {
    /// A segment after power-on.
    ///
    /// # Errors
    /// Those of [`SegmentConfig::check`].
    pub fn new(config: &SegmentConfig) -> Result<Self, SegmentConfigError> {
        config.check()?;
        let mut devices = Vec::with_capacity(config.subdevices.len());
        for (n, subdevice) in config.subdevices.iter().enumerate() {
            let path = || format!("subdevices[{n}]");
            let problem = |problem| SegmentConfigError::Invalid { path: path(), problem };
            devices.push(SubDevice::new(subdevice).map_err(problem)?);
        }
        let wires = connect(config, &mut devices)?;
        let delays: Vec<u32> = config.subdevices.iter().map(|subdevice| subdevice.cable_delay.nanos()).collect();
        let entries: Vec<u8> = config.subdevices.iter().map(|subdevice| subdevice.entry).collect();
        let through = config.subdevices.iter().map(|subdevice| through(config, subdevice)).collect();
        let topology = Topology::new(&parents(config)?, &entries, &delays, through);
        let count = devices.len();
        let fmmus = devices.iter().map(|device| device.esc.fmmus()).sum();
        let mut segment = Self {
            topology: topology.with_second_end(second_end(config)?),
            devices,
            ways: [End::First, End::Second].map(|end| Way::new(end, count, fmmus)),
            events: Events::new(count),
            dirty: Vec::with_capacity(count),
            wires,
            stepped: None,
            due: None,
            totals: Totals::default(),
            damaging: false,
            record: None,
        };
        segment.reroute();
        Ok(segment)
    }

    /// Lets a frame that comes in at the first end pass all SubDevices at the time `now`, which must not go back. It
    /// starts with the destination address and has no checksum. Padding behind the datagrams is kept. The frame is
    /// changed in place. One that comes out at the second end is lost here: see [`Segment::process_at`].
    pub fn process(&mut self, frame: &mut [u8], now: Duration) -> Outcome {
        match self.process_at(End::First, frame, now) {
            Some(End::First) => Outcome::Returned,
            _ => Outcome::Lost,
        }
    }

    /// The same for a frame that comes in at either end. Returns the end at which it comes out, or `None` if it is
    /// lost on the way.
    #[must_use]
    pub fn process_at(&mut self, end: End, frame: &mut [u8], now: Duration) -> Option<End> {
        if self.due.is_some() {
            self.count_frame(now);
        }
        if self.stepped.is_none_or(|stepped| now >= stepped + GRID) || self.due.is_some_and(|due| now >= due) {
            self.step(now);
        }
        let way = &self.ways[place(end)];
        let exit = match frame::admit(frame) {
            Frame::Datagrams(range) => {
                self.totals.frames += 1;
                if way.ethercat_only {
                    frame[6] |= zerocat_wire::ethernet::RETURNED_BIT;
                }
                let length = frame::nanoseconds(frame.len());
                self.pass(place(end), &mut frame[range], length, now)
            }
            Frame::Foreign => way.route.exit.filter(|_| !way.ethercat_only),
            Frame::Malformed => match way.route.hops.first() {
                Some(first) => {
                    self.devices[usize::from(*first)].esc.count_processing_error();
                    None
                }
                None => way.route.exit,
            },
        };
        self.totals.lost += u64::from(exit.is_none());
        exit
    }

    /// Lets the datagrams of a frame pass the SubDevices of a route, or the part of them that the frame reaches.
    fn pass(&mut self, way: usize, payload: &mut [u8], length: u32, now: Duration) -> Option<End> {
        let Way { route, .. } = &self.ways[way];
        let (mut exit, mut hops) = (route.exit, 0..route.hops.len());
        if let Some(at) = route.circulates {
            if frame::is_circulating(payload) {
                (exit, hops) = (None, 0..at);
            } else {
                frame::set_circulating(payload);
            }
        }
        if self.damaging
            && let Some(at) = self.topology.damaged(&route.arrivals)
        {
            (exit, hops) = (None, 0..route.arrivals[at].hops.min(hops.end));
            self.count_damaged(way, at);
        }
        self.run(way, hops, payload, length, now);
        if self.settle(now) {
            self.latch(way);
        }
        exit
    }

    /// Tells the applications that have not read AL control yet of a frame.
    fn count_frame(&mut self, now: Duration) {
        for device in &mut self.devices {
            device.app.count_frame(now);
            self.due = earlier(self.due, device.app.al_due());
        }
    }

    /// Counts a damaged frame: where it came in broken, and as a forwarded error from there on.
    fn count_damaged(&mut self, way: usize, at: usize) {
        for (n, arrival) in self.ways[way].route.arrivals[at..].iter().enumerate() {
            let esc = &mut self.devices[usize::from(arrival.device)].esc;
            if n == 0 { esc.count_damaged(arrival.port) } else { esc.count_forwarded(arrival.port) }
        }
        self.damaging = self.topology.damages();
    }

    /// Lets time pass up to `now` without a frame. [`Segment::process`] does it by itself.
    pub fn step(&mut self, now: Duration) {
        (self.stepped, self.due) = (Some(now), None);
        let (mut changed, mut rerouted) = (false, false);
        for (n, device) in self.devices.iter_mut().enumerate() {
            changed |= self.topology.powered(n) && device.step(now);
            self.due = earlier(self.due, device.app.al_due());
            rerouted |= device.esc.end_temporary_loops(now);
        }
        self.note_events();
        if rerouted {
            self.reroute();
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

    /// AL state of a SubDevice, by its index in the file.
    #[must_use]
    pub fn state(&self, subdevice: usize) -> Option<AlState> {
        self.devices.get(subdevice).map(|device| device.app.state())
    }

    /// When a SubDevice last left OP because of SYNC0, in the time of the frames, and with which AL status code.
    #[must_use]
    pub fn sync_lost(&self, subdevice: usize) -> Option<(Duration, AlStatusCode)> {
        self.devices.get(subdevice)?.app.sync.last_loss()
    }

    /// What the clock of a SubDevice shows at a time. `None` for one without a clock.
    #[must_use]
    pub fn clock(&self, subdevice: usize, now: Duration) -> Option<ClockSnapshot> {
        self.devices.get(subdevice)?.esc.clock(now)
    }

    /// When a frame that comes in at the first end reaches the processing unit of a SubDevice, in ns after it came in.
    /// `None` for one that it doesn't pass.
    #[must_use]
    pub fn passage(&self, subdevice: usize) -> Option<u32> {
        let route = &self.ways[place(End::First)].route;
        let at = route.hops.iter().position(|hop| usize::from(*hop) == subdevice)?;
        route.delays.get(at).copied()
    }

    /// What the segment looks like now.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        let positions = self.ways.each_ref().map(|way| positions(&way.route, self.devices.len()));
        let one = |(index, device): (usize, &SubDevice)| SubDeviceSnapshot {
            position: positions[0][index],
            second_position: positions[1][index],
            index,
            powered: self.topology.powered(index),
            order: device.app.description.order.clone(),
            name: device.app.description.name.clone(),
            station: device.esc.station(),
            state: device.app.state(),
            error: device.app.error(),
            code: device.app.code(),
            cyclic: device.cyclic,
            mailbox_requests: device.app.mailbox_requests(),
            mails_dropped: device.app.mails_dropped(),
            watchdog_expiries: device.app.watchdog_expiries,
            port_errors: device.esc.port_errors(),
            sync_errors: device.app.sync.errors(),
            fault: device.app.fault().map_or(0, |fault| fault.code),
        };
        Snapshot { subdevices: self.devices.iter().enumerate().map(one).collect(), totals: self.totals }
    }

    fn run(&mut self, way: usize, hops: Range<usize>, payload: &mut [u8], length: u32, now: Duration) {
        let Way { route, hot, logical, .. } = &mut self.ways[way];
        let bus = &mut execute::Bus {
            devices: &mut self.devices,
            whole: &route.hops,
            route: &route.hops[hops.clone()],
            hot: &hot[hops.clone()],
            logical,
            events: &mut self.events,
            delays: &route.delays[hops],
            length,
            dirty: &mut self.dirty,
            now,
        };
        self.totals.datagrams += frame::for_each(payload, |datagram| bus.execute(datagram));
    }

    /// Lets the applications act on what the frame did, and updates what is derived from it. Returns whether receive
    /// times are to be latched.
    fn settle(&mut self, now: Duration) -> bool {
        let (mut rerouted, mut outputs, mut latch) = (false, false, false);
        while let Some(n) = self.dirty.pop() {
            let device = &mut self.devices[usize::from(n)];
            let (pending, taken) = device.settle(now);
            self.due = earlier(self.due, device.app.al_due());
            if pending.flags & Pending::RESET != 0 {
                self.reset(usize::from(n), now);
                rerouted = true;
                continue;
            }
            outputs |= taken;
            if let Some(record) = &mut self.record
                && pending.written & device.app.output_channels() != 0
            {
                record.keep(self.totals.frames, now, (n, device), taken);
            }
            latch |= pending.flags & Pending::DC_LATCH != 0;
            if pending.flags & Pending::DL_CONTROL != 0 {
                device.esc.apply_loop_control();
                rerouted = true;
            }
            if pending.flags & (Pending::AL_CONTROL | Pending::SYNC_MANAGER) != 0 {
                outputs = true;
                device.app.refresh_inputs(&mut device.esc);
            } else if taken {
                device.app.answer_outputs(&mut device.esc);
            }
            if pending.flags & Pending::ADDRESSING != 0 {
                let hot = Hot::of(&device.esc);
                for way in &mut self.ways {
                    way.logical.outdate();
                    if let Some(at) = way.route.hops.iter().position(|other| *other == n) {
                        way.hot[at] = hot;
                    }
                }
            }
            self.events.note(n, &device.esc);
        }
        if rerouted {
            self.reroute();
        }
        if outputs {
            self.carry();
        }
        latch
    }

    /// Latches the times at which the frame came in at the ports of those SubDevices that it asked for it.
    fn latch(&mut self, way: usize) {
        let Way { route, .. } = &self.ways[way];
        for n in &route.hops {
            let device = &mut self.devices[usize::from(*n)];
            device.latching = device.esc.takes_latch();
            if device.latching {
                device.esc.latch_unit();
            }
        }
        for arrival in &route.arrivals {
            let device = &mut self.devices[usize::from(arrival.device)];
            if device.latching {
                device.esc.latch_port(arrival.port, arrival.after);
            }
        }
    }

    /// Carries values over wires.
    pub(crate) fn carry(&mut self) {
        for wire in &self.wires {
            let value = self.devices[usize::from(wire.from.0)].app.values.raw(wire.from.1);
            let device = &mut self.devices[usize::from(wire.to.0)];
            if device.app.drive(wire.to.1, value) {
                device.app.refresh_inputs(&mut device.esc);
                self.events.note(wire.to.0, &device.esc);
            }
        }
    }

    /// Takes over the events of all.
    pub(crate) fn note_events(&mut self) {
        for (device, n) in self.devices.iter().zip(0u16..) {
            self.events.note(n, &device.esc);
        }
    }

    /// Whether a wire drives an input channel, counted from 0.
    pub(crate) fn is_wired(&self, subdevice: usize, channel: usize) -> bool {
        self.wires.iter().any(|wire| usize::from(wire.to.0) == subdevice && wire.channel == channel)
    }

    /// Connects the wired channels of a SubDevice again after its power was off.
    fn rewire(&mut self, subdevice: usize) {
        for wire in self.wires.iter().filter(|wire| usize::from(wire.to.0) == subdevice) {
            self.devices[subdevice].app.take_over(wire.channel);
        }
        self.carry();
    }

    /// Starts a SubDevice anew, as after power-on. Call `reroute` afterwards.
    pub(crate) fn reset(&mut self, subdevice: usize, now: Duration) {
        self.devices[subdevice].restart(now);
        self.rewire(subdevice);
    }

    /// Computes links, loops and the routes of frames anew.
    pub(crate) fn reroute(&mut self) {
        for (n, device) in self.devices.iter_mut().enumerate() {
            device.esc.use_ports(self.topology.used(n));
            device.esc.set_links(self.topology.links(n));
        }
        self.note_events();
        let devices = &self.devices;
        for way in &mut self.ways {
            self.topology.route(way.end, &mut way.route, |n, port| devices[usize::from(n)].esc.is_open(port));
            let on_route = |at: usize| &devices[usize::from(way.route.hops[at])].esc;
            way.route.circulates = way.route.circulates.filter(|at| on_route(*at).closes_port_0());
            way.ethercat_only = (0..way.route.hops.len()).any(|at| on_route(at).is_ethercat_only());
            way.hot.clear();
            way.hot.extend(way.route.hops.iter().map(|n| Hot::of(&devices[usize::from(*n)].esc)));
            way.logical.outdate();
        }
    }
}

/// The time that a frame takes through an ESC.
fn through(config: &SegmentConfig, subdevice: &SubDeviceConfig) -> Through {
    let forwarding = subdevice.forwarding_delay.unwrap_or(config.forwarding_delay);
    // Its own forwarding delay says more of it than what holds for all.
    let own = subdevice.processing_delay.or(subdevice.forwarding_delay);
    let processing = own.or(config.processing_delay).unwrap_or(forwarding);
    Through { forwarding: forwarding.nanos(), processing: processing.nanos() }
}

/// The earlier of two times, where there are any.
fn earlier(a: Option<Duration>, b: Option<Duration>) -> Option<Duration> {
    a.into_iter().chain(b).min()
}

fn place(end: End) -> usize {
    usize::from(end == End::Second)
}

/// The position of each SubDevice on a route.
fn positions(route: &Route, count: usize) -> Vec<Option<u16>> {
    let mut positions = vec![None; count];
    for (position, n) in (0u16..).zip(&route.hops) {
        positions[usize::from(*n)] = Some(position);
    }
    positions
}

/// Joins output channels to input channels, as the file says.
fn connect(config: &SegmentConfig, devices: &mut [SubDevice]) -> Result<Vec<Wire>, SegmentConfigError> {
    let joined = wires(config)?;
    let mut connected = Vec::with_capacity(joined.len());
    for (from, to) in joined {
        let source = devices[from.subdevice].app.description.channels_out.get(from.channel).copied();
        let target = devices[to.subdevice].app.description.channels_in.get(to.channel).copied();
        let index = |n: usize| u16::try_from(n).ok();
        if let (Some(a), Some(b), Some(m), Some(n)) = (source, target, index(from.subdevice), index(to.subdevice)) {
            devices[to.subdevice].app.take_over(to.channel);
            connected.push(Wire { from: (m, a.value), to: (n, b.value), channel: to.channel });
        }
    }
    Ok(connected)
}
