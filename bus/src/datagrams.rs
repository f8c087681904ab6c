//! Datagrams as futures, over ethercrab's frame pool, with their true working counters.
//!
//! Guarantees: data is copied out before anything else can take the frame's slot; a datagram with working counter 0
//! (a lost frame, or nobody there) is sent again up to a fixed number of times and counted; a full pool is waited for.
//! Not guaranteed: that a repeated write reaches the SubDevice only once. Registers don't mind; mailboxes do, and use
//! [`Datagrams::write_once`].
//!
//! The pool's own timers and retries are off: whoever moves the frames brings each one back exactly once.

use std::cell::Cell;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use ethercrab::error::{Error as PoolError, PduError};
use ethercrab::{Command, MainDevice, MainDeviceConfig, PduLoop, RetryBehaviour, Timeouts};

use crate::error::DatagramError;
use crate::executor::idle_once;
use crate::window::Window;

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
    /// Repetitions after working counter 0.
    pub repeated: u64,
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
const POOL_PATIENCE: Duration = Duration::from_secs(5);

/// The datagram layer: the frame pool's sending end, a clock, and counters. Belongs to one thread.
pub struct Datagrams {
    main_device: MainDevice<'static>,
    now: Box<dyn Fn() -> Duration + Send>,
    attempts: u8,
    counters: Cell<DatagramCounters>,
    window: Window,
    stop: Arc<AtomicBool>,
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
    /// Takes the pool. `now` is a monotonic clock from any zero; deadlines are measured with it.
    #[must_use]
    pub fn new(pdu_loop: PduLoop<'static>, now: impl Fn() -> Duration + Send + 'static) -> Self {
        // The pool must never time a frame out: its slot would be lost while the frame is out.
        let never = Duration::from_secs(10 * 365 * 24 * 3600);
        let timeouts = Timeouts { pdu: never, ..Timeouts::default() };
        let config = MainDeviceConfig { dc_static_sync_iterations: 0, retry_behaviour: RetryBehaviour::None };
        Self {
            main_device: MainDevice::new(pdu_loop, timeouts, config),
            now: Box::new(now),
            attempts: ATTEMPTS,
            counters: Cell::default(),
            window: Window::default(),
            stop: Arc::default(),
        }
    }

