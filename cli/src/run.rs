//! `zerocat run`: a rig file, brought to OP and kept there.

use crate::Done;
use crate::check;
use crate::conclusion::Conclusion;
use crate::exit::{ErrorProblem, Failure};
use crate::live::Live;
use crate::print;
use crate::scan::Socket;
use crate::signals::Signals;
use crate::stops::{Stops, Telling, telling};
use crate::written;
use clap::Args;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::{Duration, Instant};
use zerocat::config::{FilePlaces, Format, Patience, Rig, Sink, Task, XdpMode};
use zerocat::report::Report;
use zerocat::{
    ATTEMPT, BRING_UP, Ended, Ending, Fault, OpenLink, OutOfOp, Phase, Privileges, SHUTDOWN, Session, SessionError,
    SessionOptions, StartError, Unstarted, fault_of_config,
};

/// How often the realtime thread is looked after.
const LOOK: Duration = Duration::from_millis(100);

const EXAMPLES: &str = "\
Examples:
  zerocat run rig.json
  zerocat run rig.json --wait=10min
  zerocat run rig.json --mailbox-gateway=192.168.1.10
  zerocat run rig.json --seconds 10 --report report.json --capture run.pcapng";
/// What signals do.
const SIGNALS: &str = "\
Signals: SIGTERM, SIGINT, SIGHUP and SIGQUIT stop in order; a second SIGTERM or SIGINT (0.2 s later or more) ends at once. SIGUSR1 says a \
status line on standard error. Others are ignored, but for those that stop a process or mean that it is broken.\n\n\
In the background of its terminal a run goes on, shows no figures and reads no commands; after `fg` it does both.";

/// What takes how long at most.
fn bounds() -> String {
    let [bring_up, attempt, shutdown] = [BRING_UP, ATTEMPT, SHUTDOWN].map(|bound| bound.as_secs());
    format!(
        "Bounds: bring-up ends within {bring_up} s and the shutdown within {shutdown} s, beside the time of `engine.stop` in \
         the rig file, whatever the bus does. A network that is lost is waited for without a bound; each attempt to bring it \
         to OP again ends within {attempt} s."
    )
}

/// Bring a rig to OP and run its tasks until Ctrl-C.
///
/// Live figures go to standard error, samples where the rig file's sinks say, the summary to standard output (to
/// standard error where a sink is standard output).
#[derive(Debug, Args)]
#[command(after_help = format!("{EXAMPLES}\n\n{}\n\n{SIGNALS}", bounds()))]
pub(crate) struct Run {
    /// Rig file, JSON or YAML.
    rig: PathBuf,
    /// Interface instead of the rig file's.
    #[arg(short, long)]
    interface: Option<String>,
    /// Socket instead of the rig file's.
    #[arg(long, value_enum)]
    link: Option<Socket>,
    /// XDP mode instead of the rig file's.
    #[arg(long, value_enum)]
    mode: Option<Mode>,
    /// CPU of the realtime thread instead of the rig file's.
    #[arg(long)]
    cpu: Option<usize>,
    /// Wait for SubDevices of the rig file that don't answer, so long at most (90s, 10min); without a time until they are all there.
    #[arg(long, value_name = "TIME", num_args = 0..=1, require_equals = true, default_missing_value = "forever")]
    wait: Option<Patience>,
    /// Let vendors' tools reach SubDevices while the bus runs: a mailbox gateway (ETG.8200, UDP and TCP, port 34980) at this address of
    /// the machine, without one at 127.0.0.1. It can't know who asks.
    #[arg(long, value_name = "ADDRESS", num_args = 0..=1, require_equals = true, default_missing_value = "127.0.0.1")]
    mailbox_gateway: Option<IpAddr>,
    #[command(flatten)]
    how: HowLong,
    /// Replace an XDP program that is on the interface.
    #[arg(long)]
    replace_program: bool,
    /// Take a bus that another MainDevice drives.
    #[arg(long)]
    take_bus: bool,
    /// Was split into the two above.
    #[arg(long, hide = true)]
    force: bool,
    /// Fail where anything asked for is unavailable, such as zero-copy, locked memory or SCHED_FIFO.
    #[arg(long)]
    strict: bool,
}

/// What `run` and `demo` share.
#[derive(Debug, Args)]
pub(crate) struct HowLong {
    /// Stop after this many seconds in OP.
    #[arg(long)]
    pub(crate) seconds: Option<f64>,
    /// Write a report of the run (schema: `zerocat schema report`).
    #[arg(long, value_name = "FILE")]
    pub(crate) report: Option<PathBuf>,
    /// Write every frame into a pcapng file, for Wireshark.
    #[arg(long, value_name = "FILE")]
    pub(crate) capture: Option<PathBuf>,
    /// Print the samples of all read tasks as JSON lines, beside what their sinks get.
    #[arg(long)]
    pub(crate) samples: bool,
    /// Print the report as JSON instead of a summary; as one line, the last one, where samples go to standard output.
    #[arg(long)]
    pub(crate) json: bool,
    /// Say only problems: no phases, no figures, no summary.
    #[arg(short, long)]
    pub(crate) quiet: bool,
}

