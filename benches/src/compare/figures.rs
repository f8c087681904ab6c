//! The figures that have a target, each with what was measured and whether the target was met.

use super::gathered::{Gathered, SHARES, ratio};
use super::report::{BASE, as_f64};
use super::rows::STOCK;
use super::scenario::Scenario;
use crate::segment::SegmentReport;
use serde::Serialize;
use std::fmt;
use zerocat_measure::Spread;

/// A figure.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Figure {
    /// What was measured.
    pub what: String,
    /// The target in words; `null` if there is none.
    pub aim: Option<String>,
    /// The measurement in words; `null` if it wasn't measured.
    pub got: Option<String>,
    /// Whether the target was met; `null` without a target or a measurement, and where that decides nothing.
    pub met: Option<bool>,
    /// Why the measurement decides nothing: too few samples or rounds; `null` if it does, or without a target.
    pub undecided: Option<String>,
}

impl Figure {
    /// One that wasn't measured and has no target.
    const fn new(what: String) -> Self {
        Self { what, aim: None, got: None, met: None, undecided: None }
    }
}

impl fmt::Display for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verdict = match (self.met, &self.got, &self.undecided) {
            (_, None, _) => "not measured",
            (_, _, Some(_)) => "undecided",
            (Some(true), _, _) => "met",
            (Some(false), _, _) => "missed",
            (None, _, _) => "no aim",
        };
        let got = self.got.as_deref().unwrap_or("-");
        let aim = self.aim.as_deref().map_or_else(String::new, |aim| format!(", aim {aim}"));
        let why = self.undecided.as_deref().map_or_else(String::new, |why| format!(" ({why})"));
        write!(f, "{verdict:<12}  {}: {got}{aim}{why}", self.what)
    }
}

/// The rows of a scenario, by name.
pub(super) type Measured<'a> = &'a [(Scenario, Vec<(String, Gathered)>)];

/// Target of a ratio.
#[derive(Debug, Clone, Copy)]
enum Aim {
    AtMost(f64),
    AtLeast(f64),
}

impl Aim {
    fn met(self, value: f64) -> bool {
        match self {
            Self::AtMost(most) => value <= most,
            Self::AtLeast(least) => value >= least,
        }
    }
}

impl fmt::Display for Aim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AtMost(most) => write!(f, "at most {most:.2}"),
            Self::AtLeast(least) => write!(f, "at least {least:.2}"),
        }
    }
}

/// Samples that must lie above a quantile so that it decides anything.
const ABOVE: f64 = 4.0;
/// Rounds, each with processes of its own, so that a comparison decides anything: a process may be faster than the next.
const ROUNDS: usize = 5;

/// How much was measured of something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Amount {
    samples: u64,
    rounds: usize,
}

impl Amount {
    fn of(row: &Gathered, spread: &Spread) -> Self {
        Self { samples: spread.count(), rounds: row.rounds.len() }
    }

    /// Why so much decides nothing about a quantile, if it doesn't.
    fn undecided(self, share: f64) -> Option<String> {
        let few = as_f64(self.samples) * (1.0 - share) < ABOVE * (1.0 - 1e-9);
        let Self { samples, rounds } = self;
        let wanted = (ABOVE / (1.0 - share)).round();
        (few || rounds < ROUNDS)
            .then(|| format!("{samples} samples in {rounds} rounds decide nothing; {wanted} in {ROUNDS} rounds would"))
    }
}

/// A ratio of two rows at a quantile, and how much of the one with less was measured.
#[derive(Debug, Clone, Copy)]
struct Over {
    value: f64,
    amount: Amount,
    share: f64,
}

impl Over {
    fn of(row: &Gathered, base: &Gathered, at: usize) -> Option<Self> {
        let value = ratio(row, base, at)?;
        let amounts = [row, base].map(|row| Amount::of(row, &row.cycle));
        let amount = amounts.into_iter().min_by_key(|amount| amount.samples)?;
        Some(Self { value, amount, share: *SHARES.get(at)? })
    }

    fn figure(self) -> String {
        format!("{:.2}", self.value)
    }
}

/// Share of the period that the wake-up may take at p99.9.
const WAKE_UP_SHARE: f64 = 0.01;

/// Scenarios on a grid in which the engine is held against the bare socket. Between two cycles caches go cold there.
const PACED: [&str; 4] = ["60@1000", "60@1000:spin", "60@4000", "60@4000:spin"];

