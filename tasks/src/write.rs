//! The write task: values from its source to a complete set of outputs, and the outputs really sent to its outlet.
//!
//! Guarantees: a set that is handed over is complete; an output that was set holds its last value, one that wasn't is left
//! to what the rig file says of it; a set that found the ring full is handed over later, with what came since. Where
//! commands are taken in turn, the values of each line are a set of their own, and none overtakes another. State feedback is
//! what was on the wire, not an echo of the commands. What the source gives before the outputs go live is handed over when
//! they do.
//!
//! After an outage (a new epoch of its commands) nothing from before is handed over: the outputs are safe until a command
//! comes that was given after it, and those that it doesn't name remain so. Only where the rig file says so does the task go
//! on by itself (`after_outage`). Where only a SubDevice of several was left without frames, the same holds for its channels
//! alone ([`Voids`]). When the source ends, or is silent for longer than it may be, all outputs become safe in
//! the same way.

use crate::batch::{Batch, Kind};
use crate::commands::Command;
use crate::counters::TaskCounters;
use crate::header::Header;
use crate::hearing::{Hearing, Listener, SourceEvent};
use crate::keys::Keys;
use crate::mapping::{Mapping, Placed, Point};
use crate::outlet::{Outlet, queue_of};
use crate::outputs::{Outputs, Rejected};
use crate::ports::{Commands, Samples};
use crate::queue::{Queue, Step};
use crate::source::{Source, SourceItem};
use crate::thread::{StopFlag, TaskThread};
use crate::time::{CycleClock, TrueTime};
use crate::timestamps::Timestamps;
use crate::voids::Voids;
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};
use zerocat_config::{
    AfterOutage, Order as CommandOrder, ResolvedChannel, Rig, Source as SourceConfig, Stdin,
    WriteTask as WriteTaskConfig,
};
use zerocat_engine::{CommandState, Order, WriterSpec};
use zerocat_faults::Fault;
use zerocat_pdi::Direction;

/// Longest sleep between two looks at source and ring.
const LONGEST_NAP: Duration = Duration::from_millis(1);
/// Shortest one.
const SHORTEST_NAP: Duration = Duration::from_micros(200);

/// What a write task is made of, before its rings are there.
#[derive(Debug, Clone)]
pub struct WriteSetup {
    header: Arc<Header>,
    keys: Arc<Keys>,
    mapping: Mapping,
    period: Duration,
    state_every: u64,
    state_rate: f64,
    after_outage: AfterOutage,
    /// Longest silence of the source while it commands.
    timeout: Option<Duration>,
    /// Which of the commands that wait are sent.
    order: Order,
}

impl WriteSetup {
    /// For a task of a rig, and its enabled channels with their places. None where the state rate doesn't divide the
    /// network's, which a rig without problems rules out.
    #[must_use]
    pub fn new(rig: &Rig, task: &WriteTaskConfig, channels: &[Placed]) -> Option<Self> {
        let Stdin { timeout, commands } = match task.source {
            SourceConfig::Stdin(stdin) => stdin,
            SourceConfig::Waveform => Stdin::default(),
        };
        Some(Self {
            header: Arc::new(Header::new(&task.name, Kind::State, task.config.state_rate, channels)),
            keys: Arc::new(Keys::new(channels).with_disabled(disabled(rig, task))),
            mapping: Mapping::new(channels),
            period: rig.period(),
            state_every: rig.every(task.config.state_rate)?,
            state_rate: task.config.state_rate,
            after_outage: task.after_outage,
            timeout,
            order: match commands {
                CommandOrder::Newest => Order::Newest,
                CommandOrder::InTurn => Order::InTurn,
            },
        })
    }

    /// What its batches hold.
    #[must_use]
    pub const fn header(&self) -> &Arc<Header> {
        &self.header
    }

    /// What commands may call its channels.
    #[must_use]
    pub const fn keys(&self) -> &Arc<Keys> {
        &self.keys
    }

    /// Batches that the queue to each of its sinks holds: those of two seconds, as its ring.
    #[must_use]
    pub fn queue(&self) -> usize {
        queue_of(self.state_rate)
    }

    /// The writer to ask the engine for.
    #[must_use]
    pub fn writer(&self) -> WriterSpec {
        WriterSpec { order: self.order, ..self.mapping.writer(self.state_every, self.state_rate) }
    }
}

/// The channels of a task that take no commands.
fn disabled(rig: &Rig, task: &WriteTaskConfig) -> Vec<ResolvedChannel> {
    let channels = task.config.channels.iter().filter(|channel| !channel.enabled);
    channels.filter_map(|channel| rig.channel(&channel.name, Direction::Output)).collect()
}

