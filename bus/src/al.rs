//! AL state requests (ETG.1000.6, 5.3 and 6.4.1; ETG.1020, 4).
//!
//! Guarantees: a state is only reported as reached when the SubDevice itself showed it without an error; every error
//! that was acknowledged is in the report or in the error. Not guaranteed: that a SubDevice which refused is still in
//! the state it came from.

use std::time::Duration;

use zerocat_wire::al::{AlControl, AlState, AlStatus, AlStatusCode};
use zerocat_wire::register;

use crate::datagrams::{Datagrams, Target};
use crate::error::{AlError, DatagramError, Label};

/// How long and how patiently a state is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AlPolicy {
    /// Time until the state must be shown, all repetitions included.
    pub deadline: Duration,
    /// Errors that are acknowledged, the request being repeated after each. 0: the first error is final.
    pub acknowledgements: u32,
    /// Pause between two looks at the status.
    pub poll: Duration,
    /// Pause before a request is repeated after an acknowledgement.
    pub back_off: Duration,
}

impl AlPolicy {
    /// For a request that may find one error left over from before. Deadlines are the defaults of ETG.1020, table 30:
    /// 3 s to PRE-OP, 10 s to SAFE-OP and OP, 5 s downward (to INIT).
    #[must_use]
    pub const fn to(state: AlState) -> Self {
        let seconds = match state {
            AlState::PreOp | AlState::Boot => 3,
            AlState::SafeOp | AlState::Op => 10,
            AlState::Init => 5,
        };
        Self {
            deadline: Duration::from_secs(seconds),
            // On the way to INIT whatever is shown from before is of no more interest.
            acknowledgements: if matches!(state, AlState::Init) { 5 } else { 1 },
            poll: Duration::from_micros(500),
            back_off: Duration::from_millis(1),
        }
    }

    /// For the way to OP while process data flows. Some SubDevices latch an error (0x001B, sync manager watchdog)
    /// again until they have seen valid outputs for a while, and must be acknowledged as often.
    #[must_use]
    pub const fn patient() -> Self {
        Self {
            deadline: Duration::from_secs(10),
            acknowledgements: 50,
            poll: Duration::from_millis(1),
            back_off: Duration::from_millis(100),
        }
    }
}

/// A state that was reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlReached {
    /// Who.
    pub who: Label,
    /// The state.
    pub state: AlState,
    /// Errors that were acknowledged on the way, in order.
    pub acknowledged: Vec<AlStatusCode>,
    /// How long it took.
    pub took: Duration,
}

/// What a SubDevice shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AlShown {
    /// AL status.
    pub status: AlStatus,
    /// AL status code; 0 where no error is shown.
    pub code: AlStatusCode,
}

impl AlShown {
    /// Status (0x0130), reserved (0x0132) and code (0x0134), which are read as one so that they belong together.
    const fn parse([s0, s1, _, _, c0, c1]: [u8; 6]) -> Self {
        let status = AlStatus(u16::from_le_bytes([s0, s1]));
        let code = if status.error() { AlStatusCode(u16::from_le_bytes([c0, c1])) } else { AlStatusCode::NO_ERROR };
        Self { status, code }
    }

    /// Whether it is in OP without an error.
    #[must_use]
    pub fn in_op(&self) -> bool {
        self.status.state() == Some(AlState::Op) && !self.status.error()
    }
}

/// Reads AL status, and the code where an error is shown.
///
/// # Errors
/// Those of [`Datagrams::read_one`].
pub async fn shown(datagrams: &Datagrams, target: Target) -> Result<AlShown, DatagramError> {
    Ok(AlShown::parse(datagrams.read_array(target, register::AL_STATUS).await?))
}

/// The same with a single datagram, which isn't repeated.
///
/// # Errors
/// Those of [`Datagrams::read_one`].
pub(crate) async fn shown_at_once(datagrams: &Datagrams, target: Target) -> Result<AlShown, DatagramError> {
    Ok(AlShown::parse(datagrams.read_array_once(target, register::AL_STATUS).await?))
}

/// How long SubDevices that were asked together may take before each is looked at by itself. Those that take longer by
/// nature are waited for there.
const TOGETHER: Duration = Duration::from_millis(100);