/// All figures with a target, measured or not.
pub(super) fn figures(measured: Measured<'_>, segment: Option<&SegmentReport>) -> Vec<Figure> {
    let flat = rows(measured, "60@flat");
    let mut figures = Vec::new();
    for (share, at) in [(0, "p50"), (1, "p99.9")] {
        let over = |row: &str, base: &str| Over::of(find(flat?, row)?, find(flat?, base)?, share);
        let figure = |what: &str, aim, value| of_ratio(format!("{what}, 60 bytes flat out, {at}"), aim, value);
        figures.push(figure("zerocat over AF_XDP / bare AF_XDP socket", Aim::AtMost(1.15), over(BASE, "floor-xdp")));
        let packet = over("floor-packet-spin", BASE);
        figures.push(figure("bare AF_PACKET socket spinning / zerocat over AF_XDP", Aim::AtLeast(1.3), packet));
        for row in STOCK {
            let what = format!("{row} / zerocat over AF_XDP");
            figures.push(figure(&what, Aim::AtLeast(3.0), over(row, BASE)));
        }
        figures.push(figure("soem / zerocat over AF_XDP", Aim::AtLeast(2.0), over("soem", BASE)));
    }
    for scenario in PACED {
        figures.extend(paced(measured, scenario));
    }
    figures.push(wake_up(measured));
    figures.extend(of_segment(segment));
    figures
}

/// The engine over the bare socket on a grid: a target at the median, none at the tail. Beside both the bare socket over
/// itself, which tells how much of a ratio this machine makes up.
fn paced(measured: Measured<'_>, scenario: &str) -> [Figure; 4] {
    let over = |row: &str, share| {
        let rows = rows(measured, scenario)?;
        Over::of(find(rows, row)?, find(rows, "floor-xdp")?, share)
    };
    let ours = |at| format!("zerocat over AF_XDP / bare AF_XDP socket, {scenario}, {at}");
    let itself = |at| format!("bare AF_XDP socket once more / bare AF_XDP socket, {scenario}, {at}");
    let without = |what, over: Option<Over>| Figure { got: over.map(Over::figure), ..Figure::new(what) };
    [
        of_ratio(ours("p50"), Aim::AtMost(1.10), over(BASE, 0)),
        without(itself("p50"), over("floor-xdp-again", 0)),
        without(ours("p99.9"), over(BASE, 1)),
        without(itself("p99.9"), over("floor-xdp-again", 1)),
    ]
}

fn rows<'a>(measured: Measured<'a>, scenario: &str) -> Option<&'a [(String, Gathered)]> {
    measured.iter().find(|(name, _)| name.to_string() == scenario).map(|(_, rows)| rows.as_slice())
}

fn find<'a>(rows: &'a [(String, Gathered)], name: &str) -> Option<&'a Gathered> {
    rows.iter().find(|(row, _)| row == name).map(|(_, gathered)| gathered)
}

fn of_ratio(what: String, aim: Aim, over: Option<Over>) -> Figure {
    let undecided = over.and_then(|over| over.amount.undecided(over.share));
    Figure {
        aim: Some(aim.to_string()),
        got: over.map(Over::figure),
        met: over.filter(|_| undecided.is_none()).map(|over| aim.met(over.value)),
        undecided,
        ..Figure::new(what)
    }
}

fn wake_up(measured: Measured<'_>) -> Figure {
    let row = rows(measured, "60@1000:spin").and_then(|rows| find(rows, BASE)).filter(|row| row.wake_up.count() > 0);
    let p999 = row.map(|row| as_f64(row.wake_up.quantile(0.999)));
    let undecided = row.and_then(|row| Amount::of(row, &row.wake_up).undecided(0.999));
    let share = p999.map(|ns| ns / 1e6);
    Figure {
        aim: Some("under 1 % of the period".to_owned()),
        got: p999.zip(share).map(|(ns, share)| format!("{:.2} us, {:.2} %", ns / 1e3, share * 100.0)),
        met: share.filter(|_| undecided.is_none()).map(|share| share < WAKE_UP_SHARE),
        undecided,
        ..Figure::new("wake-up jitter of zerocat at 1 kHz with spin, p99.9".to_owned())
    }
}

