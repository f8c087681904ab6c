//! A network under a virtual clock: a link that knows the time, writes down what is asked of it, answers after a delay
//! and can be flooded; and the loop over it until a tick.

use crate::support::{Memory, plan};
use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;
use std::time::Duration;
use zerocat_engine::{
    AcyclicSettings, Controls, CyclicLane, Engine, Exchange, LaneOptions, Pool, RunOutcome, SamplePort, Settings,
    Timing, Traffic, run,
};
use zerocat_link::{Link, LinkCounters, LinkFault, Slot};
use zerocat_sched::{Clock, Period, Time, VirtualClock, WaitPolicy};
use zerocat_wire::ethernet::MacAddress;

pub(crate) const PERIOD: Duration = Duration::from_millis(1);
/// What one look at the link costs.
const LOOK: Duration = Duration::from_nanos(100);

/// What was asked of the link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Call {
    Write,
    Post,
    Kick,
    Receive,
}

/// The link.
pub(crate) struct Timed {
    memory: Memory,
    clock: Rc<VirtualClock>,
    log: Rc<RefCell<Vec<(Time, Call)>>>,
    /// From a frame's kick to its return.
    delay: Duration,
    /// No cyclic frame comes back.
    deaf: bool,
    out: VecDeque<(Time, Vec<u8>)>,
    /// Frames that arrive before the answers of each cycle.
    flood: Vec<Vec<u8>>,
    lent: Vec<u8>,
    most_out: Rc<RefCell<usize>>,
}

impl Timed {
    fn note(&self, call: Call) {
        self.log.borrow_mut().push((self.clock.now(), call));
    }
}

impl Link for Timed {
    fn slots(&self) -> u16 {
        self.memory.slots()
    }
    fn slot(&self, slot: Slot) -> Result<&[u8], LinkFault> {
        self.memory.slot(slot)
    }
    fn slot_mut(&mut self, slot: Slot) -> Result<&mut [u8], LinkFault> {
        self.note(Call::Write);
        self.memory.slot_mut(slot)
    }
    fn post(&mut self, slot: Slot, len: usize) -> Result<(), LinkFault> {
        self.note(Call::Post);
        self.memory.post(slot, len)
    }
    fn kick(&mut self) -> Result<(), LinkFault> {
        self.note(Call::Kick);
        self.memory.kick()?;
        let at = self.clock.now().after(self.delay);
        self.out.extend(self.flood.iter().map(|frame| (at, frame.clone())));
        while let Some(frame) = self.memory.receive()? {
            let cyclic = frame[6..9] == MacAddress::CYCLIC.returned().0[..3];
            if !(self.deaf && cyclic) {
                self.out.push_back((at, frame.to_vec()));
            }
        }
        let most = &mut *self.most_out.borrow_mut();
        *most = (*most).max(self.out.len());
        Ok(())
    }
    fn receive(&mut self) -> Result<Option<&[u8]>, LinkFault> {
        self.note(Call::Receive);
        self.clock.advance(LOOK);
        match self.out.front() {
            Some((at, _)) if *at <= self.clock.now() => {}
            _ => return Ok(None),
        }
        self.lent = self.out.pop_front().map(|(_, frame)| frame).unwrap_or_default();
        Ok(Some(&self.lent))
    }
    fn counters(&self) -> LinkCounters {
        LinkCounters::default()
    }
}

/// The clock of the loop: at each reading something may happen.
struct Scripted<F> {
    clock: Rc<VirtualClock>,
    script: RefCell<F>,
}

impl<F: FnMut(&VirtualClock)> Clock for Scripted<F> {
    fn now(&self) -> Time {
        (self.script.borrow_mut())(&self.clock);
        self.clock.now()
    }
    fn sleep_until(&self, deadline: Time) {
        self.clock.sleep_until(deadline);
    }
    fn relax(&self) {
        self.clock.relax();
    }
}

/// What the network is like.
pub(crate) struct Scene {
    pub(crate) frames: usize,
    pub(crate) wait: WaitPolicy,
    pub(crate) delay: Duration,
    /// No cyclic frame comes back.
    pub(crate) deaf: bool,
    pub(crate) flood: Vec<Vec<u8>>,
    pub(crate) readers: Vec<SamplePort>,
    /// The SubDevices' watchdog.
    pub(crate) stall_limit: Option<Duration>,
    /// The loop is asked to stop at this time.
    pub(crate) end: Time,
}

impl Scene {
    pub(crate) fn new(wait: WaitPolicy, end: Duration) -> Self {
        Self {
            frames: 2,
            wait,
            delay: Duration::from_micros(5),
            deaf: false,
            flood: Vec::new(),
            readers: Vec::new(),
            stall_limit: None,
            end: Time(0).after(end),
        }
    }
}

/// What became of it.
pub(crate) struct Played {
    pub(crate) outcome: RunOutcome<Timed>,
    pub(crate) log: Vec<(Time, Call)>,
    /// Most frames that were on the wire at once.
    pub(crate) most_out: usize,
}

/// Runs the loop on ticks at whole milliseconds from 1 ms on, with an exchange from the second one on. `script` is
/// called at each reading of the clock.
pub(crate) fn play(scene: Scene, script: impl FnMut(&VirtualClock)) -> Played {
    let (pool, _pdu_loop) = Pool::new();
    play_with(scene, pool, script)
}

/// The same with a frame pool that is the test's.
pub(crate) fn play_with(scene: Scene, pool: Pool, mut script: impl FnMut(&VirtualClock)) -> Played {
    let clock = Rc::new(VirtualClock::default());
    let (log, most_out) = (Rc::default(), Rc::default());
    let link = Timed {
        memory: Memory::new(10),
        clock: Rc::clone(&clock),
        log: Rc::clone(&log),
        delay: scene.delay,
        deaf: scene.deaf,
        out: VecDeque::new(),
        flood: scene.flood,
        lent: Vec::new(),
        most_out: Rc::clone(&most_out),
    };
    let acyclic = AcyclicSettings { first_slot: Slot(8), in_flight: 2, timeout: Duration::from_millis(10) };
    let (engine, mut parts) = Engine::new(link, Timing::for_period(PERIOD), pool, acyclic);
    let options = LaneOptions { first_slot: Slot(0), al_status: Some(1) };
    let lane = CyclicLane::new(&plan(scene.frames), options).unwrap();
    let Scene { readers, stall_limit, .. } = scene;
    parts.controls.install(Exchange { readers, stall_limit, ..Exchange::new(lane) }).unwrap();
    parts.controls.traffic(Traffic::Live).unwrap();
    let mut stopping = Some(parts.controls);
    let script = RefCell::new(|clock: &VirtualClock| {
        script(clock);
        if clock.now() >= scene.end
            && let Some(mut controls) = stopping.take()
        {
            Controls::stop(&mut controls).unwrap();
        }
    });
    let scripted = Scripted { clock, script };
    let period = Period::from_duration(PERIOD).unwrap();
    let outcome = run(engine, &scripted, Settings { period, wait: scene.wait });
    let (log, most_out) = (log.take(), most_out.take());
    Played { outcome, log, most_out }
}
