//! Datagrams as futures, over ethercrab's frame pool, with their true working counters.
//!
//! Guarantees: data is copied out before anything else can take the frame's slot; a datagram with working counter 0
//! (a lost frame, or nobody there) is sent again up to a fixed number of times and counted, and so is one whose answer can't
//! be: of another length, a write that comes back with other data, more SubDevices at one address than one, unless the next
//! answer says the same and so many are there; a full pool is waited for.
//! Every wait has a bound, in time in which the program runs: also a datagram that nobody sends fails, after [`PATIENCE`]. A future of this layer may be
//! dropped at any time, which cancels the request and costs the pool nothing; [`Datagrams::by`] does so at a deadline.
//! Not guaranteed: that a repeated write reaches the SubDevice only once. Registers don't mind; mailboxes do, and use
//! [`Datagrams::write_once`].
//!
//! The pool's own timers and retries are off: whoever moves the frames brings each one back exactly once.

use std::cell::Cell;
use std::fmt;
use std::pin::pin;
use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;

use ethercrab::error::{Error as PoolError, PduError};
use ethercrab::{Command, MainDevice, MainDeviceConfig, PduLoop, RetryBehaviour, Timeouts};

use crate::error::DatagramError;
use crate::executor::idle_once;
use crate::flight::{Abandoned, Flight, Sending};
use crate::running_clock::RunningClock;
use crate::soonest::Soonest;
use crate::window::{Pass, Window};
use zerocat_wire::register;

/// Whom a datagram addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Target {
    /// All SubDevices.
    Broadcast,
    /// The one at this position, 0-based.
    Position(u16),
    /// The one with this configured station address.
    Station(u16),
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Broadcast => f.write_str("all"),
            Self::Position(position) => write!(f, "position {position}"),
            Self::Station(station) => write!(f, "station {station:#06x}"),
        }
    }
}

/// What came back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The datagram's data.
    pub data: Vec<u8>,
    /// How many took part, weighted as ETG.1000.4, 5.4.1.2 says. 0 when the frame was lost.
    pub working_counter: u16,
}

/// What was counted since the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct DatagramCounters {
    /// Datagrams sent, repetitions included.
    pub sent: u64,
    /// Repetitions after working counter 0, or after an answer that can't be.
    pub repeated: u64,
    /// Answers that can't be: a damaged copy came before the answer, or instead of it.
    pub impossible: u64,
    /// Datagrams that had working counter 0 in every attempt.
    pub unanswered: u64,
    /// Times that a free frame had to be waited for.
    pub pool_full: u64,
}

/// Times that a datagram with working counter 0 is sent, where nothing else is said. With one frame in seven lost, one
/// datagram in some millions goes unanswered.
pub const ATTEMPTS: u8 = 8;
/// Largest number of data bytes in a datagram (one datagram per frame of 1,514 bytes).
pub const MAX_DATA: usize = zerocat_wire::datagram::MAX_DATA_ALONE;
/// How long a datagram may take from being asked for until its frame has come back. Who moves the frames gives a lost one
/// back within tens of milliseconds, so this passes only when nobody moves them.
pub const PATIENCE: Duration = Duration::from_secs(2);

/// Pauses that needn't be exact end at multiples of this.
pub const ABOUT: Duration = Duration::from_millis(20);

/// The last multiple of a step up to a time.
///
/// # Panics
/// Where the step is zero.
#[must_use]
pub fn last_multiple(step: Duration, time: Duration) -> Duration {
    let beyond = u64::try_from(time.as_nanos() % step.as_nanos()).map_or(Duration::ZERO, Duration::from_nanos);
    time.saturating_sub(beyond)
}

/// How long the thread that polls the requests may sleep.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rest {
    /// A frame is out: look soon whether [`is_woken`](crate::is_woken) says that one is back. Somebody may wait for a time, too.
    Brief(Option<Duration>),
    /// Nobody waits for a frame; somebody waits for this time.
    Until(Duration),
    /// Nobody waits for a frame or a time.
    Long,
}

