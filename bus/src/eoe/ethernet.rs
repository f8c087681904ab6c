//! Ethernet frames between the bus thread and whoever carries them: a program's port, an interface of the host, a switch.
//!
//! Guarantees: queues are bounded, and what finds one full is dropped and counted; a fragment waits for at most one request to
//! the same mailbox and a request for at most one fragment, so neither starves the other; a SubDevice whose EoE is switched
//! off, or whose frames nobody takes, is read all the same, and its frames are dropped and counted; what waited from before an
//! outage isn't sent after it.
//!
//! Not guaranteed: that a frame arrives. It is Ethernet.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::Thread;
use std::time::Duration;

use zerocat_wire::eoe::{EoeHeader, EoeKind};
use zerocat_wire::mailbox::{self, HEADER_LEN, MailboxHeader, MailboxType};

use super::fragments::{Assembly, Came, LONGEST, Outgoing, SHORTEST, number_after};
use super::port::FramePort;
use crate::datagrams::Datagrams;
use crate::mailbox::{MailError, Mailbox, UnaskedMail};

/// Frames that wait to be sent to one SubDevice.
const WAITING: usize = 64;
/// Time after a frame in which the next one is looked for without delay.
const LIVELY: Duration = Duration::from_secs(1);
/// Time from one look for frames to the next, while there are some.
const OFTEN: Duration = Duration::from_millis(2);
/// The same while somebody takes frames and none came of late.
const AT_TIMES: Duration = Duration::from_millis(50);

/// Takes the frames that a SubDevice sends.
pub trait TakesFrames: Send {
    /// Takes a frame, on the bus thread: it must not wait. Returns whether there was room for it.
    fn take(&mut self, frame: Vec<u8>) -> bool;
}

/// Why nobody can carry frames for a SubDevice.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PortError {
    /// It doesn't speak EoE, or isn't there.
    #[error("SubDevice {position} has no EoE mailbox")]
    NoEoe {
        /// Its position.
        position: u16,
    },
    /// The rig file says so.
    #[error("EoE of SubDevice {position} is switched off: its `eoe` in the rig file is false")]
    SwitchedOff {
        /// Its position.
        position: u16,
    },
    /// Somebody else has it.
    #[error("EoE of SubDevice {position} belongs to {by}")]
    Taken {
        /// Its position.
        position: u16,
        /// Who.
        by: String,
    },
}

/// Why a frame wasn't taken to be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// So many wait already.
    #[error("{WAITING} frames wait to be sent already")]
    Full,
    /// It is none of Ethernet.
    #[error("a frame of {0} bytes; it has {SHORTEST} to {LONGEST}")]
    Length(usize),
}

/// What was counted of one SubDevice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct EthernetCounters {
    /// Frames sent to it, and their fragments.
    pub frames_sent: u64,
    /// Fragments sent to it.
    pub fragments_sent: u64,
    /// Frames to it that were dropped: the queue was full, or the mailbox failed.
    pub send_dropped: u64,
    /// Frames that came from it whole.
    pub frames_received: u64,
    /// Fragments that came from it.
    pub fragments_received: u64,
    /// Frames from it that were dropped: nobody takes them, whoever does had no room, or EoE is switched off.
    pub receive_dropped: u64,
    /// Frames from it of which a fragment is missing or wrong.
    pub broken: u64,
    /// Other mails of EoE, which nobody asked for.
    pub ignored: u64,
}

/// The frames of all SubDevices of a network, shared between the bus thread and whoever carries them.
#[derive(Debug, Default)]
pub struct Ethernet {
    lanes: Mutex<BTreeMap<u16, Arc<Lane>>>,
    bus: Arc<Mutex<Option<Thread>>>,
}

/// The two queues of one SubDevice.
#[derive(Debug, Default)]
pub(crate) struct Lane {
    switched_off: bool,
    sending: Mutex<Sending>,
    receiving: Mutex<Receiving>,
}

#[derive(Debug, Default)]
struct Sending {
    waiting: VecDeque<Vec<u8>>,
    counters: EthernetCounters,
    /// Until when frames are looked for often.
    lively: Duration,
    /// An operation has begun before.
    begun: bool,
}

#[derive(Default)]
struct Receiving {
    assembly: Assembly,
    taker: Option<(String, Box<dyn TakesFrames>)>,
}

impl fmt::Debug for Receiving {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receiving").field("taker", &self.taker.as_ref().map(|(by, _)| by)).finish_non_exhaustive()
    }
}

