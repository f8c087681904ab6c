//! What flows, shown while it flows: a few lines that are drawn over each other on a terminal, plain lines once a
//! second elsewhere. All of it goes to standard error.

use crate::print::{self, time};
use crate::signals::Signals;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use zerocat::config::Rig;
use zerocat::{Counters, Observer, Phase, Session, SessionEvent};

/// Time between two plain lines.
const PLAIN: Duration = Duration::from_secs(1);
/// An ordinary thread that is this late had no CPU: others share one in far less.
const STARVED: Duration = Duration::from_secs(1);
/// Channels that are shown.
const CHANNELS: usize = 8;

/// The display of one run.
#[derive(Debug)]
pub(crate) struct Live {
    bar: ProgressBar,
    terminal: bool,
    quiet: bool,
    names: BTreeMap<u32, String>,
    shown: Cell<Option<Instant>>,
    /// The phase that was entered last.
    phase: Arc<Mutex<Option<Phase>>>,
    /// The figures that were looked at last.
    figures: RefCell<Option<String>>,
}

impl Live {
    /// A display for a rig.
    pub(crate) fn new(rig: &Rig, quiet: bool) -> Self {
        let terminal = std::io::stderr().is_terminal() && !quiet;
        let target = if terminal { print::live_target() } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(None, target);
        bar.set_style(ProgressStyle::default_spinner());
        let channels = rig.tasks.iter().flat_map(|task| rig.channels_of(task));
        let named = channels.flat_map(|channel| {
            let name = channel.label();
            let state = channel.state_channel.map(|number| (number, format!("{name} (sent)")));
            std::iter::once((channel.channel, name)).chain(state)
        });
        Self {
            bar,
            terminal,
            quiet,
            names: named.collect(),
            shown: Cell::new(None),
            phase: Arc::default(),
            figures: RefCell::default(),
        }
    }

    /// Tells each phase as it is entered. Troubles are logged, which tells them.
    pub(crate) fn observer(&self) -> Observer {
        let (bar, terminal, quiet) = (self.bar.clone(), self.terminal, self.quiet);
        let entered = Arc::clone(&self.phase);
        Observer::new(move |event: &SessionEvent| {
            let SessionEvent::Phase(phase) = *event else { return };
            *entered.lock().unwrap_or_else(PoisonError::into_inner) = Some(phase);
            match (terminal, quiet) {
                (true, _) => bar.set_message(phase.to_string()),
                (false, false) => print::say(phase),
                (false, true) => {}
            }
        })
    }

    /// The phase that was entered last, in words.
    pub(crate) fn reached(&self) -> String {
        let phase = *self.phase.lock().unwrap_or_else(PoisonError::into_inner);
        phase.map_or_else(|| "opening the link".to_owned(), |phase| phase.to_string())
    }

    /// Says a status line, if a signal asked for one, also where all else is quiet.
    pub(crate) fn answer(&self, signals: &Signals) {
        if !signals.status() {
            return;
        }
        let figures = self.figures.borrow().as_ref().map_or_else(String::new, |figures| format!(" | {figures}"));
        let text = format!("status: {}{figures}", self.reached());
        if self.terminal { self.bar.println(text) } else { print::say(text) }
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
        for subdevice in session.subdevices() {
            self.say(&format!("  {:>3}  {}", subdevice.position, subdevice.name));
        }
        if let Some(margin) = session.spin_margin() {
            self.say(&format!("hybrid margin: {margin}"));
        }
        for missing in session.missing() {
            self.say(&format!("unavailable: {missing}"));
        }
    }

    /// Shows the state of things, if it is time to.
    pub(crate) fn show(&self, session: &Session, counters: &Counters) {
        let values = self.values(session);
        let cycle = format!("{}{}", line(counters), out_of_op(session));
        let plain = format!("{cycle} | {}", values.join(", "));
        if self.terminal {
            let values: String = values.iter().map(|value| format!("\n  {value}")).collect();
            self.bar.set_message(format!("{cycle}{values}"));
            self.bar.tick();
        } else if !self.quiet && self.shown.get().is_none_or(|last| last.elapsed() >= PLAIN) {
            self.shown.set(Some(Instant::now()));
            print::say(&plain);
        }
        self.figures.replace(Some(plain));
    }

    /// Says that this thread had no CPU for so long, if it is worth saying.
    pub(crate) fn late(&self, late: Duration) {
        if let Some(sentence) = starved(late) {
            self.say(&sentence);
        }
    }

    /// Takes the lines away.
    pub(crate) fn finish(&self) {
        self.bar.finish_and_clear();
    }

    /// Says something between the figures.
    pub(crate) fn say(&self, text: &str) {
        match (self.terminal, self.quiet) {
            (true, _) => self.bar.println(text),
            (false, false) => print::say(text),
            (false, true) => {}
        }
    }

    fn values(&self, session: &Session) -> Vec<String> {
        let latest = session.latest();
        let named = latest.iter().map(|(channel, value)| match self.names.get(channel) {
            Some(name) => format!("{name} {value}"),
            None => format!("{channel} {value}"),
        });
        named.take(CHANNELS).collect()
    }
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

/// Who is out of OP, by name.
fn out_of_op(session: &Session) -> String {
    let out = session.out_of_op();
    if out.is_empty() {
        return String::new();
    }
    let names: Vec<_> = out.iter().map(|out| out.who.to_string()).collect();
    format!(" | not in OP: {}", names.join(", "))
}

fn line(counters: &Counters) -> String {
    let Counters { cycle, working_counter, expected_working_counter, .. } = *counters;
    let [round_trip, wakeup, send] = [counters.round_trip, counters.wakeup_jitter, counters.send_jitter].map(time);
    let mut text = format!(
        "cycle {cycle} | working counter {working_counter}/{expected_working_counter} | round trip {round_trip} | \
         wake-up {wakeup}, sent {send} after the tick"
    );
    let troubles = [
        (counters.lost_cycles, "lost"),
        (counters.skipped, "skipped"),
        (counters.working_counter_faults, "working counter faults"),
        (counters.overruns, "overruns"),
        (counters.holes, "times thrown off the CPU"),
    ];
    for (count, what) in troubles {
        if count > 0 {
            text.push_str(&format!(" | {count} {what}"));
        }
    }
    text
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
