//! A network's life in which something happens at any moment of bring-up or shutdown: the program stands still, or the end is
//! asked for. Under virtual time, so that each moment can be hit.
#![allow(clippy::unwrap_used, reason = "a test fails there")]

use std::cell::RefCell;
use std::time::Duration;
use zerocat::{Ending, LifeError, Observer};
use zerocat_bus::block_on;
use zerocat_sim::{Segment, SegmentConfig};
use zerocat_testkit::virtual_network::{self, Drive, Ends};
use zerocat_wire::AlState;

const PERIOD: Duration = Duration::from_millis(1);
/// Longer than the patience with a datagram, and than any watchdog.
const STANDSTILL: Duration = Duration::from_millis(2500);
/// Moments that are tried.
const MOMENTS: usize = 60;

/// What happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum What {
    Nothing,
    Standstill,
    Stop,
}

/// Lives a life to OP and back in which something happens before one of its turns. Gives the number of turns, and whether it
/// came to OP. At its end all are in INIT.
fn live(what: What, when: usize) -> (usize, bool) {
    let segment = Segment::new(&SegmentConfig::mixed(9)).unwrap();
    let (mut drive, ends) = Drive::new(segment, PERIOD, |link| link);
    let Ends { controls, counters, datagrams, .. } = ends;
    let (rig, observer, tasks) = (virtual_network::rig(PERIOD), Observer::default(), RefCell::default());
    let mut machine = virtual_network::machine(&rig, &datagrams, controls, counters, &observer);
    let (stop, at_once) = (machine.stop.clone(), machine.stop.clone());
    let mut turns = 0;
    let life = machine.live(
        |planned| {
            let (ports, far_ends) = virtual_network::tasks(&planned.plan);
            *tasks.borrow_mut() = Some(far_ends);
            Ok(ports)
        },
        |_| stop.ask(),
    );
    let life = block_on(life, || {
        match what {
            What::Standstill if turns == when => drive.stand_still(STANDSTILL),
            What::Stop if turns == when => at_once.ask(),
            _ => {}
        }
        turns += 1;
        drive.turn();
    });
    let came_to_op = match life {
        Ok(life) => {
            assert_eq!((life.ending, life.failed.len()), (Ending::Stopped, 0), "{what:?} {when}: {:?}", life.failed);
            true
        }
        Err(LifeError::Stopped) => false,
        Err(error) => panic!("{what:?} before turn {when}: {error:?}"),
    };
    let snapshot = drive.engine().link().segment().snapshot();
    let all_in_init = snapshot.subdevices.iter().all(|one| one.state == AlState::Init && !one.error);
    assert!(all_in_init, "{what:?} before turn {when}: {snapshot:#?}");
    (turns, came_to_op)
}

/// Moments of a life in which nothing happens.
fn moments() -> impl Iterator<Item = usize> {
    let (turns, came_to_op) = live(What::Nothing, 0);
    assert!(came_to_op && turns > MOMENTS, "{turns}");
    (0..turns).step_by(turns.div_ceil(MOMENTS))
}

#[test]
fn a_program_that_stands_still_at_any_moment_of_bring_up_or_shutdown_gets_there_all_the_same() {
    moments().for_each(|when| assert!(live(What::Standstill, when).1, "{when}"));
}

#[test]
fn a_bring_up_that_is_ended_at_any_moment_leaves_all_in_init_without_an_error() {
    assert!(moments().filter(|when| !live(What::Stop, *when).1).count() > MOMENTS / 2);
}