/// A data structure stays whole where a thread panicked: nothing in here panics half-way.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Ethernet {
    /// For a bus thread that is woken when frames wait.
    pub(crate) fn new(bus: Arc<Mutex<Option<Thread>>>) -> Self {
        Self { lanes: Mutex::default(), bus }
    }

    /// Says that the SubDevice at a position speaks EoE, before it is in operation; and whether it is to be used.
    pub fn admit(&self, position: u16, switched_off: bool) {
        let lane = || Arc::new(Lane { switched_off, ..Lane::default() });
        locked(&self.lanes).entry(position).or_insert_with(lane);
    }

    /// Has somebody take the frames that a SubDevice sends, until what this gives is dropped. `by` says who, in words.
    ///
    /// # Errors
    /// [`PortError`].
    pub fn attach(&self, position: u16, by: &str, taker: Box<dyn TakesFrames>) -> Result<Attached, PortError> {
        let lane = self.lane(position).ok_or(PortError::NoEoe { position })?;
        if lane.switched_off {
            return Err(PortError::SwitchedOff { position });
        }
        let mut receiving = locked(&lane.receiving);
        if let Some((by, _)) = &receiving.taker {
            return Err(PortError::Taken { position, by: by.clone() });
        }
        receiving.taker = Some((by.to_owned(), taker));
        drop(receiving);
        Ok(Attached { position, lane, bus: Arc::clone(&self.bus) })
    }

    /// A port for a program.
    ///
    /// # Errors
    /// [`PortError`].
    pub fn port(&self, position: u16) -> Result<FramePort, PortError> {
        FramePort::open(|taker| self.attach(position, "a port of the program", taker))
    }

    /// What was counted, of each SubDevice that speaks EoE, by position.
    #[must_use]
    pub fn counters(&self) -> Vec<(u16, EthernetCounters)> {
        locked(&self.lanes).iter().map(|(position, lane)| (*position, lane.counters())).collect()
    }

    /// What was counted of one; `None` where it doesn't speak EoE.
    #[must_use]
    pub fn counters_of(&self, position: u16) -> Option<EthernetCounters> {
        self.lane(position).map(|lane| lane.counters())
    }

    pub(crate) fn lane(&self, position: u16) -> Option<Arc<Lane>> {
        locked(&self.lanes).get(&position).cloned()
    }
}

/// The right to carry a SubDevice's frames. Dropped, somebody else may.
#[derive(Debug)]
pub struct Attached {
    position: u16,
    lane: Arc<Lane>,
    bus: Arc<Mutex<Option<Thread>>>,
}

impl Attached {
    /// Whose frames they are.
    #[must_use]
    pub const fn position(&self) -> u16 {
        self.position
    }

    /// Has a frame sent to the SubDevice; nobody waits for that. A frame begins with the destination's address and has no checksum.
    ///
    /// # Errors
    /// [`SendError`].
    pub fn send(&self, frame: Vec<u8>) -> Result<(), SendError> {
        self.lane.push(frame)?;
        if let Some(thread) = &*locked(&self.bus) {
            thread.unpark();
        }
        Ok(())
    }

    /// What was counted.
    #[must_use]
    pub fn counters(&self) -> EthernetCounters {
        self.lane.counters()
    }
}

impl Drop for Attached {
    fn drop(&mut self) {
        locked(&self.lane.receiving).taker = None;
        self.lane.drop_waiting();
    }
}

impl Lane {
    fn counters(&self) -> EthernetCounters {
        locked(&self.sending).counters
    }

    fn push(&self, frame: Vec<u8>) -> Result<(), SendError> {
        let mut sending = locked(&self.sending);
        if !(SHORTEST..=LONGEST).contains(&frame.len()) {
            sending.counters.send_dropped += 1;
            return Err(SendError::Length(frame.len()));
        }
        if sending.waiting.len() >= WAITING {
            sending.counters.send_dropped += 1;
            return Err(SendError::Full);
        }
        sending.waiting.push_back(frame);
        Ok(())
    }

    /// Whether a frame waits to be sent.
    pub(crate) fn is_waiting(&self) -> bool {
        !locked(&self.sending).waiting.is_empty()
    }

    fn drop_waiting(&self) {
        let mut sending = locked(&self.sending);
        let dropped = sending.waiting.drain(..).count();
        sending.counters.send_dropped += u64::try_from(dropped).unwrap_or(u64::MAX);
    }

    /// How soon its mailbox is to be looked at for frames; `None`: nobody takes any.
    pub(crate) fn look_within(&self, now: Duration) -> Option<Duration> {
        if now < locked(&self.sending).lively {
            return Some(OFTEN);
        }
        locked(&self.receiving).taker.as_ref().map(|_| AT_TIMES)
    }

