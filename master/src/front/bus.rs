//! A bus as a program describes and starts it.

use super::asked::{Asked, Wanted, What};
use super::clock::ProgramClock;
use super::entry::{Entry, Identity, SubDeviceRef};
use super::field::Field;
use super::handle::{In, Key, Out};
use super::io::Io;
use super::wait::Waiting;
use crate::events::Observer;
use crate::link::OpenLink;
use crate::machine::StopWish;
use crate::session::{Begin, Session, SessionOptions};
use crate::unstarted::Unstarted;
use std::time::Duration;
use zerocat_config::{CheckedRig, EngineSection, LinkKind, Network, Patience, Rig, Unknown};

/// Cycles per second where nothing is said, in Hz.
const RATE: f64 = 1000.0;

/// A bus that is to be started: in code, or from a rig file that was checked. What the program wants of it is asked for before.
///
/// ```no_run
/// use std::time::Duration;
/// use zerocat::{Bus, Identity};
///
/// let mut bus = Bus::on("eth1").rate_hz(1000.0).silent_after(Duration::from_millis(20));
/// bus.expect("axis", Identity::of(0x0000_0002, 0x1234_5678));
/// let position = bus.input::<i32>("axis", 0x6064);
/// let target = bus.output::<i32>("axis", 0x607a);
/// let (session, mut io) = bus.start()?;
/// while let Ok(cycle) = io.wait(Duration::from_secs(1)) {
///     io.set(target, io.get(position) + 10);
///     io.commit(&cycle)?;
/// }
/// session.stop()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// A rig that wasn't checked can't be started:
///
/// ```no_run
/// let rig = zerocat::CheckedRig::load("rig.json").unwrap();
/// zerocat::Bus::from_rig(rig);
/// ```
///
/// ```compile_fail
/// let rig = zerocat::config::Rig::load("rig.json").unwrap();
/// zerocat::Bus::from_rig(rig);
/// ```
///
/// ```
/// # #[cfg(feature = "testing")] {
/// use std::time::Duration;
/// use zerocat::testing::{Bench, ProfileKind, line};
/// use zerocat::{Entry, Identity, Patience, Waiting};
/// let mut bus = Bench::bus()
///     .rate_hz(500.0)
///     .silent_after(Duration::from_millis(20))
///     .commands_at_most(Duration::from_millis(10))
///     .waiting(Waiting::Nap)
///     .history(100)
///     .wait_for_subdevices(Patience::AtMost(Duration::from_secs(60)))
///     .engine(|engine| engine.watchdog = Duration::from_millis(50));
/// let ready = bus.input::<bool>(0, Entry::at(0x6041, 0).bit(0));
/// let target = bus.output::<i32>(0, 0x607a);
/// let (bench, io) = Bench::start(bus, &line(&[ProfileKind::Servo])).unwrap();
/// assert_eq!(io.period(), Duration::from_millis(2));
/// # let _ = (ready, target, bench, Identity::of(1, 2));
/// # }
/// ```
#[derive(Debug)]
pub struct Bus {
    rig: Rig,
    options: SessionOptions,
    asked: Asked,
    waiting: Waiting,
    cancel: StopWish,
    link: Option<OpenLink>,
}

impl Bus {
    /// The bus at an interface, with 1,000 cycles a second, over AF_XDP, or AF_PACKET where the library is built without the feature
    /// `xdp`. Whoever is there takes part.
    #[must_use]
    pub fn on(interface: impl Into<String>) -> Self {
        let network = Network { unknown: Unknown::Ignore, ..Network::on(interface, RATE) };
        let mut bus = Self::of(Rig::of(network));
        if !cfg!(feature = "xdp") {
            bus.rig.engine.link = LinkKind::Packet;
        }
        bus
    }

    /// The bus of a rig file. Its tasks run beside the program; no output is commanded by both.
    #[must_use]
    pub fn from_rig(rig: CheckedRig) -> Self {
        Self::of(rig.into_rig())
    }

    fn of(rig: Rig) -> Self {
        Self {
            rig,
            options: SessionOptions::default(),
            asked: Asked::new(),
            waiting: Waiting::default(),
            cancel: StopWish::default(),
            link: None,
        }
    }

    /// Cycles per second, in Hz: more than 0, at most 100,000.
    #[must_use]
    pub fn rate_hz(mut self, rate: f64) -> Self {
        self.rig.network.properties.rate = rate;
        self
    }

    /// Settings of the cycle: link, CPU, wait, watchdog, safe outputs, and what else the rig file's `engine` has.
    #[must_use]
    pub fn engine(mut self, change: impl FnOnce(&mut EngineSection)) -> Self {
        change(&mut self.rig.engine);
        self
    }

    /// Waits for SubDevices that don't answer yet, as when the power of a machine comes on part by part: for those of
    /// [`Bus::expect`] or of the rig file, else for anybody.
    #[must_use]
    pub const fn wait_for_subdevices(mut self, patience: Patience) -> Self {
        self.rig.engine.wait_for_subdevices = Some(patience);
        self
    }

