//! What a datagram does to the SubDevices it passes (ETG.1000.4, 5.4; working counters: ET1100 data sheet,
//! section I, table 6).
//!
//! A read that succeeds counts 1, a write 1; a command that reads and writes counts 1 for the read and 2 for the
//! write. The position in auto-increment and broadcast addresses goes up by one at each SubDevice.

use std::time::Duration;

use zerocat_wire::datagram::{DatagramViewMut, MAX_DATA};
use zerocat_wire::{Address, Command};

use crate::esc::{Esc, Pending};
use crate::events::Events;
use crate::logical::Logical;
use crate::subdevice::SubDevice;

/// What every datagram needs to know of a SubDevice, kept together because it is read so often.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Hot {
    station: u16,
    alias: Option<u16>,
    lrw: bool,
    /// Its mask asks for events.
    events: bool,
}

impl Hot {
    /// As an ESC stands between two frames.
    pub(crate) fn of(esc: &Esc) -> Self {
        Self { station: esc.station(), alias: esc.alias_in_use(), lrw: esc.processes_lrw(), events: esc.wants_events() }
    }

    fn is_addressed(&self, station: u16) -> bool {
        self.station == station || self.alias == Some(station)
    }
}

/// The SubDevices as a frame finds them.
pub(crate) struct Bus<'a> {
    pub(crate) devices: &'a mut [SubDevice],
    /// The route of the frame, and the part of it that it reaches.
    pub(crate) whole: &'a [u16],
    pub(crate) route: &'a [u16],
    pub(crate) hot: &'a [Hot],
    pub(crate) logical: &'a mut Logical,
    pub(crate) events: &'a mut Events,
    /// When the frame passes each of them, in ns after `now`.
    pub(crate) delays: &'a [u32],
    /// How long it takes past each of them, in ns.
    pub(crate) length: u32,
    pub(crate) dirty: &'a mut Vec<u16>,
    pub(crate) now: Duration,
}

/// What a SubDevice does with the data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Access {
    Read,
    /// A read that ORs.
    Merge,
    Write,
    ReadWrite,
    MergeWrite,
}