/// The datagram layer: the frame pool's sending end, a clock, and counters. Belongs to one thread.
pub struct Datagrams {
    main_device: Rc<MainDevice<'static>>,
    clock: RunningClock,
    attempts: u8,
    counters: Cell<DatagramCounters>,
    window: Rc<Window>,
    abandoned: Abandoned,
    /// Requests whose frame is out, or that wait for a free one, and that somebody would have soon.
    waiting: Cell<usize>,
    /// What is polled now has time.
    unhurried: Cell<bool>,
    /// The earliest time that somebody waits for.
    soonest: Soonest,
    /// SubDevices by the last census; as many as can be before there was one.
    most: Cell<u16>,
}

/// Counts a request as waiting while it lives.
struct Waiting<'a>(&'a Cell<usize>);

impl<'a> Waiting<'a> {
    fn new(count: &'a Cell<usize>) -> Self {
        count.set(count.get() + 1);
        Self(count)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.set(self.0.get().saturating_sub(1));
    }
}

/// Has no request counted as waiting that is made while it lives.
struct Unhurried<'a>(&'a Cell<bool>);

impl<'a> Unhurried<'a> {
    fn new(flag: &'a Cell<bool>) -> Self {
        flag.set(true);
        Self(flag)
    }
}

impl Drop for Unhurried<'_> {
    fn drop(&mut self) {
        self.0.set(false);
    }
}

impl fmt::Debug for Datagrams {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Datagrams")
            .field("attempts", &self.attempts)
            .field("counters", &self.counters())
            .finish_non_exhaustive()
    }
}

impl Datagrams {
    /// Takes the pool. `now` is a monotonic clock from any zero; deadlines are measured with it, without the times in which
    /// the program stood still.
    #[must_use]
    pub fn new(pdu_loop: PduLoop<'static>, now: impl Fn() -> Duration + 'static) -> Self {
        // The pool must never time a frame out: its slot would be lost while the frame is out.
        let never = Duration::from_secs(10 * 365 * 24 * 3600);
        let timeouts = Timeouts { pdu: never, ..Timeouts::default() };
        let config = MainDeviceConfig { dc_static_sync_iterations: 0, retry_behaviour: RetryBehaviour::None };
        Self {
            main_device: Rc::new(MainDevice::new(pdu_loop, timeouts, config)),
            clock: RunningClock::over(now),
            attempts: ATTEMPTS,
            counters: Cell::default(),
            window: Rc::default(),
            abandoned: Abandoned::default(),
            waiting: Cell::new(0),
            unhurried: Cell::new(false),
            soonest: Soonest::default(),
            most: Cell::new(u16::MAX),
        }
    }

    /// How long the polling thread may sleep after it has polled every future. It also lets cancelled requests finish,
    /// so call it once after each round.
    #[must_use]
    pub fn rest(&self) -> Rest {
        self.abandoned.poll();
        let soonest = self.soonest.take();
        if self.waiting.get() > 0 || self.abandoned.len() > 0 {
            return Rest::Brief(soonest);
        }
        soonest.map_or(Rest::Long, Rest::Until)
    }

    /// The earliest time that somebody waits for, of those who were polled since the last rest.
    pub(crate) const fn soonest(&self) -> &Soonest {
        &self.soonest
    }

    /// Requests that were cancelled and whose frames are still out.
    #[must_use]
    pub fn abandoned(&self) -> usize {
        self.abandoned.poll();
        self.abandoned.len()
    }

    /// Forgets what was counted, and how many SubDevices there are: for another network, once no request of the last one
    /// is out.
    pub fn begin_anew(&self) {
        self.counters.take();
        self.most.set(u16::MAX);
    }

    /// Sets how often a datagram with working counter 0 is sent, 1 or more.
    #[must_use]
    pub fn with_attempts(mut self, attempts: u8) -> Self {
        self.attempts = attempts.max(1);
        self
    }

    /// The clock that waits end by. It stands still while the program does.
    #[must_use]
    pub fn now(&self) -> Duration {
        self.clock.now()
    }

    /// The clock that was passed in.
    #[must_use]
    pub fn time(&self) -> Duration {
        self.clock.time()
    }

