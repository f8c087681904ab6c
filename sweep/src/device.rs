//! One device: from its description to OP and back, in one thread under virtual time.

use crate::bound::{Bound, Passed};
use crate::stage::Stage;
use std::cell::{Cell, RefCell};
use std::ops::ControlFlow;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use zerocat::config::Rig;
use zerocat::{
    Depth, DraftFormat, DrivenBus, Machine, Observer, Phase, Scan, ScanOptions, SessionEvent, chain, draft_text,
    scan_by,
};
use zerocat_bus::{Datagrams, try_block_on};
use zerocat_esi::{Device, Pdo};
use zerocat_sim::{Segment, SegmentConfig, SubDeviceConfig};
use zerocat_testkit::virtual_network::{Drive, Ends, Frames, machine, tasks};

/// Time between cycles before a rig file says it.
const PERIOD: Duration = Duration::from_millis(1);
/// Cycles in OP.
const CYCLES: u32 = 20;
/// The interface of the drafted rig.
const INTERFACE: &str = "in-process";

/// Why a device didn't get to OP and back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// Where.
    pub stage: Stage,
    /// Why, in words.
    pub reason: String,
}

impl Failure {
    pub(crate) fn new(stage: Stage, reason: impl ToString) -> Self {
        Self { stage, reason: reason.to_string() }
    }

    fn at(stage: Stage) -> impl Fn(Passed) -> Self {
        move |passed| Self::new(stage, passed)
    }
}

/// Takes a device to OP and back. `stage` is kept up to date, for the case of a panic. `frames` are those of the device
/// before, if there are some, and for the next: a pool's memory is never freed.
///
/// # Errors
/// Where it failed.
pub fn try_device(device: &Device, stage: &Cell<Stage>, frames: &mut Option<Frames>) -> Result<(), Failure> {
    let bound = Bound::begin();
    stage.set(Stage::Simulate);
    let segment = simulated(device)?;
    bound.check().map_err(Failure::at(Stage::Simulate))?;
    let (drive, ends) = Drive::over(frames.take().unwrap_or_default(), segment, PERIOD, |link| link);
    let Ends { controls, counters, events: _events, datagrams } = ends;
    let mut network = Network { drive, bound, stage };
    let heard = Heard::default();
    let tried = network.drafted(device, &datagrams).and_then(|rig| {
        let machine = machine(&rig, &datagrams, controls, counters, &heard.observer);
        network.bring_up(machine, &heard)
    });
    *frames = network.drive.release(datagrams);
    tried
}

fn simulated(device: &Device) -> Result<Segment, Failure> {
    let fail = |reason: String| Failure::new(Stage::Simulate, reason);
    let subdevice = SubDeviceConfig::from_device(device).map_err(|error| fail(chain(&error)))?;
    let config = SegmentConfig::line(vec![subdevice]);
    Segment::new(&config).map_err(|error| fail(chain(&error)))
}

/// The rig file of a scan, as its reader gets it.
fn drafted(scan: &Scan) -> Result<Rig, Failure> {
    let fail = |reason: String| Failure::new(Stage::Draft, reason);
    let text = draft_text(scan, INTERFACE, DraftFormat::Json);
    let rig = Rig::from_json(&text).map_err(|error| fail(chain(&error)))?;
    match rig.problems().first() {
        Some(problem) => Err(fail(problem.to_string())),
        None => Ok(rig),
    }
}

/// The network of one device.
struct Network<'a> {
    drive: Drive,
    bound: Bound,
    stage: &'a Cell<Stage>,
}

