//! Ports: links, loops and error counters (ETG.1000.4, 6.2, tables 33 and 34; ET1100 data sheet, section II, 0x0100 to
//! 0x0111 and 0x0300 to 0x0313).

use std::time::Duration;

use zerocat_wire::register;

use super::{Esc, EscKind};

/// Loop settings hold for about a second (ET1100 data sheet, section II, 0x0100 bit 1).
const TEMPORARY: u8 = 0x02;
const TEMPORARY_TIME: Duration = Duration::from_secs(1);

/// Loop control (ETG.1000.4, table 33): open with a link.
const AUTO: u8 = 0;
/// Closed when the link is lost, opened by a write to DL control.
const AUTO_CLOSE: u8 = 1;
const OPEN: u8 = 2;

/// Enhanced link detection at all ports (ET1100 data sheet, section II, 0x0141 bit 1).
const ENHANCED_LINK: u8 = 0x02;

/// What the ports look like.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Ports {
    links: [bool; 4],
    open: [bool; 4],
    /// Loop settings to go back to.
    permanent: u8,
    /// Until when those in the register hold.
    until: Option<Duration>,
}

impl Esc {
    /// Cables are in some ports: those are there, whatever the kind.
    pub(crate) fn use_ports(&mut self, used: [bool; 4]) {
        for port in (0..4).filter(|port| used[*port]) {
            self.kind.ports = EscKind::with_port(self.kind.ports, port);
        }
        self.memory.set_byte(register::PORT_DESCRIPTOR, self.kind.ports);
    }

    /// Takes over which ports have a link. A link that is lost is counted where the loop closes by itself.
    pub(crate) fn set_links(&mut self, links: [bool; 4]) {
        for (port, register) in (register::LOST_LINKS..).take(4).enumerate() {
            let lost = self.ports.links[port] && !links[port];
            if lost && matches!(self.loop_control(port), AUTO | AUTO_CLOSE) {
                self.count(register);
            }
        }
        self.ports.links = links;
        self.work_out_loops(false);
    }

    /// DL control was written: loops follow it.
    pub(crate) fn apply_loop_control(&mut self) {
        let temporary = self.memory.byte(register::DL_CONTROL) & TEMPORARY != 0;
        if !temporary {
            self.ports.permanent = self.memory.byte(register::DL_CONTROL + 1);
        }
        self.ports.until = temporary.then(|| self.now + TEMPORARY_TIME);
        self.work_out_loops(true);
    }

    /// Goes back to the permanent settings when the time of temporary ones is over. Returns whether it is just now.
    pub(crate) fn end_temporary_loops(&mut self, now: Duration) -> bool {
        let over = self.ports.until.is_some_and(|until| until <= now);
        if over {
            self.ports.until = None;
            let control = self.memory.byte(register::DL_CONTROL) & !TEMPORARY;
            self.memory.put(register::DL_CONTROL, &[control, self.ports.permanent]);
            self.work_out_loops(true);
        }
        over
    }

    fn work_out_loops(&mut self, written: bool) {
        for port in 0..4 {
            let link = self.ports.links[port];
            self.ports.open[port] = match self.loop_control(port) {
                AUTO => link,
                AUTO_CLOSE => link && (written || self.ports.open[port]),
                OPEN => true,
                _ => false,
            };
        }
        self.show_ports();
    }

    /// Whether frames go through a port. With all loops closed port 0 is open, so that the ESC can be reached.
    pub(crate) fn is_open(&self, port: usize) -> bool {
        let Ports { open, .. } = self.ports;
        open[port] || port == 0 && open == [false; 4]
    }

    /// Whether the loop of port 0 is closed because it has no link, not by command.
    pub(crate) fn closes_port_0(&self) -> bool {
        !self.ports.open[0] && matches!(self.loop_control(0), AUTO | AUTO_CLOSE)
    }

    /// Shows links and loops (ETG.1000.4, table 34).
    pub(super) fn show_ports(&mut self) {
        let [pdi, settings] = self.memory.u16(register::PDI_CONTROL).to_le_bytes();
        // The PDI is operational when the SII was loaded. Its watchdog is always reloaded, if there is a PDI.
        let mut status = u16::from(self.sii.is_loaded());
        status |= u16::from(pdi != 0) << 1;
        status |= u16::from(settings & ENHANCED_LINK != 0) << 2;
        for port in 0..4 {
            let (link, open) = (self.ports.links[port], self.ports.open[port]);
            status |= u16::from(link) << (4 + port);
            status |= u16::from(!open) << (8 + 2 * port);
            status |= u16::from(link) << (9 + 2 * port);
        }
        if self.memory.u16(register::DL_STATUS) != status {
            self.memory.put(register::DL_STATUS, &status.to_le_bytes());
            self.raise_dl_event();
        }
    }

    fn loop_control(&self, port: usize) -> u8 {
        self.memory.byte(register::DL_CONTROL + 1) >> (2 * port) & 3
    }

    /// Whether frames that are not EtherCAT are destroyed, and the source address of the others is marked.
    pub(crate) fn is_ethercat_only(&self) -> bool {
        self.memory.byte(register::DL_CONTROL) & 1 != 0
    }

    /// Counts a frame that the processing unit could not understand.
    pub(crate) fn count_processing_error(&mut self) {
        self.count(register::PROCESSING_UNIT_ERRORS);
    }

    /// Counts a frame that was damaged on the cable in this port: an invalid frame and a physical error.
    pub(crate) fn count_damaged(&mut self, port: usize) {
        let register = register::RX_ERRORS + 2 * u16::try_from(port).unwrap_or(0);
        self.count(register);
        self.count(register + 1);
    }

    /// Counts a frame that was damaged before another SubDevice.
    pub(crate) fn count_forwarded(&mut self, port: usize) {
        self.count(register::FORWARDED_ERRORS + u16::try_from(port).unwrap_or(0));
    }

    /// Frames that came in damaged or couldn't be understood, and links that were lost, as the ESC has counted them.
    /// Errors that another SubDevice found first are left out.
    pub(crate) fn port_errors(&self) -> u32 {
        let invalid = (0..4).map(|port| register::RX_ERRORS + 2 * port);
        let lost = (0..4).map(|port| register::LOST_LINKS + port);
        let counters = invalid.chain(lost).chain([register::PROCESSING_UNIT_ERRORS]);
        counters.map(|register| u32::from(self.memory.byte(register))).sum()
    }

    fn count(&mut self, register: u16) {
        let count = self.memory.byte(register);
        self.memory.set_byte(register, count.saturating_add(1));
    }
}
