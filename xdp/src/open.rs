//! Opening a socket on an interface: checks, XDP program, the best mode that works, carrier, and a report of the
//! result.
//!
//! Guarantees: a failure leaves no program and no socket behind. Where a better mode was refused, the reason is logged
//! and is in the report. Not guaranteed: that the interface's settings (coalescing, offloads) are good for realtime.
//! They are left as they are.

use crate::attached_program::{self, AttachedProgram};
use crate::busy::{BusyPoll, BusyPolling};
use crate::carrier;
use crate::chunks::Layout;
use crate::device::Device;
use crate::error::{Refusal, Step, XdpError};
use crate::misdirected::MisdirectedCounters;
use crate::mitigation::HeldMitigation;
use crate::mode::{Attached, Mode, ModeRequest};
use crate::privilege;
use crate::program::{Attachment, Kind, Program, refuses_mode};
use crate::socket::{Binding, Socket, Wakeup};
use crate::umem::{ChunkSize, HEADROOM, Pages, Umem, UnboundUmem};
use crate::watch::XdpWatch;
use std::io;
use std::thread;
use std::time::{Duration, Instant};
use zerocat_link::Sizing;
use zerocat_link::descriptors;
use zerocat_link::watch::InterfaceWatch;

/// Most slots and most receive buffers of a link.
const MAX_BUFFERS: u16 = 1 << 14;
/// Ethernet header and one VLAN tag, which the MTU doesn't count.
const FRAME_OVERHEAD: u32 = 18;
/// Payload of the longest EtherCAT frame (IEEE 802.3).
const MIN_MTU: u32 = 1500;
/// File descriptors that opening needs. libbpf and libxdp open some only for a moment; measured, with a few to spare.
pub(crate) const DESCRIPTORS: usize = 16;
/// Longest pause between two attempts at a queue that is taken.
const LONGEST_PAUSE: Duration = Duration::from_millis(100);

/// What a program does on an interface that has one already.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnOccupied {
    /// Fail, and name the program.
    #[default]
    Refuse,
    /// Remove it, whoever attached it.
    Replace,
}

/// How to open a link.
#[derive(Debug, Clone)]
pub struct XdpOptions {
    /// Name of the interface.
    pub interface: String,
    /// Receive and transmit queue, from 0. EtherCAT frames must arrive on it: with more than one queue, set the
    /// interface to one (`ethtool -L IF combined 1`) or steer EtherType 0x88A4.
    pub queue: u32,
    /// Mode asked for.
    pub mode: ModeRequest,
    /// What to do about a program that is there.
    pub on_occupied: OnOccupied,
    /// Transmit slots and receive buffers. In zero-copy mode fewer receive buffers than the NIC's ring has descriptors
    /// cost a system call now and then.
    pub sizing: Sizing,
    /// Whether the kernel may ask to be woken.
    pub wakeup: Wakeup,
    /// Whether the link makes the kernel poll the queue, in place of interrupts. Where that isn't possible, the link opens
    /// without it and its report says so.
    pub busy_poll: Option<BusyPoll>,
    /// Bytes of a chunk.
    pub chunk_size: ChunkSize,
    /// Pages of the UMEM.
    pub pages: Pages,
    /// How long to wait for a queue that is taken: a socket that was just closed gives it back a little later.
    pub queue_timeout: Duration,
    /// How long to wait for the carrier, also where attaching the program took it away.
    pub carrier_timeout: Duration,
}

impl XdpOptions {
    /// Queue 0, the best mode, a wake-up when needed, 15 s for the queue and 10 s for the carrier.
    #[must_use]
    pub fn new(interface: &str, sizing: Sizing) -> Self {
        Self {
            interface: interface.into(),
            queue: 0,
            mode: ModeRequest::Auto,
            on_occupied: OnOccupied::Refuse,
            sizing,
            wakeup: Wakeup::WhenNeeded,
            busy_poll: None,
            chunk_size: ChunkSize::default(),
            pages: Pages::default(),
            queue_timeout: Duration::from_secs(15),
            carrier_timeout: Duration::from_secs(10),
        }
    }

    fn layout(&self) -> Result<Layout, XdpError> {
        let Sizing { slots, receive } = self.sizing;
        let valid = 1..=MAX_BUFFERS;
        if !valid.contains(&slots) || !valid.contains(&receive) {
            return Err(XdpError::Sizing { slots, receive });
        }
        // One more than may wait: the one that is lent.
        Ok(Layout { chunk_size: self.chunk_size.bytes(), slots, receive: receive + 1 })
    }
}