/// Whether all SubDevices of a bus of `count` show a state without an error, after they were asked for it together. Looks
/// at all in one datagram, whose status is that of all combined bit by bit: it is the state only where all show it.
/// `false` as soon as one shows an error or doesn't answer, or after some time; who it is has to be found out one by one.
pub(crate) async fn all_show(datagrams: &Datagrams, count: usize, state: AlState, poll: Duration) -> bool {
    let end = datagrams.now().saturating_add(TOGETHER);
    loop {
        let Ok(answer) = datagrams.read(Target::Broadcast, register::AL_STATUS, 2).await else { return false };
        let status = answer.data.first_chunk().map_or(AlStatus(0), |bytes| AlStatus(u16::from_le_bytes(*bytes)));
        if usize::from(answer.working_counter) != count || status.error() {
            return false;
        }
        if status.state() == Some(state) {
            return true;
        }
        if datagrams.now() >= end {
            return false;
        }
        datagrams.pause(poll).await;
    }
}

/// Asks all SubDevices of a bus of `count` for a state by broadcast, and returns whether all show it soon after. `state` is
/// not BOOT, which looks like INIT and PRE-OP together.
pub(crate) async fn request_all(datagrams: &Datagrams, count: usize, state: AlState, poll: Duration) -> bool {
    let control = AlControl::request(state).emit();
    let asked = datagrams.write(Target::Broadcast, register::AL_CONTROL, &control).await;
    asked.is_ok_and(|answer| usize::from(answer.working_counter) == count)
        && all_show(datagrams, count, state, poll).await
}

/// Times that all are asked for INIT.
const ASKED_FOR_INIT: u32 = 4;
/// Pause before they are asked again.
const ASK_AGAIN: Duration = Duration::from_millis(5);

/// Asks all SubDevices for INIT by broadcast, with what errors they show acknowledged: for a bus whose SubDevices aren't all
/// known. Returns whether all that answer show INIT without an error then.
///
/// # Errors
/// Those of [`Datagrams::write`].
pub async fn ask_all_for_init(datagrams: &Datagrams, poll: Duration) -> Result<bool, DatagramError> {
    for _ in 0..ASKED_FOR_INIT {
        // An ESC without an application shows what was written last, acknowledge bit included: the plain request follows.
        for acknowledge in [true, false] {
            let control = AlControl { state: AlState::Init, acknowledge }.emit();
            datagrams.write(Target::Broadcast, register::AL_CONTROL, &control).await?;
        }
        let answer = datagrams.read(Target::Broadcast, register::AL_STATUS, 2).await?;
        let count = usize::from(answer.working_counter);
        if count == 0 || all_show(datagrams, count, AlState::Init, poll).await {
            return Ok(count > 0);
        }
        datagrams.pause(ASK_AGAIN).await;
    }
    Ok(false)
}

/// As [`request`], of a SubDevice that was asked for the state already: what it shows is looked at first.
///
/// # Errors
/// As [`request`].
pub(crate) async fn pursue(
    datagrams: &Datagrams,
    target: Target,
    who: &Label,
    state: AlState,
    policy: AlPolicy,
) -> Result<AlReached, AlError> {
    Request::new(datagrams, target, who, state, policy).follow(Asked::Before).await
}

/// Asks one SubDevice for a state and waits until it shows it.
///
/// # Errors
/// `Refused` with the AL status code when it goes on showing an error after the policy's acknowledgements, `Timeout`,
/// and `Datagram`.
pub async fn request(
    datagrams: &Datagrams,
    target: Target,
    who: &Label,
    state: AlState,
    policy: AlPolicy,
) -> Result<AlReached, AlError> {
    let mut request = Request::new(datagrams, target, who, state, policy);
    request.control(AlControl::request(state)).await?;
    request.follow(Asked::Now).await
}

/// When the state was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Asked {
    /// Just now, of this SubDevice.
    Now,
    /// By broadcast; it may have passed this one by.
    Before,
}

struct Request<'a> {
    datagrams: &'a Datagrams,
    target: Target,
    who: &'a Label,
    state: AlState,
    policy: AlPolicy,
    start: Duration,
    acknowledged: Vec<AlStatusCode>,
    echo_tried: bool,
}

