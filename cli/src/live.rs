//! What flows, shown while it flows: a few lines that stay in their place on a terminal, plain lines once a second
//! elsewhere. All of it goes to standard error.
//!
//! A job in the background of its terminal says what happens, and shows no figures: the terminal is somebody else's then.
//! What is said meanwhile, by the log too, stands above the lines that stay. From the first request to stop on there are
//! none of those, so that a program that is ended at once leaves no half of a screen.

mod view;

use crate::print;
use crate::signals::Signals;
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use view::{NotWell, View};
use zerocat::{ChannelValue, Counters, Kind, Observer, OutOfOp, Phase, Session, SessionEvent};

/// Time between two plain lines.
const PLAIN: Duration = Duration::from_secs(1);
/// An ordinary thread that is this late had no CPU: others share one in far less.
const STARVED: Duration = Duration::from_secs(1);

/// The display of one run.
#[derive(Debug)]
pub(crate) struct Live {
    quiet: bool,
    shown: Cell<Option<Instant>>,
    state: Arc<Mutex<State>>,
    /// Who is out of OP, by position, and since when.
    out: RefCell<BTreeMap<u16, Instant>>,
    /// Since when nobody answers.
    silent: Cell<Option<Instant>>,
    /// The figures that were looked at last.
    figures: RefCell<Option<String>>,
}

/// What the bus thread and the caller's share.
#[derive(Debug)]
struct State {
    /// The phase that was entered last, and when.
    phase: Option<(Phase, Instant)>,
    /// SubDevices that wait for a command, by position.
    waiting: BTreeMap<u16, String>,
    /// Whether phases and figures are lines that are drawn over each other, in the foreground of the terminal.
    drawn: bool,
    /// Whether the terminal is somebody else's now.
    background: bool,
}

impl State {
    /// Notes who waits for a command.
    fn note(&mut self, event: &SessionEvent) {
        match event {
            SessionEvent::CommandsVoid(void) => {
                let name = void.key.as_ref().map_or_else(|| void.who.to_string(), |key| format!("{key}, {}", void.who));
                self.waiting.insert(void.who.position, name);
            }
            SessionEvent::CommandedAgain(again) => {
                self.waiting.remove(&again.who.position);
            }
            SessionEvent::Lost(_) => self.waiting.clear(),
            _ => {}
        }
    }
}

/// How phases and figures are shown now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shown {
    /// As lines that are drawn over each other.
    Drawn,
    /// As a line now and then.
    Lines,
    /// Phases only: the job is in the background.
    Not,
}

