//! A SubDevice whose mailbox answers by a script: the real client asks, and the bytes of the input say what comes back, how often,
//! and where frames get lost.
//!
//! Held for every input: the client comes to an end although the script does, what it gives back fits the bounds that it was
//! given, and no frame of the pool is lost.
#![allow(dead_code, reason = "each target uses a part of it")]

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use ethercrab::{PduRx, PduStorage, PduTx};
use zerocat_bus::mailbox::{MailTimes, Mailbox};
use zerocat_bus::{Datagrams, FileTimes, Label, MailboxInfo, block_on};
use zerocat_wire::{Command, FrameViewMut, MailboxType, ethernet, mailbox};

const STATION: u16 = 0x1001;
const WRITE: u16 = 0x1000;
const READ: u16 = 0x1400;
/// Sync manager of the mailbox that is read.
const SM1: u16 = 0x0808;
const FULL: u8 = 0x08;
const REPEAT: u8 = 0x02;
/// Frames after which a client has no end.
const MOST_FRAMES: u32 = 200_000;
/// Time for one frame, and time that passes where nobody has anything to do.
const FRAME: Duration = Duration::from_micros(20);
const NAP: Duration = Duration::from_millis(1);

/// Times so short that a script which has ended is given up soon.
pub const TIMES: MailTimes = MailTimes {
    request: Duration::from_millis(5),
    response: Duration::from_millis(5),
    repeat: Duration::from_millis(3),
    poll: Duration::from_millis(1),
};
/// The same of files.
pub const FILE_TIMES: FileTimes =
    FileTimes { response: Duration::from_millis(5), busy: Duration::from_millis(20), pause: Duration::from_millis(1) };

/// The input, taken from its beginning.
pub struct Script(Vec<u8>, usize);

impl Script {
    pub fn new(input: &[u8]) -> Self {
        Self(input.to_vec(), 0)
    }

    pub fn byte(&mut self) -> Option<u8> {
        let byte = self.0.get(self.1).copied();
        self.1 += usize::from(byte.is_some());
        byte
    }

    /// So many bytes, or what is left.
    pub fn bytes(&mut self, len: usize) -> Vec<u8> {
        let from = self.1;
        self.1 = self.0.len().min(from + len);
        self.0[from..self.1].to_vec()
    }

    pub fn word(&mut self) -> u16 {
        u16::from_le_bytes([self.byte().unwrap_or(0), self.byte().unwrap_or(0)])
    }
}

/// The SubDevice: two sync managers, and a script for what it sends.
struct Device {
    script: Rc<RefCell<Script>>,
    room: [usize; 2],
    /// Protocol of answers that have a right header.
    kind: u8,
    counter: u8,
    /// The request that came last, behind its header.
    request: Vec<u8>,
    waiting: Vec<Vec<u8>>,
    out: Option<Vec<u8>>,
    last: Vec<u8>,
    activate: u8,
    acknowledge: u8,
}

impl Device {
    /// Writes down what the script answers to a request; each mail begins with a byte that says how it is made.
    fn ask(&mut self, mail: &[u8]) {
        self.request = mailbox::open(mail).map(|(_, body)| body.to_vec()).unwrap_or_default();
        self.more();
    }

    fn more(&mut self) {
        loop {
            let Some(how) = self.script.borrow_mut().byte() else { return };
            let len = usize::from(self.script.borrow_mut().byte().unwrap_or(0));
            let mut body = self.script.borrow_mut().bytes(len);
            // Most answers begin as their request does, some bytes of it changed.
            let echoed = usize::from(how >> 5) * 2;
            if how & 0x08 != 0 {
                let head: Vec<u8> = self.request.iter().take(echoed).copied().collect();
                let changed = head.iter().zip(body.iter().chain(std::iter::repeat(&0))).map(|(a, b)| a ^ b).collect();
                body = [changed, body.get(echoed.min(body.len())..).unwrap_or_default().to_vec()].concat();
            }
            let mail = match how & 7 {
                0..=3 => self.headed(self.kind, &body),
                4 => self.headed(MailboxType::Error as u8, &body),
                5 => self.headed(body.first().copied().unwrap_or(2), body.get(1..).unwrap_or_default()),
                6 => body,
                _ => return,
            };
            self.waiting.push(mail);
            // Else the next mail comes with this request too.
            if how & 0x10 == 0 {
                return;
            }
        }
    }

    /// A mail whose header is right.
    fn headed(&mut self, kind: u8, body: &[u8]) -> Vec<u8> {
        self.counter = mailbox::next_counter(self.counter);
        let body = &body[..body.len().min(self.room[1] - mailbox::HEADER_LEN)];
        let [low, high] = u16::try_from(body.len()).expect("no longer than the mailbox").to_le_bytes();
        [&[low, high, 0, 0, 0, self.counter << 4 | kind & 15], body].concat()
    }

    fn deliver(&mut self) {
        if self.out.is_none() && !self.waiting.is_empty() {
            let mut mail = self.waiting.remove(0);
            mail.resize(self.room[1], 0xa5);
            self.last.clone_from(&mail);
            self.out = Some(mail);
        }
    }

    fn read(&mut self, at: u16, data: &mut [u8]) -> bool {
        if at == READ {
            let Some(mail) = self.out.take() else { return false };
            data.iter_mut().zip(mail).for_each(|(to, from)| *to = from);
            return true;
        }
        let full = if self.out.is_some() { FULL } else { 0 };
        for (byte, register) in data.iter_mut().zip(at..) {
            *byte = match register {
                0x080d => full,
                0x080e => self.activate,
                0x080f => self.acknowledge,
                _ => 0,
            };
        }
        true
    }

