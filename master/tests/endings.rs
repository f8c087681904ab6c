//! Programs that end in every way at drawn moments: the outputs are safe within the stated time, the bus goes to INIT, and no
//! command stands on the wire for longer than was stated. Under virtual time; `ZEROCAT_SEEDS` says how many lives are lived.
#![allow(clippy::unwrap_used, reason = "a test fails there")]

use fastrand::Rng;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::time::Duration;
use zerocat::testing::{Action, Bench, End, ProfileKind, line};
use zerocat::{Cycle, In, Io, Out};

const MS: Duration = Duration::from_millis(1);
/// Cycles without a commit after which outputs are safe, and most cycles from the inputs to the wire.
const SILENCE: u64 = 20;
const AGE: u64 = 5;
/// Cycles of a bench are 1 ms.
const LIVES: u64 = 200;

/// How a program ends.
#[derive(Debug, Clone, Copy)]
enum Ending {
    Drops,
    Panics,
    FallsSilent,
    Stops,
}

struct Program {
    io: Io,
    position: In<i32>,
    target: Out<i32>,
}

impl Program {
    /// The target is the number of the cycle that it was computed from, so that the wire tells its age.
    fn act(&mut self, rng: &mut Rng, kept: &mut Option<Cycle>) {
        if let Ok(cycle) = self.io.wait(Duration::ZERO) {
            let _ = self.io.is_good(self.position);
            // Now and then it is slow, and commits what it computed some cycles ago.
            if kept.is_none() || rng.u8(..) < 200 {
                *kept = Some(cycle);
            }
        }
        let Some(cycle) = kept.filter(|_| rng.u8(..) < 240) else { return };
        self.io.set(self.target, i32::try_from(cycle.number()).unwrap());
        // Refused is as good.
        let _ = self.io.commit(&cycle);
    }
}

/// The number on the wire, if it is not the safe one.
fn commanded(bench: &Bench) -> Option<u64> {
    let outputs = bench.segment().outputs(0).unwrap();
    let target = i32::from_le_bytes(outputs[2..6].try_into().unwrap());
    u64::try_from(target).ok().filter(|number| *number > 0)
}

fn disturb(bench: &mut Bench, rng: &mut Rng, out: &mut bool) {
    match rng.u32(0..400) {
        0 => bench.stand_still(MS * rng.u32(1..200)),
        1 if !*out => {
            bench.act(Action::PullEnd(End::First)).unwrap();
            *out = true;
        }
        2..=20 if *out => {
            bench.act(Action::PlugEnd(End::First)).unwrap();
            *out = false;
        }
        _ => {}
    }
}

fn live(seed: u64) {
    let mut rng = Rng::with_seed(seed);
    let mut bus = Bench::bus().silent_after(MS * 20).commands_at_most(MS * 5);
    let (position, target) = (bus.input(0, 0x6064), bus.output(0, 0x607a));
    let (mut bench, io) = Bench::start(bus, &line(&[ProfileKind::Servo])).unwrap();
    let mut program = Program { io, position, target };
    let (mut kept, mut out) = (None, false);
    for _ in 0..rng.u32(1..400) {
        disturb(&mut bench, &mut rng, &mut out);
        bench.cycle();
        within_its_time(&bench, seed, out);
        program.act(&mut rng, &mut kept);
    }
    let ending = *rng.choice(&[Ending::Drops, Ending::Panics, Ending::FallsSilent, Ending::Stops]).unwrap();
    let bound = end(program, &bench, ending);
    for cycle in 0..50 {
        bench.cycle();
        within_its_time(&bench, seed, out);
        let left = commanded(&bench).filter(|_| cycle > bound && !out);
        assert_eq!(left, None, "seed {seed}: {ending:?}, {cycle} cycles later");
    }
    if out {
        bench.act(Action::PlugEnd(End::First)).unwrap();
    }
    bench.stop().unwrap();
    let states: Vec<String> = bench.segment().snapshot().subdevices.iter().map(|one| one.state.to_string()).collect();
    assert!(out || states == ["INIT"], "seed {seed}: {ending:?} left {states:?}");
    assert_eq!(commanded(&bench).filter(|_| !out), None, "seed {seed}");
}

/// Ends the program. Gives the cycles after which its outputs must be safe.
fn end(program: Program, bench: &Bench, ending: Ending) -> u64 {
    match ending {
        Ending::Drops => drop(program),
        Ending::Panics => {
            let panic = catch_unwind(AssertUnwindSafe(move || {
                let _program = program;
                resume_unwind(Box::new("the program's own trouble"));
            }));
            assert!(panic.is_err());
        }
        // It is not dropped and does nothing any more.
        Ending::FallsSilent => {
            std::mem::forget(program);
            return SILENCE + AGE + 1;
        }
        Ending::Stops => {
            bench.ask_to_stop();
            std::mem::forget(program);
            return 3;
        }
    }
    1
}

/// That what is on the wire was computed no longer ago than a command may stand there.
fn within_its_time(bench: &Bench, seed: u64, out: bool) {
    let Some(number) = commanded(bench).filter(|_| !out) else { return };
    let age = bench.counters().cycle.saturating_sub(number);
    assert!(age <= AGE + SILENCE + 1, "seed {seed}: a command of {age} cycles ago is on the wire");
}

#[test]
fn however_a_program_ends_its_outputs_are_safe_in_time() {
    let lives = std::env::var("ZEROCAT_SEEDS").ok().and_then(|text| text.parse().ok()).unwrap_or(LIVES);
    (0..lives).for_each(live);
}