/// XDP modes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Mode {
    /// The best one that the interface gives.
    Auto,
    /// The NIC reads and writes our memory.
    ZeroCopy,
    /// In the driver, with a copy.
    NativeCopy,
    /// In the network stack, with a copy.
    Generic,
}

impl From<Mode> for XdpMode {
    fn from(mode: Mode) -> Self {
        match mode {
            Mode::Auto => Self::Auto,
            Mode::ZeroCopy => Self::ZeroCopy,
            Mode::NativeCopy => Self::NativeCopy,
            Mode::Generic => Self::Generic,
        }
    }
}

impl Run {
    pub(crate) fn run(&self, signals: &Signals) -> Done {
        if self.force {
            return Err(Failure::usage(
                "--force is no longer an option: --replace-program replaces an XDP program that is on the interface, \
                 --take-bus takes a bus that another MainDevice drives",
            ));
        }
        let loaded = check::load_with_places(&self.rig);
        let (mut rig, places) = loaded.map_err(|error| check::refused(&self.rig, &error))?;
        written::apart(&self.how, &rig, Some(&self.rig))?;
        if let Some(interface) = &self.interface {
            rig.network.properties.interface.clone_from(interface);
        }
        if let Some(link) = self.link {
            rig.engine.link = link.into();
        }
        if let Some(mode) = self.mode {
            rig.engine.mode = mode.into();
        }
        rig.engine.cpu = self.cpu.or(rig.engine.cpu);
        rig.engine.wait_for_subdevices = self.wait.or(rig.engine.wait_for_subdevices);
        if let Some(listen) = self.mailbox_gateway {
            rig.engine.mailbox_gateway.get_or_insert_default().listen = listen;
        }
        for warning in rig.warnings() {
            print::say(format_args!("warning: {warning}"));
        }
        run_rig(rig, Some(&places), None, &self.how, signals, |options| {
            options.replace_program = self.replace_program;
            options.take_bus = self.take_bus;
            options.strict = self.strict;
            options.privileges = Privileges::GiveUp;
        })
    }
}

/// Runs a rig, over a link that is open already if one is given, and prints what became of it. `places` are those of its file.
pub(crate) fn run_rig(
    mut rig: Rig,
    places: Option<&FilePlaces>,
    link: Option<OpenLink>,
    how: &HowLong,
    signals: &Signals,
    choose: impl FnOnce(&mut SessionOptions),
) -> Done {
    let seconds = how.seconds.map(Duration::try_from_secs_f64).transpose();
    let seconds = seconds.map_err(|error| Failure::usage(format!("--seconds: {error}")))?;
    if how.samples {
        print_samples(&mut rig)?;
    }
    let rig = rig.check().map_err(|error| Failure::of(fault_of_config(&error), zerocat::chain(&error)))?;
    let limits = rig.limits.clone();
    let mut conclusion = Conclusion::open(how, writes_to_stdout(&rig))?;
    let live = Live::new(how.quiet, writes_to_stdout(&rig));
    let mut options = SessionOptions { capture: how.capture.clone(), observer: live.observer(), ..Default::default() };
    choose(&mut options);
    let asked = || {
        live.answer(signals);
        live.show_phase();
        let stop = signals.stop();
        if stop {
            live.close();
        }
        stop
    };
    let stops = if how.quiet { Telling::Off } else { Telling::On };
    let started = telling(stops, signals, || match link {
        None => Session::start(rig, options, asked),
        Some(link) => Session::start_on(rig, link, options, asked),
    });
    let (report, done) = match started {
        Ok(session) => operate(&session, &live, seconds, stops, signals),
        Err(Unstarted { error, report }) => {
            live.close();
            let done = before_op(placed(error, places), &report, &live, signals);
            (*report, done)
        }
    };
    conclusion.conclude(report, done, &limits, signals)
}

/// Has the read tasks write to standard output that don't do so anyway.
fn print_samples(rig: &mut Rig) -> Done {
    let mut sinks = rig.tasks.iter().flat_map(Task::sinks).filter(|sink| sink.is_stdout());
    if sinks.any(|sink| matches!(sink.format, Format::Csv(_))) {
        return Err(Failure::usage("--samples prints JSON lines, and a sink of the rig file writes a CSV there"));
    }
    for task in &mut rig.tasks {
        if let Task::Read(read) = task
            && !read.sinks.iter().any(Sink::is_stdout)
        {
            read.sinks.push(Sink::jsonl("-"));
        }
    }
    Ok(())
}

/// The same, with the places in the file of keys that only the bus has shown to be wrong.
fn placed(mut error: SessionError, places: Option<&FilePlaces>) -> SessionError {
    if let (SessionError::Start(StartError::Rules(problems)), Some(places)) = (&mut error, places) {
        places.place(problems);
    }
    error
}