    /// While this flag is set, every datagram is refused with `Stopped` before it is sent, so that a bring-up ends
    /// soon and in order, with no frame left behind. Clear it before shutting down.
    #[must_use]
    pub fn stop_flag(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.stop)
    }

    /// Sets how often a datagram with working counter 0 is sent, 1 or more.
    #[must_use]
    pub fn with_attempts(mut self, attempts: u8) -> Self {
        self.attempts = attempts.max(1);
        self
    }

    /// The clock.
    #[must_use]
    pub fn now(&self) -> Duration {
        (self.now)()
    }

    /// What was counted.
    #[must_use]
    pub fn counters(&self) -> DatagramCounters {
        self.counters.get()
    }

    /// Waits for a time without sending anything.
    pub async fn pause(&self, duration: Duration) {
        let end = self.now().saturating_add(duration);
        while self.now() < end {
            idle_once().await;
        }
    }

    /// Reads `len` bytes, repeating while the working counter is 0. The answer's working counter may still be 0.
    ///
    /// # Errors
    /// `Pool`, `PoolStuck`, `TooLong`.
    pub async fn read(&self, target: Target, register: u16, len: usize) -> Result<Answer, DatagramError> {
        self.repeat(self.attempts, Request { target, register, payload: Payload::Read(len) }).await
    }

    /// Writes `data`, repeating while the working counter is 0. The answer's working counter may still be 0.
    ///
    /// # Errors
    /// `Pool`, `PoolStuck`, `TooLong`.
    pub async fn write(&self, target: Target, register: u16, data: &[u8]) -> Result<Answer, DatagramError> {
        self.repeat(self.attempts, Request { target, register, payload: Payload::Write(data) }).await
    }

    /// Sends one read and doesn't repeat it.
    ///
    /// # Errors
    /// `Pool`, `PoolStuck`, `TooLong`.
    pub async fn read_once(&self, target: Target, register: u16, len: usize) -> Result<Answer, DatagramError> {
        self.repeat(1, Request { target, register, payload: Payload::Read(len) }).await
    }

    /// Sends one write and doesn't repeat it.
    ///
    /// # Errors
    /// `Pool`, `PoolStuck`, `TooLong`.
    pub async fn write_once(&self, target: Target, register: u16, data: &[u8]) -> Result<Answer, DatagramError> {
        self.repeat(1, Request { target, register, payload: Payload::Write(data) }).await
    }

    /// Reads `len` bytes of one SubDevice.
    ///
    /// # Errors
    /// As [`Datagrams::read`]; `NoAnswer` and `WorkingCounter` when not exactly one answered.
    pub async fn read_one(&self, target: Target, register: u16, len: usize) -> Result<Vec<u8>, DatagramError> {
        let request = Request { target, register, payload: Payload::Read(len) };
        self.exactly_one(request).await.map(|answer| answer.data)
    }

    /// Writes to one SubDevice.
    ///
    /// # Errors
    /// As [`Datagrams::write`]; `NoAnswer` and `WorkingCounter` when not exactly one took it.
    pub async fn write_one(&self, target: Target, register: u16, data: &[u8]) -> Result<(), DatagramError> {
        self.exactly_one(Request { target, register, payload: Payload::Write(data) }).await.map(drop)
    }

    /// Reads `N` bytes of one SubDevice.
    ///
    /// # Errors
    /// As [`Datagrams::read_one`].
    pub async fn read_array<const N: usize>(&self, target: Target, register: u16) -> Result<[u8; N], DatagramError> {
        let data = self.read_one(target, register, N).await?;
        data.first_chunk().copied().ok_or(DatagramError::TooLong { len: N })
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
    /// `Pool`, `PoolStuck`, `TooLong`.
    pub async fn lrw(&self, logical: u32, data: &[u8]) -> Result<Answer, DatagramError> {
        self.repeat(1, Request { target: Target::Broadcast, register: 0, payload: Payload::Logical(logical, data) })
            .await
    }

    async fn exactly_one(&self, request: Request<'_>) -> Result<Answer, DatagramError> {
        let answer = self.repeat(self.attempts, request).await?;
        let (command, target, register) = (request.command(), request.target, request.register);
        match answer.working_counter {
            1 => Ok(answer),
            0 => {
                Err(DatagramError::NoAnswer { command, target, register, len: request.len(), attempts: self.attempts })
            }
            got => Err(DatagramError::WorkingCounter { command, target, register, expected: 1, got }),
        }
    }

    async fn repeat(&self, attempts: u8, request: Request<'_>) -> Result<Answer, DatagramError> {
        let mut attempt = 1;
        loop {
            let answer = self.once(request).await?;
            if answer.working_counter != 0 {
                return Ok(answer);
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
        let start = self.now();
        loop {
            // A flag on its own: nothing else is read because of it.
            if self.stop.load(Ordering::Relaxed) {
                return Err(DatagramError::Stopped);
            }
            let Some(pass) = self.window.enter() else {
                self.wait_for_pool(start).await?;
                continue;
            };
            match request.send(&self.main_device).await {
                Ok(answer) => {
                    self.count(|counters| counters.sent += 1);
                    return Ok(answer);
                }
                Err(PoolError::Pdu(PduError::SwapState)) => {
                    pass.unused();
                    self.wait_for_pool(start).await?;
                }
                Err(reason) => {
                    let (command, target, register) = (request.command(), request.target, request.register);
                    return Err(DatagramError::Pool { command, target, register, reason });
                }
            }
        }
    }

    async fn wait_for_pool(&self, start: Duration) -> Result<(), DatagramError> {
        let waited = self.now().saturating_sub(start);
        if waited > POOL_PATIENCE {
            return Err(DatagramError::PoolStuck { waited });
        }
        self.count(|counters| counters.pool_full += 1);
        idle_once().await;
        Ok(())
    }

    fn count(&self, change: impl FnOnce(&mut DatagramCounters)) {
        let mut counters = self.counters.get();
        change(&mut counters);
        self.counters.set(counters);
    }
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

    async fn send(&self, main_device: &MainDevice<'static>) -> Result<Answer, PoolError> {
        let len = u16::try_from(self.len()).map_err(|_| PoolError::IntegerTypeConversion)?;
        let register = self.register;
        let received = match (self.payload, self.target) {
            (Payload::Read(_), target) => {
                let read = match target {
                    Target::Broadcast => Command::brd(register),
                    Target::Position(position) => Command::aprd(position, register),
                    Target::Station(station) => Command::fprd(station, register),
                };
                read.ignore_wkc().receive_slice(main_device, len).await?
            }
            (Payload::Write(data), target) => {
                let write = match target {
                    Target::Broadcast => Command::bwr(register),
                    Target::Position(position) => Command::apwr(position, register),
                    Target::Station(station) => Command::fpwr(station, register),
                };
                write.ignore_wkc().send_receive_slice(main_device, data).await?
            }
            (Payload::Logical(logical, data), _) => {
                Command::lrw(logical).ignore_wkc().send_receive_slice(main_device, data).await?
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
}