/// What one step did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct WriteProgress {
    /// State samples taken.
    pub states: usize,
    /// Whether a set of outputs was handed over.
    pub pushed: bool,
}

/// A write task.
#[derive(Debug)]
pub struct WriteTask<C, S, Q> {
    commands: C,
    states: S,
    source: Q,
    setup: WriteSetup,
    outputs: Outputs,
    /// The outputs changed since they were handed over.
    dirty: bool,
    epoch: u64,
    /// The epoch that voided all that was commanded before.
    began: u64,
    voids: Voids,
    /// When the outputs went live in this epoch.
    live_since: Option<Duration>,
    /// They went live in this epoch or an earlier one.
    was_live: bool,
    /// Its outputs are safe since they were live: how many values that waited were dropped since.
    voided: Option<u64>,
    /// The task may command in this epoch.
    acknowledged: bool,
    /// What the source gave at once.
    sourced: Vec<SourceItem>,
    /// Values of the line that is read.
    line: Vec<SourceItem>,
    queue: Queue,
    hearing: Hearing,
    listener: Listener,
    feedback: Feedback,
}

/// Takes the outputs that were really sent to the outlet.
#[derive(Debug)]
struct Feedback {
    points: Vec<Point>,
    record: Vec<u8>,
    stamps: Timestamps,
    batch: Batch,
    outlet: Outlet,
}

impl<C: Commands, S: Samples, Q: Source> WriteTask<C, S, Q> {
    /// A task on its rings, which commands nothing until the source gives values.
    #[must_use]
    pub fn new(setup: WriteSetup, commands: C, states: S, source: Q, time: TrueTime, outlet: Outlet) -> Self {
        let feedback = Feedback {
            record: vec![0; states.record_len()],
            stamps: Timestamps::new(time),
            batch: Batch::new(Arc::clone(&setup.header)),
            points: setup.mapping.points().to_vec(),
            outlet,
        };
        let (outputs, hearing) = (Outputs::new(&setup.mapping, &setup.header), Hearing::new(setup.timeout));
        let voids = Voids::new(setup.mapping.points());
        Self {
            commands,
            states,
            source,
            setup,
            outputs,
            dirty: false,
            epoch: 0,
            began: 0,
            voids,
            live_since: None,
            was_live: false,
            voided: None,
            acknowledged: true,
            sourced: Vec::new(),
            line: Vec::new(),
            queue: Queue::default(),
            hearing,
            listener: Listener::default(),
            feedback,
        }
    }

    /// Who is told what becomes of the source.
    #[must_use]
    pub fn with_listener(self, listener: Listener) -> Self {
        Self { listener, ..self }
    }

    /// Its counters.
    #[must_use]
    pub const fn counters(&self) -> &Arc<TaskCounters> {
        self.feedback.outlet.counters()
    }

    /// Takes what the source has and hands over what changed; then takes the state samples that wait. `now` is the time
    /// since the task's start.
    pub fn step(&mut self, now: Duration) -> WriteProgress {
        let CommandState { epoch, live, .. } = self.commands.state();
        if epoch != self.epoch {
            self.learn(epoch, now);
        }
        if live && self.live_since.is_none() {
            (self.live_since, self.was_live) = (Some(now), true);
            self.tell(Some(SourceEvent::Live));
            if let Some(dropped) = self.voided.take() {
                let task = &*self.setup.header.task;
                let what = void_words(dropped);
                tracing::warn!(
                    task,
                    "outputs are safe after an outage, until a command is given; see `after_outage`{what}"
                );
            }
        }
        self.poll_source(now);
        self.listen(now);
        let pushed = self.hand_over(live);
        self.counters().set_applied(self.commands.applied());
        let states = self.take_states();
        WriteProgress { states, pushed }
    }

    /// Learns what an epoch has made void: all, or what was commanded of single SubDevices.
    fn learn(&mut self, epoch: u64, now: Duration) {
        self.epoch = epoch;
        let began = self.commands.began();
        if began > self.began && began <= epoch {
            self.began = began;
            self.voids.begin(began);
            self.begin_epoch(now);
        }
        let commands = &self.commands;
        if self.voids.learn(epoch, |part| commands.part_began(part)) {
            self.release(now);
        }
    }

    /// What was commanded before of the SubDevices that wait is void from here on, unless the task is to resume.
    fn release(&mut self, now: Duration) {
        if self.setup.after_outage == AfterOutage::Resume {
            self.voids.resume();
            self.dirty = self.outputs.is_commanding();
            return;
        }
        self.take_waiting(now);
        let voids = &self.voids;
        let dropped = self.queue.drop_values_of(|channel| voids.waits(channel));
        self.outputs.release(|channel| voids.waits(channel));
        self.counters().outdate(dropped);
        if dropped > 0 {
            let task = &*self.setup.header.task;
            tracing::warn!(task, "outputs of a SubDevice that was out are safe{}", void_words(dropped));
        }
    }