/// What was asked for, and the result as the kernel reports it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct XdpReport {
    /// The interface.
    pub interface: String,
    /// Its driver, where it has one.
    pub driver: Option<String>,
    /// The queue.
    pub queue: u32,
    /// Receive queues that the interface uses, where its driver says. With more than one, EtherCAT frames may arrive
    /// on another than ours, and go to the network stack then.
    pub queues: Option<u32>,
    /// Mode asked for.
    pub mode_asked: ModeRequest,
    /// The mode in use, read back.
    pub mode_got: Mode,
    /// Where the program runs, read back.
    pub attached: Attached,
    /// Whether the socket is in zero-copy mode, read back from `XDP_OPTIONS`.
    pub zerocopy: bool,
    /// Whether the kernel may ask to be woken.
    pub wakeup: Wakeup,
    /// Pages of the UMEM.
    pub pages: Pages,
    /// What became of busy polling.
    pub busy_poll: BusyPolling,
    /// Chunks of the UMEM in use: slots, receive buffers, and one for the frame that is lent.
    pub chunks: u32,
    /// Bytes of a chunk.
    pub chunk_size: u32,
    /// Better modes that were refused, each with its reason.
    pub refused: Vec<String>,
}

/// An open socket with its program. Fields are dropped in this order: the program is detached, so that nothing is redirected
/// any more; the rings are unmapped and the socket closed; the memory is freed; the NAPI knobs are put back.
#[derive(Debug)]
pub(crate) struct Opened {
    _attachment: Attachment,
    pub(crate) socket: Socket,
    pub(crate) umem: Umem,
    pub(crate) layout: Layout,
    pub(crate) report: XdpReport,
    /// Until somebody asks for it.
    pub(crate) misdirected: Option<MisdirectedCounters>,
    /// Until somebody asks for it.
    pub(crate) watch: Option<XdpWatch>,
    /// NAPI knobs that are given back after everything else is gone.
    pub(crate) held: Option<HeldMitigation>,
}

/// Opens a socket as asked, with its program attached and the carrier there. Waits end when `stopped` says so.
pub(crate) fn open(options: &XdpOptions, stopped: &dyn Fn() -> bool) -> Result<Opened, XdpError> {
    let layout = options.layout()?;
    descriptors::ensure(DESCRIPTORS)?;
    let device = Device::find(&options.interface)?;
    privilege::check()?;
    check(&device, options)?;
    // Before the first thing that may reset the NIC.
    let carrier = carrier::Before::of(&device);
    attached_program::clear(&device, options.on_occupied == OnOccupied::Replace)?;
    let kind = Kind::Redirect { queues: options.queue.saturating_add(1) };
    let program = Program::load(kind)?;
    let mut ladder = Ladder { device: &device, options, stopped, layout, program, attachment: None, umem: None };
    let (got, refused) = ladder.first_that_works()?;
    ladder.program.register(options.queue, got.socket.fd())?;
    carrier.await_carrier(&device, options.carrier_timeout, stopped)?;
    let misdirected = MisdirectedCounters::new(ladder.program.misdirected()?, device.name().into(), options.queue);
    let attachment = ladder.attachment.take().ok_or_else(|| no_mode(&device, Vec::new()))?;
    let interface =
        InterfaceWatch::on(device.index()).map_err(|source| XdpError::device(device.name(), "watch", source))?;
    let watch = XdpWatch::new(attachment.hold(), interface);
    let report = XdpReport {
        interface: device.name().into(),
        driver: device.driver(),
        queue: options.queue,
        queues: device.queues(),
        mode_asked: options.mode,
        mode_got: Mode::from_kernel(got.attached, got.zerocopy),
        attached: got.attached,
        zerocopy: got.zerocopy,
        wakeup: options.wakeup,
        pages: options.pages,
        busy_poll: BusyPolling::NotAsked,
        chunks: layout.chunks(),
        chunk_size: layout.chunk_size,
        refused: refused.iter().map(ToString::to_string).collect(),
    };
    say(&report);
    Ok(Opened {
        _attachment: attachment,
        socket: got.socket,
        umem: got.umem,
        layout,
        report,
        misdirected: Some(misdirected),
        watch: Some(watch),
        held: None,
    })
}