impl<'a> Request<'a> {
    fn new(datagrams: &'a Datagrams, target: Target, who: &'a Label, state: AlState, policy: AlPolicy) -> Self {
        let start = datagrams.now();
        Self { datagrams, target, who, state, policy, start, acknowledged: Vec::new(), echo_tried: false }
    }

    async fn follow(&mut self, asked: Asked) -> Result<AlReached, AlError> {
        let mut ask_again = asked == Asked::Before;
        loop {
            let shown = self.look().await?;
            if shown.status.error() {
                // An ESC without an application shows what was written last, acknowledge bit included, and no code:
                // there the plain request that follows is enough.
                let echo = shown.code == AlStatusCode::NO_ERROR && !std::mem::replace(&mut self.echo_tried, true);
                if !echo {
                    self.acknowledge(shown).await?;
                    self.datagrams.pause(self.policy.back_off).await;
                }
                self.control(AlControl::request(self.state)).await?;
            } else if shown.status.state() == Some(self.state) {
                let acknowledged = std::mem::take(&mut self.acknowledged);
                return Ok(AlReached { who: self.who.clone(), state: self.state, acknowledged, took: self.waited() });
            } else if std::mem::take(&mut ask_again) {
                self.control(AlControl::request(self.state)).await?;
            }
            self.check_deadline(shown)?;
            self.datagrams.pause(self.policy.poll).await;
        }
    }

    /// Acknowledges an error in the state that is shown, and waits until it is gone.
    async fn acknowledge(&mut self, refused: AlShown) -> Result<(), AlError> {
        let used = u32::try_from(self.acknowledged.len()).unwrap_or(u32::MAX);
        if used >= self.policy.acknowledgements || self.waited() >= self.policy.deadline {
            return Err(self.refused(refused));
        }
        self.acknowledged.push(refused.code);
        tracing::info!(subdevice = %self.who, asked = %self.state, shown = %refused.status, code = %refused.code,
            "AL error acknowledged");
        let state = refused.status.state().unwrap_or(AlState::Init);
        self.control(AlControl { state, acknowledge: true }).await?;
        loop {
            let shown = self.look().await?;
            if !shown.status.error() {
                return Ok(());
            }
            if self.waited() >= self.policy.deadline {
                return Err(self.refused(shown));
            }
            self.datagrams.pause(self.policy.poll).await;
        }
    }

    fn check_deadline(&self, AlShown { status, .. }: AlShown) -> Result<(), AlError> {
        let waited = self.waited();
        if waited < self.policy.deadline {
            return Ok(());
        }
        let (who, acknowledged) = (self.who.clone(), self.acknowledged.clone());
        Err(AlError::Timeout { who, asked: self.state, shown: status, waited, acknowledged })
    }

    fn refused(&self, AlShown { status, code }: AlShown) -> AlError {
        let (who, acknowledged) = (self.who.clone(), self.acknowledged.clone());
        AlError::Refused { who, asked: self.state, shown: status, code, acknowledged }
    }

    fn waited(&self) -> Duration {
        self.datagrams.now().saturating_sub(self.start)
    }

    /// Writes AL control. A SubDevice that is there and doesn't take it has not read what was written before: without
    /// device emulation the register is a mailbox (ET1100 data sheet, section II, 0x0120).
    async fn control(&self, control: AlControl) -> Result<(), AlError> {
        loop {
            match self.datagrams.write_one(self.target, register::AL_CONTROL, &control.emit()).await {
                Err(source @ DatagramError::NoAnswer { .. }) => {
                    let AlShown { status, .. } = self.look().await?;
                    if !status.error() && status.state() == Some(control.state) {
                        return Ok(());
                    }
                    if self.waited() >= self.policy.deadline {
                        return Err(self.failed(source));
                    }
                    self.datagrams.pause(self.policy.poll).await;
                }
                written => return written.map_err(|source| self.failed(source)),
            }
        }
    }

    async fn look(&self) -> Result<AlShown, AlError> {
        shown(self.datagrams, self.target).await.map_err(|source| self.failed(source))
    }

    fn failed(&self, source: DatagramError) -> AlError {
        AlError::Datagram { who: self.who.clone(), asked: self.state, source }
    }
}