impl Network<'_> {
    /// Polls a future to its end, or until a bound is passed.
    fn wait<F: Future>(drive: &mut Drive, bound: &Bound, future: F) -> Result<F::Output, Passed> {
        let passed = Cell::new(None);
        let done = try_block_on(future, || {
            drive.turn();
            match bound.check() {
                Ok(()) => ControlFlow::Continue(()),
                Err(which) => {
                    passed.set(Some(which));
                    ControlFlow::Break(())
                }
            }
        });
        done.ok_or_else(|| passed.take().unwrap_or(Passed::Time))
    }

    /// Scans, and drafts a rig file.
    fn drafted(&mut self, device: &Device, datagrams: &Datagrams) -> Result<Rig, Failure> {
        let scan = self.scan(device, datagrams)?;
        self.stage.set(Stage::Draft);
        drafted(&scan)
    }

    /// Scans, and compares what was found with what the file says.
    fn scan(&mut self, device: &Device, datagrams: &Datagrams) -> Result<Scan, Failure> {
        self.stage.set(Stage::Scan);
        let fail = |reason: String| Failure::new(Stage::Scan, reason);
        let scanning = scan_by(datagrams, ScanOptions::new(Depth::Deep, DrivenBus::Refuse));
        let scan = Self::wait(&mut self.drive, &self.bound, scanning).map_err(Failure::at(Stage::Scan))?;
        let scan = scan.map_err(|error| fail(chain(&error)))?;
        let [found] = scan.subdevices.as_slice() else {
            return Err(fail(format!("{} SubDevices were found", scan.subdevices.len())));
        };
        if let Some(error) = &found.error {
            return Err(fail(error.clone()));
        }
        for (what, bits, pdos) in
            [("inputs", found.input_bits, &device.tx_pdos), ("outputs", found.output_bits, &device.rx_pdos)]
        {
            let said = default_bits(pdos);
            if bits != said {
                return Err(fail(format!(
                    "{bits} bits of {what} are mapped, the default PDOs of the file have {said}"
                )));
            }
        }
        Ok(scan)
    }

    /// Brings the rig up, lets cycles pass, and takes it down.
    fn bring_up(&mut self, mut machine: Machine<'_>, heard: &Heard) -> Result<(), Failure> {
        let reached = || heard.reached();
        let planned = RefCell::new(None);
        let coming_up = async {
            machine.listen().await?;
            let mut plan = machine.plan().await?;
            let (mut ports, tasks) = tasks(&plan.plan);
            machine.operate(&mut plan, &mut ports).await?;
            planned.replace(Some((plan, tasks)));
            Ok::<(), zerocat::StartError>(())
        };
        let up = Self::wait(&mut self.drive, &self.bound, coming_up);
        self.stage.set(reached());
        up.map_err(Failure::at(reached()))?.map_err(|error| Failure::new(reached(), chain(&error)))?;
        let Some((mut plan, _tasks)) = planned.take() else { return Err(Failure::new(reached(), "there is no plan")) };
        self.cycles()?;
        self.stage.set(Stage::ShutDown);
        let down = Self::wait(&mut self.drive, &self.bound, machine.shut_down(&mut plan));
        match down.map_err(Failure::at(Stage::ShutDown))?.first() {
            Some(error) => Err(Failure::new(Stage::ShutDown, chain(error))),
            None => Ok(()),
        }
    }

    /// Cycles in OP, all of them complete.
    fn cycles(&mut self) -> Result<(), Failure> {
        self.stage.set(Stage::Running);
        let before = *self.drive.engine().counters();
        for _ in 0..CYCLES {
            self.drive.exchange();
        }
        let after = *self.drive.engine().counters();
        let faults = after.working_counter_faults - before.working_counter_faults;
        let lost = after.lost_cycles - before.lost_cycles;
        if faults + lost == 0 {
            return Ok(());
        }
        let reason = format!("of {CYCLES} cycles in OP {faults} had a wrong working counter and {lost} were lost");
        Err(Failure::new(Stage::Running, reason))
    }
}

/// How far a bring-up has come.
struct Heard {
    phase: Arc<Mutex<Phase>>,
    observer: Observer,
}

impl Heard {
    fn reached(&self) -> Stage {
        Stage::from(*self.phase.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Default for Heard {
    fn default() -> Self {
        let phase = Arc::new(Mutex::new(Phase::Listen));
        let heard = Arc::clone(&phase);
        let observer = Observer::new(move |event| {
            if let SessionEvent::Phase(now) = event {
                *heard.lock().unwrap_or_else(PoisonError::into_inner) = *now;
            }
        });
        Self { phase, observer }
    }
}

/// Bits of the PDOs that a file assigns by default.
fn default_bits(pdos: &[Pdo]) -> u32 {
    let assigned = pdos.iter().filter(|pdo| pdo.sync_manager.is_some());
    assigned.flat_map(|pdo| &pdo.entries).map(|entry| u32::from(entry.bits)).sum()
}