/// Logs why a better mode isn't used, and that there are several queues.
fn say(report: &XdpReport) {
    let XdpReport { interface, mode_got, queue, .. } = report;
    for refusal in &report.refused {
        tracing::info!(interface, got = %mode_got, "a better mode was refused: {refusal}");
    }
    if let Some(queues) = report.queues.filter(|&queues| queues > 1) {
        tracing::warn!(
            interface,
            "{queues} receive queues, of which {queue} is ours: frames that arrive on another are lost to us; set one \
             queue: ethtool -L {interface} combined 1, or steer EtherType 0x88a4"
        );
    }
}

fn check(device: &Device, options: &XdpOptions) -> Result<(), XdpError> {
    let interface = || device.name().to_owned();
    if !device.is_up()? {
        return Err(XdpError::Down { interface: interface() });
    }
    let mtu = device.mtu()?;
    let max = options.chunk_size.bytes() - HEADROOM - FRAME_OVERHEAD;
    if !(MIN_MTU..=max).contains(&mtu) {
        return Err(XdpError::Mtu { interface: interface(), mtu, min: MIN_MTU, max });
    }
    match device.queues() {
        Some(queues) if options.queue >= queues => {
            Err(XdpError::NoSuchQueue { interface: interface(), queue: options.queue, queues })
        }
        _ => Ok(()),
    }
}

/// A socket in one mode, and that mode as read back.
struct Got {
    socket: Socket,
    umem: Umem,
    attached: Attached,
    zerocopy: bool,
}

/// The modes of a request, tried one after the other.
struct Ladder<'a> {
    device: &'a Device,
    options: &'a XdpOptions,
    stopped: &'a dyn Fn() -> bool,
    layout: Layout,
    program: Program,
    attachment: Option<Attachment>,
    /// Made already, for the next attempt to bind.
    umem: Option<UnboundUmem>,
}