    /// What was commanded before is void from here on, unless the task is to resume, or the outputs were never live.
    fn begin_epoch(&mut self, now: Duration) {
        self.live_since = None;
        if !self.was_live {
            return;
        }
        if self.setup.after_outage == AfterOutage::Resume {
            self.dirty = self.outputs.is_commanding();
            return;
        }
        let dropped = self.drop_outdated(now);
        self.outputs.make_safe();
        (self.dirty, self.acknowledged) = (false, false);
        // Whether it was an outage, or the end, shows when outputs are live again.
        self.voided = Some(self.voided.unwrap_or(0).saturating_add(dropped));
    }

    /// Drops what the source gave before the task knew of the epoch. Gives the number of values.
    fn drop_outdated(&mut self, now: Duration) -> u64 {
        self.take_waiting(now);
        let dropped = self.queue.drop_values();
        self.counters().outdate(dropped);
        dropped
    }

    /// Takes what the source gave and doesn't generate.
    fn take_waiting(&mut self, now: Duration) {
        self.poll_source_at(None, now);
    }

    fn poll_source(&mut self, now: Duration) {
        let live = self.live_since.filter(|_| self.acknowledged).map(|since| now.saturating_sub(since));
        self.poll_source_at(live, now);
    }

    fn poll_source_at(&mut self, live: Option<Duration>, now: Duration) {
        let mut sourced = std::mem::take(&mut self.sourced);
        self.source.poll(live, &mut sourced);
        for item in sourced.drain(..) {
            self.take(item, now);
        }
        self.sourced = sourced;
        self.end_line();
    }

    /// Takes one item of the source; values wait for the end of their line.
    fn take(&mut self, item: SourceItem, now: Duration) {
        match item {
            SourceItem::Command(_) | SourceItem::Generated { .. } => self.line.push(item),
            SourceItem::Malformed(error) => self.malformed(&error),
            SourceItem::Line => {
                let event = self.hearing.line(now);
                self.tell(event);
                self.end_line();
            }
            SourceItem::Ended => {
                self.end_line();
                self.queue.end();
            }
        }
    }

    fn end_line(&mut self) {
        if self.queue.push(std::mem::take(&mut self.line)) {
            return;
        }
        let count = self.counters().overflow();
        if count.is_power_of_two() {
            let task = &*self.setup.header.task;
            let fault = Fault::CommandOverflowed;
            tracing::warn!(%fault, task, count, "a line of commands was refused: too many wait for their turn");
        }
    }

    /// Makes the outputs safe where the source has been silent for too long. One whose lines wait for their turn isn't.
    fn listen(&mut self, now: Duration) {
        let Some(since) = self.live_since.filter(|_| self.outputs.is_commanding()) else { return };
        let in_turn = self.setup.order == Order::InTurn && (self.dirty || !self.queue.is_empty());
        if in_turn {
            self.hearing.waits(now);
            return;
        }
        let event = self.hearing.look(now, since);
        if event.is_some() {
            self.tell(event);
            self.outputs.make_safe();
            self.dirty = true;
        }
    }

    /// Sets the outputs to what waits and hands complete sets over: all together, or each line in turn as far as there is
    /// room for it. Whether a set was handed over.
    fn hand_over(&mut self, live: bool) -> bool {
        let mut pushed = false;
        loop {
            if self.dirty && self.setup.order == Order::InTurn {
                if !self.push(live) {
                    return pushed;
                }
                pushed = true;
            }
            match self.queue.pop() {
                Some(Step::Values(values)) => values.into_iter().for_each(|value| self.set(value)),
                Some(Step::Ended) => self.end(),
                None => return self.push(live) || pushed,
            }
        }
    }

    /// Hands the set over if it changed and may be handed over. Whether it was.
    fn push(&mut self, live: bool) -> bool {
        let due = self.dirty && live && self.acknowledged;
        let pushed = due && self.commands.push(self.outputs.set_of_all(), self.epoch).is_ok();
        self.dirty &= !pushed;
        pushed
    }

    fn end(&mut self) {
        let event = self.hearing.end();
        self.tell(event);
        self.outputs.make_safe();
        self.dirty = true;
    }

    fn tell(&mut self, event: Option<SourceEvent>) {
        if let Some(event) = event {
            self.counters().source(event);
            self.listener.tell(event);
        }
    }