impl Bus<'_> {
    /// Lets a datagram pass all SubDevices.
    pub(crate) fn execute(&mut self, datagram: &mut DatagramViewMut<'_>) {
        let Ok(command) = datagram.view().command() else { return };
        let address = datagram.view().address();
        match command {
            Command::Nop => {}
            Command::Aprd => self.positioned(datagram, address, Access::Read),
            Command::Apwr => self.positioned(datagram, address, Access::Write),
            Command::Aprw => self.positioned(datagram, address, Access::ReadWrite),
            Command::Fprd => self.configured(datagram, address, Access::Read),
            Command::Fpwr => self.configured(datagram, address, Access::Write),
            Command::Fprw => self.configured(datagram, address, Access::ReadWrite),
            Command::Brd => self.broadcast(datagram, address, Access::Merge),
            Command::Bwr => self.broadcast(datagram, address, Access::Write),
            Command::Brw => self.broadcast(datagram, address, Access::MergeWrite),
            Command::Lrd | Command::Lwr | Command::Lrw => self.logical(datagram, command, address.0),
            Command::Armw | Command::Frmw => self.multiple(datagram, command, address),
        }
        self.add_events(datagram);
    }

    fn positioned(&mut self, datagram: &mut DatagramViewMut<'_>, address: Address, access: Access) {
        // The position counter is 0 at the SubDevice that is meant.
        let at = usize::from(0u16.wrapping_sub(address.adp()));
        if at < self.route.len() {
            self.access(at, datagram, address.ado(), access);
        }
        self.count_visits(datagram, address);
    }

    fn configured(&mut self, datagram: &mut DatagramViewMut<'_>, address: Address, access: Access) {
        for at in 0..self.route.len() {
            if self.hot[at].is_addressed(address.adp()) {
                self.access(at, datagram, address.ado(), access);
            }
        }
    }

    fn broadcast(&mut self, datagram: &mut DatagramViewMut<'_>, address: Address, access: Access) {
        for at in 0..self.route.len() {
            self.access(at, datagram, address.ado(), access);
        }
        self.count_visits(datagram, address);
    }

    /// The addressed SubDevice reads; those behind it write what it read, those before it what was sent.
    fn multiple(&mut self, datagram: &mut DatagramViewMut<'_>, command: Command, address: Address) {
        let by_position = command == Command::Armw;
        let meant = usize::from(0u16.wrapping_sub(address.adp()));
        for at in 0..self.route.len() {
            let addressed = if by_position { at == meant } else { self.hot[at].is_addressed(address.adp()) };
            self.access(at, datagram, address.ado(), if addressed { Access::Read } else { Access::Write });
        }
        if by_position {
            self.count_visits(datagram, address);
        }
    }

    fn logical(&mut self, datagram: &mut DatagramViewMut<'_>, command: Command, logical: u32) {
        self.logical.update(self.whole, self.devices);
        let Some(beyond) = datagram.data_mut().len().checked_sub(1) else { return };
        let last = logical.saturating_add(u32::try_from(beyond).unwrap_or(u32::MAX));
        let (mut counter, mut next, mut from) = (0u16, 0, 0);
        while let Some(at) = self.logical.next(&mut next, from, (logical, last)) {
            from = at + 1;
            if at < self.route.len() && (command != Command::Lrw || self.hot[at].lrw) {
                counter += self.map(at, datagram, command, logical);
            }
        }
        datagram.add_working_counter(counter);
    }

    /// Lets the FMMUs of a SubDevice take part. Returns what that adds to the working counter.
    fn map(&mut self, at: usize, datagram: &mut DatagramViewMut<'_>, command: Command, logical: u32) -> u16 {
        let device = &mut self.devices[usize::from(self.route[at])];
        let clean = !device.esc.pending.any();
        device.esc.set_now(self.now);
        device.esc.set_passage(self.delays[at], self.length);
        let data = datagram.data_mut();
        let written = command != Command::Lrd && device.esc.logical_write(logical, data);
        let read = command != Command::Lwr && device.esc.logical_read(logical, data);
        device.cyclic += u64::from(read || written);
        self.note(at, clean);
        match command {
            Command::Lrw => u16::from(read) + 2 * u16::from(written),
            _ => u16::from(read || written),
        }
    }

    fn access(&mut self, at: usize, datagram: &mut DatagramViewMut<'_>, register: u16, access: Access) {
        let esc = &mut self.devices[usize::from(self.route[at])].esc;
        let clean = !esc.pending.any();
        esc.set_now(self.now);
        esc.set_passage(self.delays[at], self.length);
        let data = datagram.data_mut();
        let counter = match access {
            Access::Read => u16::from(esc.network_read(register, data, false)),
            Access::Merge => u16::from(esc.network_read(register, data, true)),
            Access::Write => u16::from(esc.network_write(register, data)),
            Access::ReadWrite => exchange(esc, register, data, false),
            Access::MergeWrite => exchange(esc, register, data, true),
        };
        datagram.add_working_counter(counter);
        self.note(at, clean);
    }

    /// Notes what a datagram has changed at a SubDevice, at which nothing was pending before if it was `clean`.
    fn note(&mut self, at: usize, clean: bool) {
        let n = self.route[at];
        let esc = &self.devices[usize::from(n)].esc;
        // A mask that this frame has set holds from the next one on.
        self.events.set(n, if self.hot[at].events { esc.events() } else { 0 });
        if esc.pending.any() {
            if clean {
                self.dirty.push(n);
            }
            if esc.pending.flags & Pending::ADDRESSING != 0 {
                self.logical.outdate();
            }
        }
    }

    fn count_visits(&self, datagram: &mut DatagramViewMut<'_>, address: Address) {
        let visits = u16::try_from(self.route.len()).unwrap_or(u16::MAX);
        datagram.set_address(Address::parts(address.adp().wrapping_add(visits), address.ado()));
    }

    fn add_events(&self, datagram: &mut DatagramViewMut<'_>) {
        let events = self.events.on(self.route);
        if events != 0 {
            datagram.add_events(events);
        }
    }
}

/// Reads, and writes what was sent.
fn exchange(esc: &mut Esc, register: u16, data: &mut [u8], merge: bool) -> u16 {
    let mut sent = [0u8; MAX_DATA];
    let Some(sent) = sent.get_mut(..data.len()) else { return 0 };
    sent.copy_from_slice(data);
    let read = esc.network_read(register, data, merge);
    let written = esc.network_write(register, sent);
    u16::from(read) + 2 * u16::from(written)
}