    /// How long the program has stood still in all, because it was stopped or had no CPU, since this was made.
    #[must_use]
    pub fn stood_still(&self) -> Duration {
        self.clock.stood_still()
    }

    /// What was counted.
    #[must_use]
    pub fn counters(&self) -> DatagramCounters {
        self.counters.get()
    }

    /// Waits for a time without sending anything.
    pub async fn pause(&self, duration: Duration) {
        let end = self.now().saturating_add(duration);
        let _ = self.by(end, std::future::pending::<()>()).await;
    }

    /// As [`pause`](Self::pause), but it ends at the last multiple of [`ABOUT`] within it, if there is one: for looks that needn't be
    /// exact, so that the thread wakes once for many.
    pub async fn pause_about(&self, duration: Duration) {
        let now = self.now();
        let about = last_multiple(ABOUT, now.saturating_add(duration));
        self.pause(if about > now { about.saturating_sub(now) } else { duration }).await;
    }

    /// The output of a future whose requests have time: that a frame of theirs is back is looked for at the next multiple of
    /// [`ABOUT`], and not soon. For what asks now and then and is waited for by nobody.
    pub async fn unhurried<F: Future>(&self, future: F) -> F::Output {
        let mut future = pin!(future);
        std::future::poll_fn(|context| {
            let polled = {
                let _unhurried = Unhurried::new(&self.unhurried);
                future.as_mut().poll(context)
            };
            if polled.is_pending() {
                self.soonest.note(last_multiple(ABOUT, self.now().saturating_add(ABOUT)));
            }
            polled
        })
        .await
    }

    /// The output of a future, or `None` if it isn't there at a time of the clock; the future is dropped then.
    pub async fn by<F: Future>(&self, end: Duration, future: F) -> Option<F::Output> {
        let mut future = pin!(future);
        std::future::poll_fn(|context| {
            if let Poll::Ready(output) = future.as_mut().poll(context) {
                return Poll::Ready(Some(output));
            }
            if self.now() >= end {
                return Poll::Ready(None);
            }
            self.soonest.note(end);
            Poll::Pending
        })
        .await
    }

    /// Reads `len` bytes, repeating while the working counter is 0. The answer's working counter may still be 0.
    ///
    /// # Errors
    /// `Pool`, `NotMoved`, `TooLong`.
    pub async fn read(&self, target: Target, register: u16, len: usize) -> Result<Answer, DatagramError> {
        self.repeat(self.attempts, Request { target, register, payload: Payload::Read(len) }).await
    }

    /// Writes `data`, repeating while the working counter is 0. The answer's working counter may still be 0.
    ///
    /// # Errors
    /// `Pool`, `NotMoved`, `TooLong`.
    pub async fn write(&self, target: Target, register: u16, data: &[u8]) -> Result<Answer, DatagramError> {
        self.repeat(self.attempts, Request { target, register, payload: Payload::Write(data) }).await
    }

    /// Sends one read and doesn't repeat it.
    ///
    /// # Errors
    /// `Pool`, `NotMoved`, `TooLong`.
    pub async fn read_once(&self, target: Target, register: u16, len: usize) -> Result<Answer, DatagramError> {
        self.repeat(1, Request { target, register, payload: Payload::Read(len) }).await
    }

    /// Sends one write and doesn't repeat it.
    ///
    /// # Errors
    /// `Pool`, `NotMoved`, `TooLong`.
    pub async fn write_once(&self, target: Target, register: u16, data: &[u8]) -> Result<Answer, DatagramError> {
        self.repeat(1, Request { target, register, payload: Payload::Write(data) }).await
    }

    /// Reads `len` bytes of one SubDevice.
    ///
    /// # Errors
    /// As [`Datagrams::read`]; `NoAnswer` and `WorkingCounter` when not exactly one answered.
    pub async fn read_one(&self, target: Target, register: u16, len: usize) -> Result<Vec<u8>, DatagramError> {
        let request = Request { target, register, payload: Payload::Read(len) };
        self.exactly_one(self.attempts, request).await.map(|answer| answer.data)
    }