    fn write(&mut self, at: u16, data: &[u8]) -> bool {
        match at {
            WRITE => self.ask(data),
            at if at == SM1 + 6 => {
                self.activate = data.first().copied().unwrap_or(0);
                self.acknowledge = self.activate & REPEAT;
                if self.out.is_none() && !self.last.is_empty() {
                    self.out = Some(self.last.clone());
                }
            }
            _ => {}
        }
        true
    }

    fn process(&mut self, frame: &mut [u8]) {
        let mut frame = FrameViewMut::new_checked(frame).expect("the pool's frame");
        frame.mark_returned();
        for mut datagram in frame.datagrams_mut() {
            let (command, at) = (datagram.view().command(), datagram.view().address().ado());
            let done = match command {
                Ok(Command::Fprd) => self.read(at, datagram.data_mut()),
                Ok(Command::Fpwr) => self.write(at, &datagram.view().data().to_vec()),
                _ => false,
            };
            datagram.add_working_counter(u16::from(done));
        }
        self.deliver();
    }
}

/// The pool, which is made once.
struct Pool {
    tx: RefCell<PduTx<'static>>,
    rx: RefCell<PduRx<'static>>,
    datagrams: Datagrams,
    clock: Rc<Cell<Duration>>,
}

impl Pool {
    fn new() -> Self {
        zerocat_sched::link_idle_timer();
        let storage: &'static PduStorage<8, 1514> = Box::leak(Box::new(PduStorage::new()));
        let Ok((tx, rx, pdu_loop)) = storage.try_split() else { unreachable!("split for the first time") };
        let clock = Rc::new(Cell::new(Duration::ZERO));
        let read = Rc::clone(&clock);
        let datagrams = Datagrams::new(pdu_loop, move || read.get());
        Self { tx: RefCell::new(tx), rx: RefCell::new(rx), datagrams, clock }
    }

    fn pass(&self, time: Duration) {
        self.clock.set(self.clock.get() + time);
    }

    /// Moves the frames that wait. `losses` says which get lost, bit by bit: before the SubDevice, or behind it.
    fn turn(&self, device: &mut Device, losses: &mut Losses) {
        let mut out = Vec::new();
        while let Some(frame) = self.tx.borrow_mut().next_sendable_frame() {
            let keep = |bytes: &[u8]| {
                out.push(bytes.to_vec());
                Ok(bytes.len())
            };
            frame.send_blocking(keep).expect("taken whole");
        }
        if out.is_empty() {
            self.pass(NAP);
        }
        for sent in out {
            self.pass(FRAME);
            let mut back = sent.clone();
            let (before, behind) = losses.next();
            if !before {
                device.process(&mut back);
            }
            if before || behind {
                back = sent;
                ethernet::mark_returned(&mut back).expect("the pool's frame");
            }
            self.rx.borrow_mut().receive_frame(&back).expect("the pool knows its frames");
        }
    }
}

/// Which frames get lost: the bits of a word, over and over.
struct Losses {
    bits: u16,
    frames: u32,
}

impl Losses {
    fn next(&mut self) -> (bool, bool) {
        self.frames += 1;
        assert!(self.frames < MOST_FRAMES, "a client without an end");
        let lost = self.bits != u16::MAX && self.bits >> (self.frames % 16) & 1 == 1;
        (lost && self.frames % 32 < 16, lost && self.frames % 32 >= 16)
    }
}

thread_local! {
    static POOL: Pool = Pool::new();
}

/// Has `client` ask a SubDevice that answers as the input says. The input begins with the sizes of the mailboxes and the frames
/// that get lost; `client` may take more of it for what it asks.
pub fn run<T>(
    kind: MailboxType,
    input: &[u8],
    client: impl AsyncFnOnce(&Datagrams, &mut Mailbox, &RefCell<Script>) -> T,
) -> Option<T> {
    let mut script = Script::new(input);
    let room = [0, 1].map(|_| 24 + usize::from(script.byte().unwrap_or(104)));
    let mut losses = Losses { bits: script.word(), frames: 0 };
    // One frame in four at most, so that something arrives.
    losses.bits &= losses.bits >> 3;
    let script = Rc::new(RefCell::new(script));
    let mut device = Device {
        script: Rc::clone(&script),
        room,
        kind: kind as u8,
        counter: 0,
        request: Vec::new(),
        waiting: Vec::new(),
        out: None,
        last: Vec::new(),
        activate: 1,
        acknowledge: 0,
    };
    let info = MailboxInfo {
        write_channel: 0,
        write_start: WRITE,
        write_len: u16::try_from(room[0]).ok()?,
        read_channel: 1,
        read_start: READ,
        read_len: u16::try_from(room[1]).ok()?,
        protocols: 0xff,
    };
    let mut mailbox = Mailbox::new(Label { position: 3, name: "FUZZ".into() }, STATION, info);
    mailbox.set_times(TIMES);
    POOL.with(|pool| {
        let work = client(&pool.datagrams, &mut mailbox, &script);
        let done = block_on(work, || pool.turn(&mut device, &mut losses));
        assert_eq!(pool.datagrams.abandoned(), 0, "a frame of the pool is out");
        Some(done)
    })
}