fn of_segment(segment: Option<&SegmentReport>) -> Vec<Figure> {
    let figure = |what: &str, got| Figure { got, ..Figure::new(what.to_owned()) };
    let engine = segment.and_then(|segment| segment.engine_ns.as_ref().map(|engine| (segment, engine.p50)));
    let of = segment.map_or_else(
        || "of 100 SubDevices".to_owned(),
        |segment| {
            let (subdevices, bytes, frames) = (segment.subdevices, segment.image_bytes, segment.frames);
            format!("of {subdevices} SubDevices with {bytes} bytes in {frames} frames")
        },
    );
    let cycle = engine.map(|(_, ns)| format!("{:.2} us", as_f64(ns) / 1e3));
    let frame = engine.and_then(|(segment, ns)| ns.checked_div(segment.frames as u64)).map(|ns| format!("{ns} ns"));
    let locked = segment
        .and_then(|segment| segment.locked_kib)
        .map(|kib| format!("{kib} KiB, program and simulated segment included"));
    vec![
        figure(&format!("the engine's own CPU time for a cycle {of}, p50"), cycle),
        figure(&format!("the same for each frame {of}, p50"), frame),
        figure(&format!("locked memory of a process {of}"), locked),
    ]
}

#[cfg(test)]
mod tests {
    use super::super::gathered::testing::gathered;
    use super::*;

    fn measured() -> Vec<(Scenario, Vec<(String, Gathered)>)> {
        let rows = [("engine-xdp", 1_000), ("floor-xdp", 900), ("floor-packet-spin", 1_200), ("soem", 2_500)];
        let rows = rows.map(|(name, cycle)| (name.to_owned(), gathered(&[cycle; 5]))).to_vec();
        vec![("60@flat".parse().unwrap(), rows)]
    }

    #[test]
    fn a_missed_aim_is_said_with_its_number() {
        let all: Vec<_> = figures(&measured(), None).iter().map(Figure::to_string).collect();
        let line = |part: &str| all.iter().find(|line| line.contains(part)).unwrap().clone();
        assert!(line("zerocat over AF_XDP / bare AF_XDP").starts_with("met"), "{all:#?}");
        let packet = line("AF_PACKET socket spinning");
        assert!(packet.starts_with("missed") && packet.contains("1.20, aim at least 1.30"), "{packet}");
        assert!(line("soem").starts_with("met"), "{all:#?}");
    }

    #[test]
    fn on_a_grid_the_bare_socket_is_held_against_itself_too() {
        let rows = [("engine-xdp", 1_150), ("floor-xdp", 1_000), ("floor-xdp-again", 1_030)];
        let rows = rows.map(|(name, cycle)| (name.to_owned(), gathered(&[cycle; 5]))).to_vec();
        let measured = vec![("60@4000:spin".parse().unwrap(), rows)];
        let all: Vec<_> = figures(&measured, None).iter().map(Figure::to_string).collect();
        let line = |part: &str| all.iter().find(|line| line.contains(part)).unwrap().clone();
        let ours = line("zerocat over AF_XDP / bare AF_XDP socket, 60@4000:spin, p50");
        assert!(ours.starts_with("missed") && ours.contains("1.15, aim at most 1.10"), "{ours}");
        assert!(line("once more / bare AF_XDP socket, 60@4000:spin, p50").contains("1.03"));
        assert!(line("once more / bare AF_XDP socket, 60@1000, p50").starts_with("not measured"));
    }

    #[test]
    fn a_quick_look_decides_nothing_and_says_so() {
        let rows = [("engine-xdp", 1_000), ("floor-xdp", 900)];
        let rows = rows.map(|(name, cycle)| (name.to_owned(), gathered(&[cycle; 3]))).to_vec();
        let all = figures(&[("60@flat".parse().unwrap(), rows)], None);
        let decided: Vec<_> = all.iter().filter(|figure| figure.met.is_some()).collect();
        assert!(decided.is_empty(), "{decided:#?}");
        let line = all[0].to_string();
        assert!(line.starts_with("undecided") && line.contains("6000 samples in 3 rounds decide nothing"), "{line}");
    }

    #[test]
    fn a_tail_takes_more_samples_than_a_median() {
        let amount = |samples| Amount { samples, rounds: 9 };
        assert_eq!(amount(8).undecided(0.5), None);
        assert_eq!(amount(4_000).undecided(0.999), None);
        assert!(amount(600).undecided(0.999).unwrap().contains("4000 in 5 rounds would"));
    }

    #[test]
    fn what_was_not_measured_is_neither_met_nor_missed() {
        for figure in figures(&[], None) {
            assert_eq!((figure.got.as_ref(), figure.met), (None, None), "{figure}");
            assert!(figure.to_string().starts_with("not measured"));
        }
    }
}