    /// Writes to one SubDevice.
    ///
    /// # Errors
    /// As [`Datagrams::write`]; `NoAnswer` and `WorkingCounter` when not exactly one took it.
    pub async fn write_one(&self, target: Target, register: u16, data: &[u8]) -> Result<(), DatagramError> {
        self.exactly_one(self.attempts, Request { target, register, payload: Payload::Write(data) }).await.map(drop)
    }

    /// Reads `N` bytes of one SubDevice.
    ///
    /// # Errors
    /// As [`Datagrams::read_one`].
    pub async fn read_array<const N: usize>(&self, target: Target, register: u16) -> Result<[u8; N], DatagramError> {
        let data = self.read_one(target, register, N).await?;
        data.first_chunk().copied().ok_or(DatagramError::TooLong { len: N })
    }

    /// Reads `N` bytes of one SubDevice and doesn't repeat it.
    ///
    /// # Errors
    /// As [`Datagrams::read_one`].
    pub async fn read_array_once<const N: usize>(
        &self,
        target: Target,
        register: u16,
    ) -> Result<[u8; N], DatagramError> {
        let answer = self.exactly_one(1, Request { target, register, payload: Payload::Read(N) }).await?;
        answer.data.first_chunk().copied().ok_or(DatagramError::TooLong { len: N })
    }

    /// Reads a byte of one SubDevice.
    ///
    /// # Errors
    /// As [`Datagrams::read_one`].
    pub async fn read_u8(&self, target: Target, register: u16) -> Result<u8, DatagramError> {
        self.read_array(target, register).await.map(|[byte]| byte)
    }

    /// Reads a 16-bit register of one SubDevice.
    ///
    /// # Errors
    /// As [`Datagrams::read_one`].
    pub async fn read_u16(&self, target: Target, register: u16) -> Result<u16, DatagramError> {
        self.read_array(target, register).await.map(u16::from_le_bytes)
    }

    /// Reads a 32-bit register of one SubDevice.
    ///
    /// # Errors
    /// As [`Datagrams::read_one`].
    pub async fn read_u32(&self, target: Target, register: u16) -> Result<u32, DatagramError> {
        self.read_array(target, register).await.map(u32::from_le_bytes)
    }

    /// Writes a 16-bit register of one SubDevice.
    ///
    /// # Errors
    /// As [`Datagrams::write_one`].
    pub async fn write_u16(&self, target: Target, register: u16, value: u16) -> Result<(), DatagramError> {
        self.write_one(target, register, &value.to_le_bytes()).await
    }

    /// Logical read and write. Not repeated.
    ///
    /// # Errors
    /// `Pool`, `NotMoved`, `TooLong`.
    pub async fn lrw(&self, logical: u32, data: &[u8]) -> Result<Answer, DatagramError> {
        self.repeat(1, Request { target: Target::Broadcast, register: 0, payload: Payload::Logical(logical, data) })
            .await
    }

    async fn exactly_one(&self, attempts: u8, request: Request<'_>) -> Result<Answer, DatagramError> {
        let answer = self.repeat(attempts, request).await?;
        let (command, target, register) = (request.command(), request.target, request.register);
        match answer.working_counter {
            1 => Ok(answer),
            0 => Err(DatagramError::NoAnswer { command, target, register, len: request.len(), attempts }),
            got => Err(DatagramError::WorkingCounter { command, target, register, expected: 1, got }),
        }
    }

    /// The working counter of a broadcast read, once two answers in a row have the same and the last of so many SubDevices
    /// answers at its position, and the data of the second; 0 where nobody answers. For whom the number itself is what they
    /// ask for: there is nothing else to hold it against. Where answers go on contradicting each other, the positions are tried.
    ///
    /// # Errors
    /// As [`Datagrams::read`].
    pub async fn census(&self, register: u16, len: usize) -> Result<Answer, DatagramError> {
        let mut before = None;
        for _ in 0..self.attempts {
            let answer = self.read(Target::Broadcast, register, len).await?;
            if answer.working_counter == 0 {
                return Ok(answer);
            }
            let said_twice = before == Some(answer.working_counter);
            if said_twice && self.is_anybody_at(answer.working_counter.saturating_sub(1)).await? {
                self.most.set(answer.working_counter);
                return Ok(answer);
            }
            if before.replace(answer.working_counter).is_some() {
                self.count(|counters| counters.impossible += 1);
            }
        }
        let count = self.count_positions().await?;
        self.most.set(count);
        Ok(Answer { working_counter: count, ..self.read(Target::Broadcast, register, len).await? })
    }

