//! Rates, names and sources of the tasks.

use super::{Found, Unique};
use crate::error::Rule;
use crate::rates::multiple;
use crate::rig::Rig;
use crate::source::Source;
use crate::task::{ReadTask, Task, WriteTask};
use std::time::Duration;

/// Checks every task apart from its channels.
pub(super) fn tasks(rig: &Rig, found: &mut Found) {
    let mut names = Unique::new();
    let mut stdin = Unique::new();
    for (i, task) in rig.tasks.iter().enumerate() {
        let at = format!("tasks[{i}]");
        let path = format!("{at}.name");
        found.demand(Rule::Empty, !task.name().is_empty(), &path, "it is empty", "give the task a name");
        if let Some(first) = names.taken(task.name(), &path) {
            found.add(
                Rule::Duplicate,
                path,
                format!("`{}` is already used in {first}", task.name()),
                "give each task its own name",
            );
        }
        match task {
            Task::Read(read) => {
                read_task(rig, read, &task.level(i), found);
            }
            Task::Write(write) => {
                write_task(rig, write, &at, &task.level(i), &mut stdin, found);
            }
            Task::Scan(_) => {}
        }
    }
}

fn read_task(rig: &Rig, task: &ReadTask, at: &str, found: &mut Found) {
    let config = &task.config;
    network_of(rig, &config.device, at, found);
    read_rates(rig.network.properties.rate, config.sample_rate, config.stream_rate, at, found);
    let path = format!("{at}.channels");
    found.demand(Rule::Empty, !config.channels.is_empty(), &path, "it is empty", "add a channel, or remove the task");
}

/// The three rules of the specification's timing model.
fn read_rates(rate: f64, sample_rate: f64, stream_rate: f64, at: &str, found: &mut Found) {
    let sample = format!("{at}.sample_rate");
    let stream = format!("{at}.stream_rate");
    // A stream rate that the file doesn't give may be the sample rate, and what is wrong with that is told once.
    let follows = stream_rate.to_bits() == sample_rate.to_bits();
    let sound = positive(sample_rate, &sample, found) & (follows || positive(stream_rate, &stream, found));
    if !sound || rate <= 0.0 {
        return;
    }
    if sample_rate > rate {
        let what = format!("{sample_rate} Hz is more than the network's {rate} Hz");
        found.add(Rule::RateNotWhole, &sample, what, "lower it, or raise the network's `rate`");
    } else if multiple(rate, sample_rate).is_none() {
        let what = format!("the network's {rate} Hz is not a whole multiple of {sample_rate} Hz");
        found.add(Rule::RateNotWhole, &sample, what, "use the network's `rate` divided by a whole number");
    }
    if multiple(sample_rate, stream_rate).is_none() {
        let what = format!("the sample_rate of {sample_rate} Hz is not a whole multiple of {stream_rate} Hz");
        found.add(Rule::RateNotWhole, &stream, what, "use the `sample_rate` divided by a whole number");
    }
}

fn write_task(rig: &Rig, task: &WriteTask, at: &str, level: &str, stdin: &mut Unique<()>, found: &mut Found) {
    let config = &task.config;
    network_of(rig, &config.device, level, found);
    let path = format!("{level}.state_rate");
    let rate = rig.network.properties.rate;
    // A state rate that the file doesn't give is made of the network's.
    if rate > 0.0 && positive(config.state_rate, &path, found) && multiple(rate, config.state_rate).is_none() {
        let what = format!("the network's {rate} Hz is not a whole multiple of {} Hz", config.state_rate);
        found.add(Rule::RateNotWhole, path, what, "use the network's `rate` divided by a whole number");
    }
    let path = format!("{level}.channels");
    found.demand(Rule::Empty, !config.channels.is_empty(), &path, "it is empty", "add a channel, or remove the task");
    if config.channels.iter().any(|channel| channel.enabled) {
        source(rig, task, at, stdin, found);
    }
}

/// Checks where the commands of a task come from that commands something.
fn source(rig: &Rig, task: &WriteTask, at: &str, stdin: &mut Unique<()>, found: &mut Found) {
    let mut enabled = task.config.channels.iter().filter(|channel| channel.enabled);
    let waveforms = enabled.any(|channel| channel.waveform.is_some());
    let path = format!("{at}.source");
    match task.source {
        Source::Waveform => {
            let what = "no enabled channel has a `waveform`";
            found.demand(Rule::Conflict, waveforms, &path, what, "give one a waveform, or set the source to \"stdin\"");
        }
        Source::Stdin(stdin_of) => {
            let what = "a channel has a `waveform` that would never play";
            found.demand(
                Rule::Conflict,
                !waveforms,
                &path,
                what,
                "set the source to \"waveform\", or remove the waveform",
            );
            if let Some(timeout) = stdin_of.timeout {
                longer_than_a_cycle(rig, timeout, &format!("{path}.timeout"), found);
            }
            if let Some(first) = stdin.taken((), &path) {
                let what = format!("{first} takes standard input already");
                found.add(Rule::Duplicate, path, what, "leave standard input to one task");
            }
        }
    }
}

/// A source is looked at once in a cycle, and can't be heard more often.
fn longer_than_a_cycle(rig: &Rig, timeout: Duration, path: &str, found: &mut Found) {
    let period = rig.period();
    // Of a rate that is wrong its own problem tells.
    let fits = if period == Duration::MAX { !timeout.is_zero() } else { timeout > period };
    let what = match timeout {
        Duration::ZERO => "it is 0".to_owned(),
        _ => format!("{timeout:?} is not longer than the cycle of {period:?}"),
    };
    found.demand(Rule::OutOfRange, fits, path, what, "give it several cycles, such as \"500ms\"");
}

fn network_of(rig: &Rig, device: &str, at: &str, found: &mut Found) {
    let key = &rig.network.key;
    let what = format!("`{device}` is not the network");
    found.demand(Rule::UnknownReference, device == key, &format!("{at}.device"), what, format!("set it to `{key}`"));
}

fn positive(rate: f64, path: &str, found: &mut Found) -> bool {
    let sound = rate > 0.0 && rate.is_finite();
    found.demand(Rule::OutOfRange, sound, path, format!("{rate} Hz is not more than 0"), "give a rate in Hz");
    sound
}