    fn take_states(&mut self) -> usize {
        let mut states = 0;
        while self.feedback.take(&mut self.states, self.setup.state_every) {
            states += 1;
        }
        self.counters().set_overrun(self.states.overruns());
        states
    }

    fn set(&mut self, value: SourceItem) {
        let channel = value.channel();
        if matches!(value, SourceItem::Generated { channel, .. } if self.voids.waits(channel)) {
            return;
        }
        let outcome = match value {
            SourceItem::Command(Command { channel, bit: None, value }) => self.outputs.set(channel, value),
            SourceItem::Command(Command { channel, bit: Some(bit), value }) => {
                self.outputs.set_bit(channel, bit, value)
            }
            SourceItem::Generated { channel, value } => self.outputs.set_nearest(channel, value),
            SourceItem::Malformed(_) | SourceItem::Line | SourceItem::Ended => return,
        };
        match outcome {
            Ok(()) => {
                self.counters().command();
                (self.dirty, self.acknowledged) = (true, true);
                channel.into_iter().for_each(|channel| self.voids.answer(channel));
            }
            Err(error) => self.rejected(&error),
        }
    }

    /// Reports the 1st, 2nd, 4th, 8th ... one of a kind, so that a flood of them doesn't become a flood of lines.
    fn rejected(&self, error: &Rejected) {
        let count = self.counters().reject(error);
        if count.is_power_of_two() {
            let task = &*self.setup.header.task;
            tracing::warn!(fault = %error.fault(), task, count, %error, "a value was refused; the output holds its last one");
        }
    }

    fn malformed(&self, error: &crate::LineError) {
        let count = self.counters().malform(error);
        if count.is_power_of_two() {
            let task = &*self.setup.header.task;
            let fault = error.fault();
            if error.is_of_a_value() {
                tracing::warn!(%fault, task, count, %error, "a value of a line was refused; the others are taken");
            } else {
                tracing::warn!(%fault, task, count, %error, "a line of commands was refused");
            }
        }
    }

    fn run(mut self, stop: &StopFlag) {
        let nap = self.setup.period.clamp(SHORTEST_NAP, LONGEST_NAP);
        let start = Instant::now();
        loop {
            let last = stop.is_set() || self.states.is_closed();
            self.step(start.elapsed());
            if last {
                break;
            }
            stop.nap(nap);
        }
        self.feedback.outlet.finish();
    }
}

/// What a warning adds of values that were dropped.
fn void_words(dropped: u64) -> String {
    match dropped {
        0 => String::new(),
        1 => "; 1 value that waited was dropped".to_owned(),
        many => format!("; {many} values that waited were dropped"),
    }
}

impl Feedback {
    /// Takes one state sample and delivers it. Whether there was one.
    fn take(&mut self, states: &mut impl Samples, every: u64) -> bool {
        let Some(header) = states.pop(&mut self.record) else { return false };
        let stamp = self.stamps.stamp(CycleClock::of(&header));
        let missing = stamp.missing(every);
        self.outlet.counters().sample(header.stale, missing);
        self.batch.push(stamp, header.stale, missing, self.points.iter(), &self.record);
        if header.stale {
            self.batch.mark(self.points.iter(), |part| states.is_stale(part));
        }
        self.outlet.deliver(&self.batch);
        self.batch.clear();
        true
    }
}

impl<C: Commands + 'static, S: Samples + 'static, Q: Source + 'static> WriteTask<C, S, Q> {
    /// Runs it on a thread named `zc-write-…`.
    ///
    /// # Errors
    /// The thread could not be started.
    pub fn spawn(self) -> io::Result<TaskThread> {
        let name = format!("zc-write-{}", self.setup.header.task);
        TaskThread::start(&name, Arc::clone(self.counters()), move |stop| self.run(stop))
    }
}