    /// Whether anybody answers at a position.
    async fn is_anybody_at(&self, position: u16) -> Result<bool, DatagramError> {
        Ok(self.read(Target::Position(position), register::TYPE, 1).await?.working_counter > 0)
    }

    /// How many SubDevices there are, by the last position at which one answers.
    async fn count_positions(&self) -> Result<u16, DatagramError> {
        // Below `there` all answer, at `beyond` nobody does.
        let (mut there, mut beyond) = (0, 1u16);
        while self.is_anybody_at(beyond - 1).await? {
            there = beyond;
            if beyond == u16::MAX {
                return Ok(beyond);
            }
            beyond = beyond.saturating_mul(2);
        }
        while there + 1 < beyond {
            let middle = there + (beyond - there) / 2;
            if self.is_anybody_at(middle - 1).await? { there = middle } else { beyond = middle }
        }
        Ok(there)
    }

    async fn repeat(&self, attempts: u8, request: Request<'_>) -> Result<Answer, DatagramError> {
        let (mut attempt, mut doubted) = (1, None);
        loop {
            let mut answer = self.once(request).await?;
            match request.judge(&answer, self.most.get()) {
                Verdict::Possible => return Ok(answer),
                Verdict::Crowded if doubted == Some(answer.working_counter) => return Ok(answer),
                Verdict::Lost => {}
                verdict @ (Verdict::Crowded | Verdict::Damaged) => {
                    self.count(|counters| counters.impossible += 1);
                    doubted = (verdict == Verdict::Crowded).then_some(answer.working_counter);
                    answer.working_counter = 0;
                }
            }
            if attempt >= attempts {
                self.count(|counters| counters.unanswered += 1);
                return Ok(answer);
            }
            attempt += 1;
            self.count(|counters| counters.repeated += 1);
        }
    }

    async fn once(&self, request: Request<'_>) -> Result<Answer, DatagramError> {
        let len = request.len();
        if len > MAX_DATA {
            return Err(DatagramError::TooLong { len });
        }
        let _waiting = (!self.unhurried.get()).then(|| Waiting::new(&self.waiting));
        let start = self.now();
        let end = start.saturating_add(PATIENCE);
        match self.by(end, self.sent(request)).await {
            Some(done) => done,
            None => {
                let (command, target, register) = (request.command(), request.target, request.register);
                let waited = self.now().saturating_sub(start);
                Err(DatagramError::NotMoved { command, target, register, waited })
            }
        }
    }

    /// Sends a datagram as soon as the pool has a free frame, and waits for its answer.
    async fn sent(&self, request: Request<'_>) -> Result<Answer, DatagramError> {
        loop {
            self.abandoned.poll();
            let Some(pass) = self.window.enter() else {
                self.wait_for_pool().await;
                continue;
            };
            let sending = request.sending(Rc::clone(&self.main_device), pass);
            match Flight::new(sending, &self.abandoned).await {
                Ok(answer) => {
                    self.count(|counters| counters.sent += 1);
                    return Ok(answer);
                }
                Err(PoolError::Pdu(PduError::SwapState)) => self.wait_for_pool().await,
                Err(reason) => {
                    let (command, target, register) = (request.command(), request.target, request.register);
                    return Err(DatagramError::Pool { command, target, register, reason });
                }
            }
        }
    }

    async fn wait_for_pool(&self) {
        self.count(|counters| counters.pool_full += 1);
        // Nobody is woken for it.
        self.soonest.note(self.now());
        idle_once().await;
    }

    fn count(&self, change: impl FnOnce(&mut DatagramCounters)) {
        let mut counters = self.counters.get();
        change(&mut counters);
        self.counters.set(counters);
    }
}