    /// Options of the session: what is told to whom, capabilities, a capture.
    #[must_use]
    pub fn options(mut self, options: SessionOptions) -> Self {
        self.options = options;
        self
    }

    /// Over a link that is open already, in place of the interface.
    #[must_use]
    pub fn over(mut self, link: OpenLink) -> Self {
        self.link = Some(link);
        self
    }

    /// How long the program's outputs may stand without a commit, once it has commanded. After that they are safe, until it
    /// commits again. Whoever asks for outputs must say it.
    #[must_use]
    pub const fn silent_after(mut self, silence: Duration) -> Self {
        self.asked.silent_after = Some(silence);
        self
    }

    /// How long ago the cycle may be that a commit was computed from, when it is sent; as long as the silence where
    /// nothing is said.
    #[must_use]
    pub const fn commands_at_most(mut self, age: Duration) -> Self {
        self.asked.at_most = Some(age);
        self
    }

    /// How the program waits for a cycle.
    #[must_use]
    pub const fn waiting(mut self, waiting: Waiting) -> Self {
        self.waiting = waiting;
        self
    }

    /// Keeps so many cycles for [`Io::next_of_history`].
    #[must_use]
    pub const fn history(mut self, cycles: usize) -> Self {
        self.asked.history = cycles;
        self
    }

    /// A wish from any thread that ends the start as well as the session.
    #[must_use]
    pub fn cancelled_by(mut self, cancel: &StopWish) -> Self {
        self.cancel = cancel.clone();
        self
    }

    /// Expects a SubDevice, by a key of the program's choice. It must be there. Whoever else is there takes part, and is told.
    pub fn expect(&mut self, key: impl Into<String>, identity: Identity) -> &mut Self {
        self.rig.slaves.push(identity.slave(key.into()));
        self.rig.network.unknown = Unknown::Tell;
        self
    }

    /// Asks for an input: what a SubDevice sends. That it maps the entry, with the length of the type, is checked at start.
    pub fn input<T: Field>(&mut self, of: impl Into<SubDeviceRef>, entry: impl Into<Entry>) -> In<T> {
        self.ask_input(What::Entry { of: of.into(), entry: entry.into() })
    }

    /// Asks for an output: what a SubDevice is sent.
    pub fn output<T: Field>(&mut self, of: impl Into<SubDeviceRef>, entry: impl Into<Entry>) -> Out<T> {
        self.ask_output(What::Entry { of: of.into(), entry: entry.into() })
    }

    /// Asks for the input that a read channel of the rig file names, enabled or not. Its type is the channel's.
    pub fn input_channel<T: Field>(&mut self, name: impl Into<String>) -> In<T> {
        self.ask_input(What::Channel(name.into()))
    }

    /// Asks for the output that a write channel of the rig file names. One that is enabled is commanded by its task.
    pub fn output_channel<T: Field>(&mut self, name: impl Into<String>) -> Out<T> {
        self.ask_output(What::Channel(name.into()))
    }

    fn ask_input<T: Field>(&mut self, what: What) -> In<T> {
        let slot = self.asked.inputs.len();
        self.asked.inputs.push(Wanted { what, shape: T::SHAPE });
        In::new(Key { bus: self.asked.bus, slot })
    }

    fn ask_output<T: Field>(&mut self, what: What) -> Out<T> {
        let slot = self.asked.outputs.len();
        self.asked.outputs.push(Wanted { what, shape: T::SHAPE });
        Out::new(Key { bus: self.asked.bus, slot })
    }

    /// Brings the bus to OP. The session looks after it; the process data is the [`Io`]'s.
    ///
    /// # Errors
    /// What is wrong with the settings, the interface, the bus, or what the program asked for; and a report of how far it came.
    /// Everything that was begun is undone first.
    pub fn start(self) -> Result<(Session, Io), Unstarted> {
        let Self { rig, options, asked, waiting, cancel, link } = self;
        let begin = Begin { rig, options, asked: Some(asked), stop: cancel.clone() };
        let stop = cancel.clone();
        let (session, ends) = match link {
            None => Session::begin(begin, || stop.asked()),
            Some(link) => Session::begin_on(begin, link, || stop.asked()),
        }?;
        match ends.map(|ends| Io::new(ends, ProgramClock::Real, waiting, cancel)) {
            Some(Ok(io)) => Ok((session, io)),
            Some(Err(error)) => Err(session.unstarted(error)),
            None => Err(session.unstarted(std::io::Error::other("the bus thread gave no process data"))),
        }
    }

    /// Its parts, for a program's own loop.
    pub(crate) fn into_parts(self) -> Parts {
        let Self { rig, options, asked, waiting, cancel, .. } = self;
        Parts { rig, asked, waiting, observer: options.observer, stop: cancel }
    }
}

/// What a bus is in a program's own loop.
pub(crate) struct Parts {
    pub(crate) rig: Rig,
    pub(crate) asked: Asked,
    pub(crate) waiting: Waiting,
    pub(crate) observer: Observer,
    pub(crate) stop: StopWish,
}