    /// Takes a mail of EoE that came from the SubDevice.
    pub(crate) fn came(&self, mail: &UnaskedMail) {
        let mut receiving = locked(&self.receiving);
        let frame = match EoeHeader::parse(&mail.body) {
            Ok((header, data)) if header.kind == EoeKind::Fragment => Some(receiving.assembly.take(&header, data)),
            _ => None,
        };
        let broken = receiving.assembly.take_broken();
        let mut counts = EthernetCounters { broken, ..EthernetCounters::default() };
        match frame {
            None => counts.ignored = 1,
            Some(Came::More | Came::Astray) => counts.fragments_received = 1,
            Some(Came::Frame(frame)) => {
                (counts.fragments_received, counts.frames_received) = (1, 1);
                let taken = receiving.taker.as_mut().is_some_and(|(_, taker)| taker.take(frame));
                counts.receive_dropped = u64::from(!taken);
            }
        }
        drop(receiving);
        let mut sending = locked(&self.sending);
        sending.counters.add(&counts);
        sending.lively = mail.at.saturating_add(LIVELY);
    }

    fn count(&self, count: impl FnOnce(&mut EthernetCounters)) {
        count(&mut locked(&self.sending).counters);
    }
}

impl EthernetCounters {
    fn add(&mut self, other: &Self) {
        self.broken += other.broken;
        self.ignored += other.ignored;
        self.fragments_received += other.fragments_received;
        self.frames_received += other.frames_received;
        self.receive_dropped += other.receive_dropped;
    }
}

/// The bus thread's end of a lane: what is being sent.
#[derive(Debug)]
pub(crate) struct LaneEnd {
    lane: Arc<Lane>,
    outgoing: Option<Outgoing>,
    number: u8,
}

impl LaneEnd {
    /// For an operation that begins: what waits from before an outage is dropped.
    pub(crate) fn begin(lane: Arc<Lane>) -> Self {
        if std::mem::replace(&mut locked(&lane.sending).begun, true) {
            lane.drop_waiting();
        }
        locked(&lane.receiving).assembly.forget();
        Self { lane, outgoing: None, number: 0 }
    }

    /// Whether a fragment waits to be sent.
    pub(crate) fn has_some(&mut self) -> bool {
        if self.outgoing.is_none()
            && let Some(frame) = locked(&self.lane.sending).waiting.pop_front()
        {
            self.outgoing = Some(Outgoing::new(frame, self.number));
            self.number = number_after(self.number);
        }
        self.outgoing.is_some()
    }

    /// Sends the next fragment. Where that fails, its frame and those behind it are dropped.
    pub(crate) async fn send_next(&mut self, datagrams: &Datagrams, mailbox: &mut Mailbox) {
        let Some(mut outgoing) = self.outgoing.take() else { return };
        let room = usize::from(mailbox.info().write_len).saturating_sub(HEADER_LEN);
        let sent = match outgoing.body(room) {
            None => None,
            Some(body) => send(datagrams, mailbox, &body).await.ok().map(|()| outgoing.went(&body)),
        };
        match sent {
            Some(last) => {
                let now = datagrams.now();
                locked(&self.lane.sending).lively = now.saturating_add(LIVELY);
                self.lane.count(|counters| {
                    counters.fragments_sent += 1;
                    counters.frames_sent += u64::from(last);
                });
                self.outgoing = Some(outgoing).filter(|_| !last);
            }
            None => {
                self.lane.count(|counters| counters.send_dropped += 1);
                self.lane.drop_waiting();
            }
        }
    }
}

impl Drop for LaneEnd {
    fn drop(&mut self) {
        self.lane.count(|counters| counters.send_dropped += u64::from(self.outgoing.is_some()));
    }
}

async fn send(datagrams: &Datagrams, mailbox: &mut Mailbox, body: &[u8]) -> Result<(), MailError> {
    let emit = |mail: &mut [u8], counter: u8| {
        mailbox::emit(mail, MailboxHeader::new(MailboxType::Eoe, counter, 0), |place| {
            place.get_mut(..body.len()).ok_or(zerocat_wire::WireError::NoRoom)?.copy_from_slice(body);
            Ok(body.len())
        })
    };
    let sent = mailbox.send(datagrams, emit).await;
    if let Err(error) = &sent {
        tracing::debug!(subdevice = %mailbox.who(), "Ethernet frames are dropped: {error}");
    }
    sent
}