impl Live {
    /// A display. `lines_on_stdout` says whether samples go to standard output.
    pub(crate) fn new(quiet: bool, lines_on_stdout: bool) -> Self {
        let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        // Samples that go to the terminal by themselves would be drawn over.
        let mixed = lines_on_stdout && std::io::stdout().is_terminal();
        let drawn = std::io::stderr().is_terminal() && !quiet && !dumb && !mixed;
        Self {
            quiet,
            shown: Cell::new(None),
            state: Arc::new(Mutex::new(State {
                phase: None,
                waiting: BTreeMap::new(),
                drawn,
                background: print::in_background(),
            })),
            out: RefCell::default(),
            silent: Cell::new(None),
            figures: RefCell::default(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Looks where this job is on its terminal, and so how it shows what there is to show.
    fn look(&self) -> (Option<(Phase, Instant)>, Shown) {
        let mut state = self.state();
        state.background = print::in_background();
        let shown = match (state.background, state.drawn) {
            (true, _) => Shown::Not,
            (false, true) => Shown::Drawn,
            (false, false) => Shown::Lines,
        };
        (state.phase, shown)
    }

    /// Tells each phase as it is entered. Troubles are logged, which tells them.
    pub(crate) fn observer(&self) -> Observer {
        let (quiet, state) = (self.quiet, Arc::clone(&self.state));
        Observer::new(move |event: &SessionEvent| {
            let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
            state.note(event);
            let SessionEvent::Phase(phase) = *event else { return };
            state.phase = Some((phase, Instant::now()));
            if (!state.drawn || state.background) && !quiet {
                print::say(phase);
            }
        })
    }

    /// The phase that was entered last, in words.
    pub(crate) fn reached(&self) -> String {
        view::reached(self.state().phase.map(|(phase, _)| phase))
    }

    /// Says a status line, if a signal asked for one, also where all else is quiet.
    pub(crate) fn answer(&self, signals: &Signals) {
        if !signals.status() {
            return;
        }
        let figures = self.figures.borrow().as_ref().map_or_else(String::new, |figures| format!(" | {figures}"));
        print::say(format_args!("status: {}{figures}", self.reached()));
    }

    /// Shows how far bring-up is.
    pub(crate) fn show_phase(&self) {
        let (phase, shown) = self.look();
        if shown == Shown::Drawn {
            print::pin(vec![view::phase(phase.map(|(phase, since)| (phase, since.elapsed())))]);
        }
    }

    /// Says what was reached.
    pub(crate) fn begin(&self, session: &Session) {
        let link = session.link();
        let mode = link.got().map_or_else(String::new, |got| format!(" ({got})"));
        self.say(&format!(
            "{} SubDevices in OP after {} ms over {}{mode} on {}",
            session.subdevices().len(),
            session.time_to_op().as_millis(),
            link.kind,
            link.interface
        ));
        if let Some((got, why)) = link.mode_got.zip(link.mode_why.as_deref()) {
            self.say(&format!("{got} is the best mode that {} gives ({why})", link.interface));
        }
        for subdevice in session.subdevices() {
            self.say(&format!("  {:>3}  {}", subdevice.position, subdevice.name));
        }
        for subdevice in session.left_in_init() {
            print::say(format_args!("left in INIT: {subdevice}"));
        }
        session.ethernet().iter().for_each(|line| self.say(line));
        if let Some(listens) = session.mailbox_gateway() {
            self.say(&format!("mailbox gateway listens at {listens}"));
        }
        if let Some(margin) = session.spin_margin() {
            self.say(&format!("hybrid margin: {margin}"));
        }
        for missing in session.missing() {
            print::say(format_args!("unavailable: {missing}"));
        }
    }

    /// Shows the state of things, if it is time to.
    pub(crate) fn show(&self, session: &Session, counters: &Counters) {
        let (phase, shown) = self.look();
        let out = session.out_of_op();
        let values: Vec<String> = session.latest().iter().map(value).collect();
        let waiting: Vec<String> = self.state().waiting.values().cloned().collect();
        let silent = view::is_silent(counters).then(|| self.silent.get().unwrap_or_else(Instant::now));
        self.silent.set(silent);
        let plain = view::plain(counters, &out, &waiting, &values);
        if shown == Shown::Drawn {
            let not_well = self.since(&out);
            let view = View {
                phase: phase.map(|(phase, since)| (phase, since.elapsed())),
                subdevices: session.subdevices().len(),
                counters,
                silent: silent.map(|since| since.elapsed()),
                not_well: &not_well,
                waiting: &waiting,
                values: &values,
            };
            print::pin(view.lines());
        } else if shown == Shown::Lines && !self.quiet && self.shown.get().is_none_or(|last| last.elapsed() >= PLAIN) {
            self.shown.set(Some(Instant::now()));
            print::say(&plain);
        }
        self.figures.replace(Some(plain));
    }

    /// Who is out of OP, and for how long that has been seen.
    fn since<'a>(&self, out: &'a [OutOfOp]) -> Vec<NotWell<'a>> {
        let mut known = self.out.borrow_mut();
        known.retain(|position, _| out.iter().any(|out| out.who.position == *position));
        let since = |out: &'a OutOfOp| {
            let since = known.entry(out.who.position).or_insert_with(Instant::now);
            NotWell { out, since: since.elapsed() }
        };
        out.iter().map(since).collect()
    }

    /// Says that this thread had no CPU for so long, if it is worth saying.
    pub(crate) fn late(&self, late: Duration) {
        if let Some(sentence) = starved(late) {
            print::say(sentence);
        }
    }

    /// Takes the lines that are drawn over each other away. Phases are plain lines from then on.
    pub(crate) fn close(&self) {
        if std::mem::take(&mut self.state().drawn) {
            print::pin(Vec::new());
        }
    }

    /// Says something between the figures.
    fn say(&self, text: &str) {
        if !self.quiet {
            print::say(text);
        }
    }
}

/// A channel with its value: `axis_position 567 mm`, `valve (sent) true`, `level 3 (stale)`.
fn value(channel: &ChannelValue) -> String {
    let ChannelValue { name, unit, kind, value, stale, .. } = channel;
    let sent = if *kind == Kind::State { " (sent)" } else { "" };
    let unit = unit.as_ref().map_or_else(String::new, |unit| format!(" {unit}"));
    let stale = if *stale { " (stale)" } else { "" };
    format!("{name}{sent} {value}{unit}{stale}")
}

/// What to say of a thread that woke so late. Signals and the end of `--seconds` are as late as that.
fn starved(late: Duration) -> Option<String> {
    (late >= STARVED).then(|| {
        format!(
            "warning: zerocat's ordinary threads had no CPU for {:.1} s; `zerocat doctor` names the realtime threads that hold \
             them",
            late.as_secs_f64()
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_that_got_no_cpu_is_told_and_one_that_waited_its_turn_is_not() {
        assert_eq!(starved(Duration::from_millis(300)), None);
        assert!(starved(Duration::from_millis(14_200)).unwrap().contains("14.2 s"));
    }
}
