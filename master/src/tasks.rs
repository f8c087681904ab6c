//! The tasks of a rig file: their rings are made before the exchange is installed, their threads start before traffic
//! flows.

use crate::bring_up::{Bindings, Ports};
use crate::events::Teller;
use crate::report::{RefusedReport, SourceReport, TaskReport};
use crate::sinks::{SinkError, Sinks};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use zerocat_config::{ReadTask as ReadConfig, Rig, Source as SourceConfig, Task, WriteTask as WriteConfig};
use zerocat_engine::{SampleReader, reader, writer};
use zerocat_pdi::Value;
use zerocat_sched::ClockPair;
use zerocat_tasks::{
    Batch, Counts, Listener, Observer, Outlet, Placed, ReadSetup, ReadTask, Sink, Source, StdinSource, TaskThread,
    WallOffset, WaveformSource, WriteSetup, WriteTask,
};

/// Why a task couldn't be started.
#[derive(Debug, thiserror::Error)]
pub enum TaskStartError {
    /// Its sink.
    #[error("task `{task}`")]
    Sink {
        /// Name of the task.
        task: String,
        /// Why.
        source: SinkError,
    },
    /// Its thread, or the one that reads its commands.
    #[error("task `{task}`: start its thread")]
    Thread {
        /// Name of the task.
        task: String,
        /// Why.
        source: std::io::Error,
    },
    /// Its rates don't divide the network's; `check` finds that first.
    #[error("task `{task}`: its rates don't divide the network's rate; run `zerocat check`")]
    Rates {
        /// Name of the task.
        task: String,
    },
}

/// The last value of each channel, for displays.
#[derive(Debug, Clone, Default)]
pub(crate) struct Latest(Arc<Mutex<BTreeMap<u32, Value>>>);

impl Latest {
    /// The values now.
    pub(crate) fn read(&self) -> BTreeMap<u32, Value> {
        self.values().clone()
    }

    fn values(&self) -> MutexGuard<'_, BTreeMap<u32, Value>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The running tasks.
#[derive(Debug, Default)]
pub struct TaskSet {
    running: Vec<Running>,
    latest: Latest,
}

#[derive(Debug)]
struct Running {
    name: String,
    kind: &'static str,
    thread: TaskThread,
}

impl TaskSet {
    /// Makes the rings of all tasks, opens their sources and starts their threads, which find nothing to do until traffic
    /// flows. Gives the realtime ends. `teller` is told what becomes of the sources.
    ///
    /// # Errors
    /// A source or a thread couldn't be had.
    pub(crate) fn start(
        rig: &Rig,
        bindings: &Bindings,
        mut sinks: Sinks,
        teller: Teller,
    ) -> Result<(Self, Ports), TaskStartError> {
        let clocks = ClockPair::read();
        let offset = WallOffset::new(clocks.realtime, clocks.monotonic.0);
        let mut start = Start { rig, offset, teller, ports: Ports::default(), set: Self::default() };
        for (index, (task, channels)) in rig.tasks.iter().zip(bindings).enumerate() {
            match task {
                Task::Read(task) => start.read(task, channels, sinks.take(index))?,
                Task::Write(task) => start.write(task, channels, sinks.take(index))?,
                Task::Scan(_) => {}
            }
        }
        Ok((start.set, start.ports))
    }

    /// The last value of each channel, and of each state channel the value that was sent last.
    #[must_use]
    pub(crate) fn latest_values(&self) -> Latest {
        self.latest.clone()
    }

    /// Stops all tasks after what waits in their rings, and gives their part of the report.
    #[must_use]
    pub fn stop(self) -> Vec<TaskReport> {
        self.running.iter().for_each(|task| task.thread.stop());
        let report = |task: Running| {
            let counters = Arc::clone(task.thread.counters());
            let counts = task.thread.join();
            let Counts { samples, overrun, batches, lost_batches, applied, .. } = counts;
            TaskReport {
                source: (task.kind == "write").then(|| SourceReport::of(&counts)),
                name: task.name,
                kind: task.kind,
                samples,
                overrun,
                batches,
                batches_lost: lost_batches,
                commands: applied,
                refused: counters.refused().into_iter().map(RefusedReport::of).collect(),
            }
        };
        self.running.into_iter().map(report).collect()
    }

    fn observer(&self) -> Observer {
        let latest = self.latest.clone();
        Box::new(move |batch: &Batch| {
            let mut latest = latest.values();
            for column in &batch.channels {
                if let Some(value) = column.values.last() {
                    latest.insert(column.channel, *value);
                }
            }
        })
    }
}

/// What is carried along while the tasks are started.
struct Start<'a> {
    rig: &'a Rig,
    offset: WallOffset,
    teller: Teller,
    ports: Ports,
    set: TaskSet,
}

impl Start<'_> {
    fn read(
        &mut self,
        task: &ReadConfig,
        channels: &[Placed],
        sink: Option<Box<dyn Sink>>,
    ) -> Result<(), TaskStartError> {
        let name = || task.name.clone();
        let setup = ReadSetup::new(self.rig, task, channels).ok_or_else(|| TaskStartError::Rates { task: name() })?;
        let (port, samples) = reader(setup.reader());
        let outlet = self.outlet(&task.name, sink, setup.queue())?;
        let thread = ReadTask::new(setup, samples, self.offset, outlet)
            .spawn()
            .map_err(|source| TaskStartError::Thread { task: name(), source })?;
        self.ports.readers.push(port);
        self.set.running.push(Running { name: name(), kind: "read", thread });
        Ok(())
    }

    fn write(
        &mut self,
        task: &WriteConfig,
        channels: &[Placed],
        sink: Option<Box<dyn Sink>>,
    ) -> Result<(), TaskStartError> {
        let name = || task.name.clone();
        let setup = WriteSetup::new(self.rig, task, channels).ok_or_else(|| TaskStartError::Rates { task: name() })?;
        let (port, commands, states): (_, _, SampleReader) = writer(setup.writer());
        let outlet = self.outlet(&task.name, sink, setup.queue())?;
        let source: Box<dyn Source> = match task.source {
            SourceConfig::Waveform => Box::new(WaveformSource::of(task)),
            SourceConfig::Stdin(_) => {
                Box::new(StdinSource::open().map_err(|source| TaskStartError::Thread { task: name(), source })?)
            }
        };
        let (teller, told_of) = (self.teller.clone(), task.name.as_str().into());
        let thread = WriteTask::new(setup, commands, states, source, self.offset, outlet)
            .with_listener(Listener::new(move |event| teller.tell_source(&told_of, event)))
            .spawn()
            .map_err(|source| TaskStartError::Thread { task: name(), source })?;
        self.ports.writers.push(port);
        self.set.running.push(Running { name: name(), kind: "write", thread });
        Ok(())
    }

    fn outlet(&self, task: &str, sink: Option<Box<dyn Sink>>, queue: usize) -> Result<Outlet, TaskStartError> {
        let name = || task.to_owned();
        let outlet = match sink {
            Some(sink) => {
                Outlet::to_sink(task, sink, queue).map_err(|source| TaskStartError::Thread { task: name(), source })?
            }
            None => Outlet::default(),
        };
        Ok(outlet.with_observer(self.set.observer()))
    }
}
