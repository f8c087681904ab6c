//! zerocat's own bring-up, in a process of its own: `zerocat bench bringup-row`.
//!
//! A line on standard output says how long it took; a line on standard input ends it.

use serde::{Deserialize, Serialize};
use std::io::{BufRead, Write};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;
use zerocat::config::{ConfigError, Rig};
use zerocat::{Observer, Phase, Session, SessionError, SessionEvent, SessionOptions, ThreadPanic};

/// What a row says when all are in OP.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RowLine {
    /// From before the interface was opened until all were in OP, in ms.
    pub ms: f64,
    /// SubDevices that it found.
    pub subdevices: usize,
    /// Where the time went, if it can tell.
    #[serde(default)]
    pub phases: Vec<PhaseTime>,
}

/// How long a phase took.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PhaseTime {
    /// Its name.
    pub phase: String,
    /// Its time, in ms.
    pub ms: f64,
}

/// Why a row failed.
#[derive(Debug, thiserror::Error)]
pub enum RowError {
    /// The rig.
    #[error("the rig")]
    Rig(#[from] ConfigError),
    /// The session.
    #[error(transparent)]
    Session(#[from] SessionError),
    /// A thread of the session.
    #[error(transparent)]
    Panic(#[from] ThreadPanic),
    /// Standard input or output.
    #[error("say how long it took")]
    Pipe(#[from] std::io::Error),
}

/// Brings all SubDevices on an interface to OP, at a rate in Hz, says so, waits for a line and shuts down.
///
/// # Errors
/// [`RowError`].
pub fn run(interface: &str, rate: f64) -> Result<(), RowError> {
    let rig = rig(interface, rate)?.check().map_err(std::io::Error::other)?;
    let entered: Arc<Mutex<Vec<(Phase, Instant)>>> = Arc::default();
    let seen = Arc::clone(&entered);
    let observer = Observer::new(move |event| {
        if let SessionEvent::Phase(phase) = event {
            seen.lock().unwrap_or_else(PoisonError::into_inner).push((*phase, Instant::now()));
        }
    });
    let began = Instant::now();
    let options = SessionOptions { observer, ..SessionOptions::default() };
    let session = Session::start(rig, options, || false).map_err(|unstarted| unstarted.error)?;
    let entered = entered.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let line = line(began, &entered, session.subdevices().len());
    writeln!(std::io::stdout(), "{}", serde_json::to_string(&line).map_err(std::io::Error::other)?)?;
    std::io::stdin().lock().read_line(&mut String::new())?;
    session.stop()?;
    Ok(())
}

/// A rig without slaves: whoever is there takes part.
fn rig(interface: &str, rate: f64) -> Result<Rig, ConfigError> {
    let text = r#"{ "network": { "key": "bench", "name": "Bench", "make": "EtherCAT", "model": "Network",
        "unknown": "ignore", "properties": { "interface": "lo", "rate": 1000 } } }"#;
    let mut rig = Rig::from_json(text)?;
    interface.clone_into(&mut rig.network.properties.interface);
    rig.network.properties.rate = rate;
    Ok(rig)
}

fn line(began: Instant, entered: &[(Phase, Instant)], subdevices: usize) -> RowLine {
    let ms = |from: Instant, to: Instant| to.saturating_duration_since(from).as_secs_f64() * 1000.0;
    let first = entered.first().map_or(began, |(_, at)| *at);
    let end = entered.iter().find(|(phase, _)| *phase == Phase::Running).map_or(first, |(_, at)| *at);
    let mut phases = vec![PhaseTime { phase: "open".to_owned(), ms: ms(began, first) }];
    for pair in entered.windows(2) {
        if let [(phase, from), (_, to)] = pair
            && *phase < Phase::Running
        {
            phases.push(PhaseTime { phase: phase.name().to_owned(), ms: ms(*from, *to) });
        }
    }
    RowLine { ms: ms(began, end), subdevices, phases }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn the_phases_add_up_to_the_time_to_op() {
        let began = Instant::now();
        let at = |ms| began + Duration::from_millis(ms);
        let entered = [(Phase::Listen, at(7)), (Phase::Discover, at(8)), (Phase::Op, at(20)), (Phase::Running, at(25))];
        let line = line(began, &entered, 3);
        let named: Vec<_> = line.phases.iter().map(|time| time.phase.as_str()).collect();
        assert_eq!(named, ["open", "listen", "discover", "op"]);
        let sum: f64 = line.phases.iter().map(|time| time.ms).sum();
        assert!((sum - 25.0).abs() < 1e-6 && (line.ms - 25.0).abs() < 1e-6);
    }

    #[test]
    fn a_row_lets_everybody_take_part() {
        let rig = rig("ecm0", 1000.0).unwrap();
        assert!(rig.slaves.is_empty() && rig.problems().is_empty());
        assert_eq!(rig.network.properties.interface, "ecm0");
    }
}
