//! `zerocat demo`: the demonstration rig against the simulated segment in this process, without a network or root.

use crate::Done;
use crate::exit::Failure;
use crate::print;
use crate::run::{HowLong, run_rig};
use crate::signals::Signals;
use crate::written;
use clap::Args;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{Builder, JoinHandle};
use std::time::Duration;
use zerocat::config::{Rig, Setting, Target, Task, Waveform};
use zerocat::report::LinkReport;
use zerocat::{Fault, OpenLink, SessionError, fault_of_config};
use zerocat_link::pair::{PairEnd, pair};
use zerocat_link::{LinkFault, Sizing};
use zerocat_sim::{Segment, SegmentConfig, Server, nap};

/// The rig of the demonstration.
const RIG: &str = include_str!("../../examples/demo-rig.json");
/// Buffers of the link between the two.
const SIZING: Sizing = Sizing { slots: 64, receive: 256 };

/// Run the demonstration rig against a simulated segment in this process: no network, no privileges.
///
/// It shows the tasks and the bring-up, and says nothing about a network's timing. `scripts/demo.sh` shows the same
/// over AF_XDP.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  zerocat demo --in-process --seconds 5\n  zerocat demo --in-process --move --samples --seconds 5"
)]
pub(crate) struct Demo {
    /// Segment and MainDevice in this process; the only kind of demo that this command runs.
    #[arg(long, required = true)]
    in_process: bool,
    /// Enable the servo and move it. Without it the servo stays where it is, switched off.
    #[arg(long = "move")]
    moves: bool,
    #[command(flatten)]
    how: HowLong,
}

impl Demo {
    pub(crate) fn run(&self, signals: &Signals) -> Done {
        debug_assert!(self.in_process, "required by the parser");
        let mut rig =
            Rig::from_json(RIG).map_err(|error| Failure::of(fault_of_config(&error), zerocat::chain(&error)))?;
        if self.moves {
            set_in_motion(&mut rig);
        }
        written::apart(&self.how, &rig, None)?;
        let (ours, theirs) = pair(SIZING);
        let segment = Simulation::start(theirs)?;
        print::say("in process: no network interface, no AF_XDP, no driver; times are those of two threads");
        let report = LinkReport::new("in_process", "in-process");
        let link = OpenLink::new(Box::new(ours), report);
        let done = run_rig(rig, None, Some(link), &self.how, signals, |_| {});
        segment.stop()?;
        done
    }
}

/// Has the servo of the demonstration enabled, and its target move.
fn set_in_motion(rig: &mut Rig) {
    let writes = rig.tasks.iter_mut().filter_map(|task| if let Task::Write(task) = task { Some(task) } else { None });
    for channel in writes.flat_map(|task| &mut task.config.channels) {
        let Target::Automatic { pdo } = &channel.target else { continue };
        channel.waveform = match pdo.as_str() {
            "control_word" => Some(Waveform::Steps {
                values: [6.0, 7.0, 15.0].map(Setting::Number).to_vec(),
                dwell: Duration::from_millis(100),
            }),
            "target_position" => Some(Waveform::Sine { amplitude: 10_000.0, offset: 0.0, frequency: 0.5 }),
            _ => continue,
        };
    }
}

/// The simulated segment on a thread of its own.
struct Simulation {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Result<(), LinkFault>>,
}

impl Simulation {
    fn start(mut end: PairEnd) -> Result<Self, Failure> {
        let mut segment = Segment::new(&SegmentConfig::demo())
            .map_err(|error| Failure::of(Fault::SegmentFileWrong, zerocat::chain(&error)))?;
        let stop = Arc::new(AtomicBool::new(false));
        let flag = Arc::clone(&stop);
        let serve = move || Server::new().run(&mut end, &mut segment, &flag, nap, |_, _, _| {});
        let thread = Builder::new().name("zc-sim".to_owned()).spawn(serve).map_err(SessionError::Thread)?;
        Ok(Self { stop, thread })
    }

    fn stop(self) -> Done {
        // SYNC: a flag; pairs with the relaxed load in the server's loop.
        self.stop.store(true, Ordering::Relaxed);
        match self.thread.join() {
            // The other end closes first when the run is over.
            Ok(Ok(()) | Err(LinkFault::Down)) => Ok(()),
            Ok(Err(fault)) => Err(Failure::of(Fault::SegmentFailed, format!("simulated segment: {fault}"))),
            Err(_) => Err(Failure::of(Fault::SegmentFailed, "the simulated segment ended by a panic")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_segment_file_of_the_demo_is_the_built_in_segment() {
        let file = include_str!("../../examples/demo-segment.json");
        assert_eq!(SegmentConfig::from_json(file).unwrap(), SegmentConfig::demo());
    }

    #[test]
    fn the_rig_of_the_demo_has_no_problems_and_commands_the_servo_only_when_it_is_told_to() {
        let mut rig = Rig::from_json(RIG).unwrap();
        let commanded = |rig: &Rig| {
            let writes =
                rig.tasks.iter().filter_map(|task| if let Task::Write(task) = task { Some(task) } else { None });
            let channels = writes.flat_map(|task| task.config.channels.clone());
            channels.filter(|channel| channel.device == "axis" && channel.waveform.is_some()).count()
        };
        assert_eq!((rig.problems(), commanded(&rig)), (Vec::new(), 0));
        set_in_motion(&mut rig);
        assert_eq!((rig.problems(), commanded(&rig)), (Vec::new(), 2));
    }
}