/// What an answer is worth.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Possible,
    /// As it was sent: nobody took part, or the frame was lost.
    Lost,
    /// More SubDevices at one address than one. A damaged answer, or true: then the next one says the same.
    Crowded,
    /// Of another length, a write that comes back with other data, or more SubDevices than there are.
    Damaged,
}

#[derive(Clone, Copy)]
enum Payload<'a> {
    Read(usize),
    Write(&'a [u8]),
    Logical(u32, &'a [u8]),
}

#[derive(Clone, Copy)]
struct Request<'a> {
    target: Target,
    register: u16,
    payload: Payload<'a>,
}

impl Request<'_> {
    /// `most` SubDevices are there.
    fn judge(&self, answer: &Answer, most: u16) -> Verdict {
        let written_otherwise = matches!(self.payload, Payload::Write(data) if data != answer.data);
        let one = !matches!(self.payload, Payload::Logical(..)) && self.target != Target::Broadcast;
        match answer.working_counter {
            _ if answer.data.len() != self.len() || written_otherwise => Verdict::Damaged,
            0 => Verdict::Lost,
            2.. if one && answer.working_counter <= most => Verdict::Crowded,
            2.. if one => Verdict::Damaged,
            _ => Verdict::Possible,
        }
    }

    fn len(&self) -> usize {
        match self.payload {
            Payload::Read(len) => len,
            Payload::Write(data) | Payload::Logical(_, data) => data.len(),
        }
    }

    fn command(&self) -> &'static str {
        match (self.payload, self.target) {
            (Payload::Read(_), Target::Broadcast) => "BRD",
            (Payload::Read(_), Target::Position(_)) => "APRD",
            (Payload::Read(_), Target::Station(_)) => "FPRD",
            (Payload::Write(_), Target::Broadcast) => "BWR",
            (Payload::Write(_), Target::Position(_)) => "APWR",
            (Payload::Write(_), Target::Station(_)) => "FPWR",
            (Payload::Logical(..), _) => "LRW",
        }
    }

    /// The datagram as a future of its own, which may outlive the request. It holds its number until its frame is back.
    fn sending(&self, main_device: Rc<MainDevice<'static>>, pass: Pass) -> Sending {
        let (target, register) = (self.target, self.register);
        let len = u16::try_from(self.len()).map_err(|_| PoolError::IntegerTypeConversion);
        let payload = match self.payload {
            Payload::Read(_) => Owned::Read,
            Payload::Write(data) => Owned::Write(data.to_vec()),
            Payload::Logical(logical, data) => Owned::Logical(logical, data.to_vec()),
        };
        Box::pin(async move {
            let answer = send(&main_device, target, register, len?, payload).await;
            if let Err(PoolError::Pdu(PduError::SwapState)) = answer {
                pass.unused();
            }
            answer
        })
    }
}

enum Owned {
    Read,
    Write(Vec<u8>),
    Logical(u32, Vec<u8>),
}

async fn send(
    main_device: &MainDevice<'static>,
    target: Target,
    register: u16,
    len: u16,
    payload: Owned,
) -> Result<Answer, PoolError> {
    let received = match payload {
        Owned::Read => {
            let read = match target {
                Target::Broadcast => Command::brd(register),
                Target::Position(position) => Command::aprd(position, register),
                Target::Station(station) => Command::fprd(station, register),
            };
            read.ignore_wkc().receive_slice(main_device, len).await?
        }
        Owned::Write(data) => {
            let write = match target {
                Target::Broadcast => Command::bwr(register),
                Target::Position(position) => Command::apwr(position, register),
                Target::Station(station) => Command::fpwr(station, register),
            };
            write.ignore_wkc().send_receive_slice(main_device, data.as_slice()).await?
        }
        Owned::Logical(logical, data) => {
            Command::lrw(logical).ignore_wkc().send_receive_slice(main_device, data.as_slice()).await?
        }
    };
    // `received` points into a slot that is free already: copy before anything can take it.
    let data = received.to_vec();
    let working_counter = match received.wkc(0) {
        Ok(_) => 0,
        Err(PoolError::WorkingCounter { received, .. }) => received,
        Err(other) => return Err(other),
    };
    Ok(Answer { data, working_counter })
}