impl Ladder<'_> {
    /// The first mode of the request that works, and what was refused before it.
    fn first_that_works(&mut self) -> Result<(Got, Vec<Refusal>), XdpError> {
        let mut refused = Vec::new();
        for &mode in self.options.mode.candidates() {
            match self.try_mode(mode)? {
                Ok(got) => return Ok((got, refused)),
                Err(refusal) => refused.push(refusal),
            }
        }
        match (self.options.mode, refused.pop()) {
            (ModeRequest::Force(mode), Some(refusal)) => {
                let works = self.probe_others(mode);
                Err(XdpError::ModeRefused { interface: self.device.name().into(), refusal, works })
            }
            (_, last) => {
                refused.extend(last);
                Err(no_mode(self.device, refused))
            }
        }
    }

    /// The modes that work instead, found by trying.
    fn probe_others(&mut self, refused: Mode) -> Vec<Mode> {
        let others = Mode::BEST_FIRST.into_iter().filter(|&mode| mode != refused);
        let works = others.filter(|&mode| matches!(self.try_mode(mode), Ok(Ok(_)))).collect();
        self.attachment = None;
        works
    }

    /// One mode: the socket, or the driver's refusal of the mode, or an error that no other mode would avoid.
    fn try_mode(&mut self, mode: Mode) -> Result<Result<Got, Refusal>, XdpError> {
        if let Err(error) = self.attach_beside_umem(mode.attachment()) {
            return error.into_refusal(mode).map(Err);
        }
        // The kernel would refuse it for the same reason, with a UMEM that is made in vain.
        if mode == Mode::ZeroCopy && attached_program::lacks_zero_copy(self.device)? {
            let source = io::Error::from_raw_os_error(libc::EOPNOTSUPP);
            return Ok(Err(Refusal { mode, step: Step::Bind, source }));
        }
        let (umem, socket) = match self.bind(mode)? {
            Ok(bound) => bound,
            Err(source) => return Ok(Err(Refusal { mode, step: Step::Bind, source })),
        };
        let (zerocopy, attached) = self.read_back(&socket)?;
        let got = Mode::from_kernel(attached, zerocopy);
        if got != mode {
            let source = io::Error::other(format!("the kernel says {got}"));
            return Ok(Err(Refusal { mode, step: Step::ReadBack, source }));
        }
        Ok(Ok(Got { socket, umem, attached, zerocopy }))
    }

    fn read_back(&self, socket: &Socket) -> Result<(bool, Attached), XdpError> {
        let failed = |source| XdpError::device(self.device.name(), "read back XDP_OPTIONS", source);
        let zerocopy = socket.is_zero_copy().map_err(failed)?;
        let (_, attached) = attached_program::query(self.device)?
            .ok_or_else(|| XdpError::device(self.device.name(), "find our program", io::ErrorKind::NotFound.into()))?;
        Ok((zerocopy, attached))
    }

    /// Attaches the program, and makes the UMEM meanwhile if there is none: to attach is to wait for the kernel and for the
    /// NIC, and to make a UMEM is to touch all of its pages.
    fn attach_beside_umem(&mut self, attached: Attached) -> Result<(), XdpError> {
        let (layout, pages) = (self.layout, self.options.pages);
        if self.umem.is_some() || self.is_attached(attached) {
            return self.attach(attached);
        }
        let (attached, made) = thread::scope(|scope| {
            let making = thread::Builder::new().spawn_scoped(scope, move || UnboundUmem::new(layout, pages));
            (self.attach(attached), making.ok().and_then(|making| making.join().ok()))
        });
        attached?;
        // Without a thread it is made when it is needed.
        self.umem = made.transpose()?;
        Ok(())
    }

    fn is_attached(&self, attached: Attached) -> bool {
        self.attachment.as_ref().is_some_and(|attachment| attachment.attached() == attached)
    }

    /// Attaches the program in this mode, unless it is attached so already: a NIC may reset its link for it.
    fn attach(&mut self, attached: Attached) -> Result<(), XdpError> {
        if self.is_attached(attached) {
            return Ok(());
        }
        self.attachment = None;
        self.attachment = Some(self.program.attach(self.device, attached).map_err(|error| self.overtaken(error))?);
        Ok(())
    }

    /// The error that names the other program, if one was attached after the interface had been checked.
    fn overtaken(&self, error: XdpError) -> XdpError {
        let taken = |source: &io::Error| matches!(source.raw_os_error(), Some(libc::EBUSY | libc::EEXIST));
        match (&error, AttachedProgram::find(self.device)) {
            (XdpError::Attach { source, .. }, Ok(Some(program))) if taken(source) => {
                XdpError::Occupied { program: Box::new(program) }
            }
            _ => error,
        }
    }

    /// Binds, and tries again while the queue is taken. The inner error means that the driver refuses the mode.
    fn bind(&mut self, mode: Mode) -> Result<Result<(Umem, Socket), io::Error>, XdpError> {
        let (device, options) = (self.device, self.options);
        let binding = Binding {
            interface: device.name(),
            queue: options.queue,
            mode,
            wakeup: options.wakeup,
            slots: self.layout.slots,
            receive: self.layout.receive,
        };
        let start = Instant::now();
        let mut pause = Duration::from_millis(1);
        let mut said = false;
        loop {
            let umem = match self.umem.take() {
                Some(made) => made,
                None => UnboundUmem::new(self.layout, options.pages)?,
            };
            let error = match Socket::bind(umem, binding) {
                Ok(bound) => return Ok(Ok(bound)),
                Err(error) => error,
            };
            if let Some(refused) = self.judge(mode, error, start.elapsed())? {
                return Ok(Err(refused));
            }
            if (self.stopped)() {
                return Err(XdpError::Stopped { interface: device.name().into(), awaited: "its queue" });
            }
            if pause == LONGEST_PAUSE && !said {
                let (queue, timeout) = (options.queue, options.queue_timeout.as_secs_f32());
                tracing::warn!(interface = device.name(), "queue {queue} is taken, waiting for it up to {timeout} s");
                said = true;
            }
            thread::sleep(pause);
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// What a refused bind means: the driver refuses the mode, or an error, or neither: try again.
    fn judge(&self, mode: Mode, error: io::Error, waited: Duration) -> Result<Option<io::Error>, XdpError> {
        let (interface, queue) = (self.device.name(), self.options.queue);
        match error.raw_os_error() {
            Some(libc::EBUSY) if waited < self.options.queue_timeout => Ok(None),
            Some(libc::EBUSY) => Err(XdpError::QueueBusy { interface: interface.into(), queue, waited }),
            // The last mode of the ladder, and the one that every interface has: it is the queue then.
            Some(libc::EINVAL) if mode == Mode::Generic && queue > 0 && self.device.queues().is_none() => {
                Err(XdpError::QueueRefused { interface: interface.into(), queue })
            }
            _ if refuses_mode(&error) => Ok(Some(error)),
            _ => Err(XdpError::device(interface, "bind an AF_XDP socket to a queue", error)),
        }
    }
}

fn no_mode(device: &Device, refused: Vec<Refusal>) -> XdpError {
    XdpError::NoMode { interface: device.name().into(), refused }
}

#[cfg(test)]
mod tests;