impl Source for Box<dyn Source> {
    fn poll(&mut self, live: Option<Duration>, into: &mut Vec<SourceItem>) {
        (**self).poll(live, into);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::LineError;
    use crate::header::tests::header;
    use crate::mapping::tests::placed;
    use crate::ports::memory::{Pushed, Queue};
    use crate::sink_thread::tests::{Stuck, named};
    use std::sync::Mutex;
    use zerocat_engine::Others;
    use zerocat_pdi::{DataType, Value};

    /// Gives prepared items, one list at each poll, and notes the times it was asked at.
    #[derive(Default)]
    struct Script(Vec<Vec<SourceItem>>, Arc<Mutex<Vec<Option<Duration>>>>);

    impl Source for Script {
        fn poll(&mut self, live: Option<Duration>, into: &mut Vec<SourceItem>) {
            self.1.lock().unwrap().push(live);
            if !self.0.is_empty() {
                into.extend(self.0.remove(0));
            }
        }
    }

    type Seen = Arc<Mutex<Vec<Batch>>>;
    type Told = Arc<Mutex<Vec<&'static str>>>;
    const MS: Duration = Duration::from_millis(1);

    /// How a task behaves.
    #[derive(Default)]
    struct Habit {
        after_outage: AfterOutage,
        timeout: Option<Duration>,
        order: Order,
    }

    fn task(script: Vec<Vec<SourceItem>>, depth: usize) -> (WriteTask<Pushed, Queue, Script>, Pushed, Queue, Seen) {
        task_of(Habit::default(), script, depth)
    }

    fn task_of(
        kind: Habit,
        script: Vec<Vec<SourceItem>>,
        depth: usize,
    ) -> (WriteTask<Pushed, Queue, Script>, Pushed, Queue, Seen) {
        let Habit { after_outage, timeout, order } = kind;
        let mut second = placed(2, DataType::Uint8, 16, 8);
        second.channel.state_channel = None;
        // Of another SubDevice.
        second.position += 1;
        let channels = [placed(1, DataType::Uint16, 0, 16), second];
        let (mapping, keys) = (Mapping::new(&channels), Arc::new(Keys::new(&channels)));
        let (header, period) = (Arc::new(header(Kind::State, &channels)), MS);
        let (state_every, state_rate) = (100, 10.0);
        let setup = WriteSetup { header, keys, mapping, period, state_every, state_rate, after_outage, timeout, order };
        let (pushed, queue) = (Pushed::new(depth), Queue::new(3));
        let seen = Seen::default();
        let inner = Arc::clone(&seen);
        let outlet = Outlet::default().with_observer(Box::new(move |batch| inner.lock().unwrap().push(batch.clone())));
        let source = Script(script, Arc::default());
        let time = TrueTime::fixed(0, 0);
        (WriteTask::new(setup, pushed.clone(), queue.clone(), source, time, outlet), pushed, queue, seen)
    }

    /// The events of a task, in words of a report.
    fn listened(task: WriteTask<Pushed, Queue, Script>) -> (WriteTask<Pushed, Queue, Script>, Told) {
        let told = Told::default();
        let inner = Arc::clone(&told);
        (task.with_listener(Listener::new(move |event| inner.lock().unwrap().push(event.name()))), told)
    }

    fn command(channel: u32, value: u64) -> SourceItem {
        SourceItem::Command(Command::new(channel, Value::Uint(value)))
    }

    #[test]
    fn hands_complete_sets_over_and_outputs_hold_their_last_value() {
        let script = vec![vec![], vec![command(1, 500)], vec![], vec![command(2, 7), command(2, 8)]];
        let (mut task, pushed, ..) = task(script, 10);
        let changes = [0, 1, 2, 3].map(|n| task.step(MS * n).pushed);
        assert_eq!(changes, [false, true, false, true]);
        assert_eq!(pushed.sets(), [vec![0xf4, 1, 0], vec![0xf4, 1, 8]]);
        let sets = pushed.whole_sets();
        assert_eq!((&sets[0].commanded[..], sets[0].others), (&[0xff, 0xff, 0][..], Others::Stay));
        assert_eq!((task.counters().read().commands, task.counters().read().applied), (3, 2));
    }

    #[test]
    fn a_set_that_found_the_ring_full_goes_out_later_with_what_came_since() {
        let (mut task, pushed, ..) = task(vec![vec![command(1, 9)], vec![command(1, 1)], vec![command(2, 2)]], 1);
        assert_eq!([0, 1, 2].map(|n| task.step(MS * n).pushed), [true, false, false]);
        pushed.take();
        assert!(task.step(MS * 3).pushed);
        assert_eq!(pushed.sets(), [vec![1, 0, 2]]);
    }

    #[test]
    fn refused_values_and_lines_are_counted_and_the_task_goes_on() {
        let malformed = SourceItem::Malformed(LineError::TooLong { most: 5 });
        let script = vec![vec![command(1, 65_536), command(9, 0), malformed, command(2, 5)]];
        let (mut task, pushed, ..) = task(script, 10);
        task.step(MS);
        let counts = task.counters().read();
        assert_eq!((counts.rejected, counts.malformed, counts.commands), (2, 1, 1));
        assert_eq!(pushed.sets().last().unwrap(), &[0, 0, 5]);
    }

    #[test]
    fn the_end_of_a_source_makes_its_outputs_safe_and_is_told_once() {
        let script = vec![vec![command(1, 500)], vec![command(2, 7), SourceItem::Ended], vec![], vec![]];
        let (task, pushed, ..) = task(script, 10);
        let (mut task, told) = listened(task);
        assert_eq!([0, 1, 2, 3].map(|n| task.step(MS * n).pushed), [true, true, false, false]);
        let last = pushed.whole_sets().pop().unwrap();
        assert_eq!((last.commanded, last.others), (vec![0, 0, 0], Others::Safe));
        assert_eq!((pushed.whole_sets().len(), task.counters().read().ended), (2, 1));
        assert_eq!(*told.lock().unwrap(), ["live", "ended"]);
        pushed.switch(2, false);
        task.step(MS * 4);
        pushed.switch(2, true);
        assert_eq!((task.step(MS * 5).pushed, pushed.sets().len()), (false, 0), "nothing is left of it");
    }

    #[test]
    fn a_source_that_is_silent_for_too_long_leaves_safe_outputs_and_is_obeyed_again() {
        let script = vec![
            vec![command(1, 500), SourceItem::Line],
            vec![SourceItem::Line],
            vec![],
            vec![],
            vec![SourceItem::Line],
            vec![command(2, 7), SourceItem::Line],
        ];
        let (task, pushed, ..) = task_of(Habit { timeout: Some(MS * 10), ..Habit::default() }, script, 10);
        let (mut task, told) = listened(task);
        let pushes = [0, 9, 19, 20, 21, 22].map(|n| task.step(MS * n).pushed);
        assert_eq!(pushes, [true, false, false, true, false, true]);
        let sets = pushed.whole_sets();
        assert_eq!((&sets[1].commanded[..], sets[1].others), (&[0, 0, 0][..], Others::Safe));
        assert_eq!((&sets[2].commanded[..], sets[2].others), (&[0, 0, 0xff][..], Others::Safe));
        assert_eq!(*told.lock().unwrap(), ["live", "silent", "heard_again"]);
        let counts = task.counters().read();
        assert_eq!((counts.silent, counts.heard_again, counts.live), (1, 1, 1));
    }

    #[test]
    fn a_source_that_has_commanded_nothing_is_not_silent() {
        let (task, pushed, ..) = task_of(Habit { timeout: Some(MS), ..Habit::default() }, Vec::new(), 10);
        let (mut task, told) = listened(task);
        (0..100).for_each(|n| assert!(!task.step(MS * n).pushed));
        assert_eq!((pushed.sets().len(), &told.lock().unwrap()[..]), (0, &["live"][..]));
    }

    #[test]
    fn in_turn_each_line_is_a_set_of_its_own_and_the_end_comes_behind_them() {
        let lines = [6, 7, 15].map(|value| [command(1, value), SourceItem::Line]).concat();
        let script = vec![[lines, vec![SourceItem::Line, SourceItem::Ended]].concat()];
        let (mut task, pushed, ..) = task_of(Habit { order: Order::InTurn, ..Habit::default() }, script, 2);
        pushed.switch(1, false);
        task.step(MS);
        pushed.switch(1, true);
        assert!(task.step(MS * 2).pushed);
        assert_eq!(pushed.sets(), [[6, 0, 0], [7, 0, 0]], "as many as there is room for");
        pushed.take();
        assert!(task.step(MS * 3).pushed);
        assert_eq!(pushed.sets(), [[15, 0, 0], [0, 0, 0]]);
        assert_eq!(pushed.whole_sets()[1].others, Others::Safe);
        assert!(!task.step(MS * 4).pushed);
    }

    #[test]
    fn a_source_whose_lines_wait_for_their_turn_is_not_silent() {
        let script = vec![(1..=50).flat_map(|n| [command(1, n), SourceItem::Line]).collect()];
        let habit = Habit { order: Order::InTurn, timeout: Some(MS * 10), ..Habit::default() };
        let (task, pushed, ..) = task_of(habit, script, 1);
        let (mut task, told) = listened(task);
        for n in 0..50u8 {
            assert!(task.step(MS * u32::from(n)).pushed);
            assert_eq!(pushed.sets(), [[n + 1, 0, 0]]);
            pushed.take();
        }
        assert!(!task.step(MS * 59).pushed);
        assert_eq!((task.counters().read().outdated, &told.lock().unwrap()[..]), (0, &["live"][..]));
        assert!(task.step(MS * 60).pushed, "time counts from when the last of them was handed over");
        assert_eq!(pushed.whole_sets()[0].others, Others::Safe);
        assert_eq!(*told.lock().unwrap(), ["live", "silent"]);
    }

    #[test]
    fn lines_that_wait_for_their_turn_are_void_after_an_outage_and_bounded_in_number() {
        let lines = (0..5000).flat_map(|n| [command(1, n), SourceItem::Line]).collect();
        let script = vec![lines, vec![], vec![], vec![command(1, 3), SourceItem::Line]];
        let (mut task, pushed, ..) = task_of(Habit { order: Order::InTurn, ..Habit::default() }, script, 4);
        task.step(MS);
        assert_eq!((pushed.sets().len(), task.counters().read().overflowed), (4, 5000 - 4096));
        pushed.take();
        pushed.switch(2, true);
        assert!(!task.step(MS * 2).pushed);
        assert_eq!(task.counters().read().outdated, 4096 - 5, "four were handed over, one would have been the next");
        assert!(task.step(MS * 3).pushed);
        assert_eq!(pushed.sets(), [[3, 0, 0]]);
    }

    #[test]
    fn state_feedback_is_what_was_sent_with_its_own_time() {
        let (mut task, _, queue, seen) = task(vec![vec![command(1, 500)]], 10);
        queue.send(200, false, &[0xf4, 0x01, 9]);
        queue.send(300, true, &[0xf5, 0x01, 9]);
        assert_eq!(task.step(MS).states, 2);
        let seen = seen.lock().unwrap();
        assert_eq!((seen[0].header.of, seen[0].index[0], seen[1].index[0]), (Kind::State, 200_000_000, 300_000_000));
        assert_eq!((seen[0].last("dev_1"), seen[1].last("dev_1")), (Some(Value::Uint(500)), Some(Value::Uint(501))));
        assert_eq!((seen[0].last("dev_2"), &seen[0].stale, &seen[1].stale), (Some(Value::Uint(9)), &vec![], &vec![0]));
    }

    #[test]
    fn what_comes_before_the_outputs_go_live_is_handed_over_together_when_they_do() {
        let (mut task, pushed, ..) = task(vec![vec![command(2, 5)], vec![command(1, 6)], vec![command(1, 7)]], 10);
        pushed.switch(0, false);
        assert!(!task.step(MS).pushed, "before the exchange");
        pushed.switch(1, false);
        assert!(!task.step(MS * 2).pushed, "on the way to OP");
        pushed.switch(2, false);
        assert!(!task.step(MS * 3).pushed, "after an attempt that failed");
        pushed.switch(2, true);
        assert!(task.step(MS * 4).pushed);
        assert_eq!(pushed.sets(), [vec![7, 0, 5]]);
    }

    #[test]
    fn the_source_is_told_the_time_since_the_outputs_went_live() {
        let (mut task, pushed, ..) = task(Vec::new(), 10);
        pushed.switch(1, false);
        task.step(MS * 5);
        pushed.switch(1, true);
        task.step(MS * 20);
        task.step(MS * 50);
        assert_eq!(*task.source.1.lock().unwrap(), [None, Some(Duration::ZERO), Some(MS * 30)]);
    }

    #[test]
    fn after_an_outage_outputs_start_from_the_safe_ones_with_the_first_command_given_after_it() {
        let script = vec![
            vec![command(1, 3), command(2, 4)],
            // While the network is out.
            vec![command(1, 5)],
            // What waits when the task learns of the new epoch.
            vec![command(1, 6)],
            vec![],
            vec![],
            vec![command(2, 8)],
        ];
        let (mut task, pushed, ..) = task(script, 10);
        assert!(task.step(MS).pushed);
        pushed.switch(1, false);
        assert!(!task.step(MS * 2).pushed);
        pushed.switch(2, false);
        assert!(!task.step(MS * 3).pushed);
        pushed.switch(2, true);
        assert!(!task.step(MS * 4).pushed, "the outputs are safe until they are acknowledged");
        assert!(task.step(MS * 5).pushed);
        assert_eq!(pushed.sets(), [vec![0, 0, 8]], "the other output is left to what is safe");
        assert_eq!(pushed.whole_sets()[0].commanded, [0, 0, 0xff]);
        assert_eq!(task.counters().read().outdated, 1);
    }

    #[test]
    fn every_outage_has_to_be_acknowledged_anew() {
        let (mut task, pushed, ..) = task(vec![vec![command(1, 3)], vec![], vec![command(1, 4)]], 10);
        assert!(task.step(MS).pushed);
        pushed.switch(2, false);
        assert!(!task.step(MS * 2).pushed, "a command that comes before the next epoch counts for nothing in it");
        pushed.switch(3, true);
        assert_eq!([3, 4].map(|n| task.step(MS * n).pushed), [false, false]);
    }

    #[test]
    fn what_was_commanded_of_a_subdevice_that_was_away_is_void_and_the_others_hold_theirs() {
        let script = vec![
            vec![command(1, 3), command(2, 4)],
            // What waits when the task learns of it.
            vec![command(2, 5), command(1, 6), SourceItem::Line, command(2, 7), SourceItem::Line],
            vec![],
            vec![command(1, 9)],
            vec![command(2, 8)],
        ];
        let (mut task, pushed, ..) = task(script, 10);
        assert!(task.step(MS).pushed);
        pushed.void(1);
        assert!(task.step(MS * 2).pushed);
        assert_eq!((pushed.sets(), task.counters().read().outdated), (vec![vec![6, 0, 0]], 2));
        assert_eq!(pushed.whole_sets()[0].others, Others::Stay, "the others are as they were");
        assert!(task.step(MS * 3).pushed);
        assert_eq!(pushed.whole_sets()[1].commanded, [0xff, 0xff, 0]);
        assert!(task.step(MS * 4).pushed);
        assert_eq!(pushed.whole_sets()[2].commanded, [0xff, 0xff, 0xff]);
        assert_eq!(pushed.sets()[2], [9, 0, 8]);
    }

    #[test]
    fn a_waveform_commands_a_subdevice_that_was_away_only_where_it_is_to_resume() {
        let commanded = |after_outage| {
            let values =
                || [1, 2].map(|channel| SourceItem::Generated { channel, value: Value::Float64(1.0) }).to_vec();
            let script = vec![values(), vec![], values()];
            let (mut task, pushed, ..) = task_of(Habit { after_outage, ..Habit::default() }, script, 10);
            task.step(MS);
            pushed.void(0);
            task.step(MS * 2);
            task.step(MS * 3);
            pushed.whole_sets().into_iter().map(|set| set.commanded).collect::<Vec<_>>()
        };
        assert_eq!(commanded(AfterOutage::Acknowledge), [[0, 0, 0xff]]);
        assert_eq!(commanded(AfterOutage::Resume), [[0xff; 3]; 2], "at once, and with the next values");
    }

    #[test]
    fn an_epoch_of_all_outputs_overtakes_that_of_a_subdevice() {
        let script = vec![vec![command(1, 3), command(2, 4)], vec![], vec![], vec![], vec![command(1, 9)]];
        let (mut task, pushed, ..) = task(script, 10);
        task.step(MS);
        pushed.void(1);
        pushed.switch(3, true);
        assert_eq!([2, 3, 4].map(|n| task.step(MS * n).pushed), [false, false, true]);
        assert_eq!(pushed.whole_sets()[0].commanded, [0xff, 0xff, 0]);
        assert_eq!(pushed.whole_sets()[0].others, Others::Safe);
    }

    #[test]
    fn waveforms_stay_safe_after_an_outage_until_they_are_told_to_resume() {
        let times = |after_outage| {
            let script = vec![vec![command(1, 1)]];
            let (mut task, pushed, ..) = task_of(Habit { after_outage, ..Habit::default() }, script, 10);
            task.step(MS);
            pushed.switch(2, false);
            task.step(MS * 2);
            pushed.switch(2, true);
            let pushes = [10, 15].map(|n| task.step(MS * n).pushed);
            let times = task.source.1.lock().unwrap().split_off(1);
            (times.into_iter().flatten().collect::<Vec<_>>(), pushes)
        };
        assert_eq!(times(AfterOutage::Acknowledge), (vec![], [false, false]));
        assert_eq!(times(AfterOutage::Resume), (vec![Duration::ZERO, MS * 5], [true, false]));
    }

    #[test]
    fn a_sink_that_takes_nothing_holds_neither_outputs_nor_the_end() {
        let (sink, gate, taken) = Stuck::new();
        let script = (0..200).map(|n| vec![command(2, n)]).collect();
        let (mut task, pushed, queue, _) = task(script, 1_000);
        task.feedback.outlet = Outlet::to_sinks(&task.setup.header, vec![named(sink)], 4).unwrap();
        for cycle in 0..200u8 {
            queue.send(cycle.into(), false, &[0, 0, cycle]);
            assert!(task.step(MS * cycle.into()).pushed);
        }
        assert_eq!(pushed.sets().len(), 200);
        let counts = task.spawn().unwrap().join();
        assert_eq!((counts.batches, counts.lost_batches, counts.stuck_sinks), (200, 200, 1));
        assert_eq!(*taken.lock().unwrap(), 0);
        drop(gate);
    }

    #[test]
    fn a_thread_hands_the_first_set_over_and_ends_when_asked() {
        let (task, pushed, ..) = task(vec![vec![command(1, 2)]], 10);
        let counts = task.spawn().unwrap().join();
        assert_eq!((counts.commands, pushed.sets()[0].clone()), (1, vec![2, 0, 0]));
    }
}