/// What a run ends with that did not come to OP.
fn before_op(error: SessionError, report: &Report, live: &Live, signals: &Signals) -> Done {
    if matches!(error, SessionError::Start(_)) {
        // Frames that arrive where nobody hears them, for one, are why a bus seems to be silent.
        report.missing.iter().for_each(|missing| print::say(format_args!("unavailable: {missing}")));
    }
    match (error, signals.stopped_by()) {
        (SessionError::Interrupted, Some(signal)) => {
            print::say(format_args!("stopped by {signal} before OP: {}", live.reached()));
            Ok(())
        }
        (error, _) => Err(error.into()),
    }
}

/// A session in OP, until it is stopped in order.
fn operate(
    session: &Session,
    live: &Live,
    seconds: Option<Duration>,
    stops: Telling,
    signals: &Signals,
) -> (Report, Done) {
    watch(session, live, seconds, Stops::new(stops), signals);
    live.close();
    // All that is known where the realtime thread has nothing left to say.
    let mut known = Report::of_link(session.link().clone(), session.missing().to_vec());
    known.phase = Phase::Running.name();
    match telling(stops, signals, || session.stop()) {
        Ok(ended) => {
            let done = ended_with(&ended);
            (ended.report, done)
        }
        Err(panic) => (known, Err(Failure::of(Fault::ThreadPanicked, panic))),
    }
}

/// What a run ends with that came to OP.
fn ended_with(ended: &Ended) -> Done {
    match &ended.ending {
        Ending::LinkGone(why) => Err(Failure::of(Fault::LinkGone, why)),
        Ending::RealtimeEnded => Err(Failure::of(Fault::RealtimeThreadEnded, "the realtime thread ended by itself")),
        // That a SubDevice which is not there can't be shut down is no news.
        Ending::Stopped if !ended.out_of_op.is_empty() => Err(left_out(ended)),
        Ending::Stopped => ended.failed_as.map_or_else(
            || captured(&ended.report),
            |fault| {
                let problems = ended.failed.iter().map(ErrorProblem::told).collect();
                let message = listed("the shutdown failed", &ended.failed);
                Err(Failure::of(fault, message).with_problems(problems))
            },
        ),
    }
}

/// SubDevices that were not in OP when shutdown began, and what failed in it beside that.
fn left_out(ended: &Ended) -> Failure {
    let out: Vec<_> = ended.out_of_op.iter().map(ToString::to_string).chain(ended.failed.clone()).collect();
    let each = |out: &OutOfOp| ErrorProblem {
        path: out.key.clone(),
        rule: Some(out.fault().name()),
        ..ErrorProblem::told(out.to_string())
    };
    let mut faults = ended.out_of_op.iter().map(OutOfOp::fault);
    let first = faults.next().unwrap_or(Fault::SubdeviceLeftOp);
    let fault = if faults.all(|fault| fault == first) { first } else { Fault::SubdeviceLeftOp };
    let failed = ended.failed.iter().map(ErrorProblem::told);
    let title = match ended.out_of_op.iter().filter(|out| out.has_error_in_op()).count() {
        0 => "not in OP at the end",
        errors if errors == ended.out_of_op.len() => "with an error at the end",
        _ => "not in OP, or with an error, at the end",
    };
    Failure::of(fault, listed(title, &out)).with_problems(ended.out_of_op.iter().map(each).chain(failed).collect())
}

/// A capture that failed while the run went on.
fn captured(report: &Report) -> Done {
    match report.capture.as_ref().and_then(|capture| capture.failed.as_ref()) {
        Some(failed) => Err(Failure::of(Fault::CaptureFailed, failed)),
        None => Ok(()),
    }
}

/// A line, and below it one for each.
fn listed(title: &str, lines: &[String]) -> String {
    format!("{title}\n  {}", lines.join("\n  "))
}

/// Shows what flows until somebody asks to stop, or the session ends by itself.
fn watch(session: &Session, live: &Live, seconds: Option<Duration>, mut stops: Stops, signals: &Signals) {
    live.begin(session);
    let end = seconds.map(|seconds| Instant::now() + seconds);
    while !signals.stop() && end.is_none_or(|end| Instant::now() < end) {
        let left = end.map_or(LOOK, |end| end.saturating_duration_since(Instant::now()).min(LOOK));
        let late = signals.sleep(left);
        let status = session.status();
        stops.tell(&status.counters);
        if signals.continued() {
            stops.note(late);
        } else {
            live.late(late);
        }
        if !status.alive {
            return;
        }
        live.show(session, &status.counters);
        live.answer(signals);
    }
    stops.tell(&session.status().counters);
}

fn writes_to_stdout(rig: &Rig) -> bool {
    rig.tasks.iter().flat_map(Task::sinks).any(Sink::is_stdout)
}
