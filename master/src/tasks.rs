//! The tasks of a rig file: their rings are made before the exchange is installed, their threads start before traffic
//! flows.

use crate::bring_up::{Bindings, Ports};
use crate::events::Teller;
use crate::latest::Latest;
use crate::report::{RefusedReport, SourceReport, TaskReport};
use crate::sinks::{SinkError, Sinks};
use std::sync::Arc;
use zerocat_config::{ReadTask as ReadConfig, Rig, Source as SourceConfig, Task, WriteTask as WriteConfig};
use zerocat_engine::{SampleReader, reader, writer};
use zerocat_tasks::{
    Counts, Header, Listener, OpenSink, Outlet, Placed, ReadSetup, ReadTask, Source, StdinSource, TaskThread, TrueTime,
    WaveformSource, WriteSetup, WriteTask,
};

/// Why a task couldn't be started.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
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
    /// The thread that keeps the time of all of them.
    #[error("start the thread that keeps the time")]
    Time(#[source] std::io::Error),
    /// Its rates don't divide the network's; `check` finds that first.
    #[error("task `{task}`: its rates don't divide the network's rate; run `zerocat check`")]
    Rates {
        /// Name of the task.
        task: String,
    },
}

/// The running tasks.
#[derive(Debug, Default)]
pub struct TaskSet {
    running: Vec<Running>,
    latest: Latest,
}

#[derive(Debug)]
struct Running {
    header: Arc<Header>,
    kind: &'static str,
    sinks: Vec<String>,
    thread: TaskThread,
}

impl TaskSet {
    /// Makes the rings of all tasks, opens their sources and starts their threads, which find nothing to do until traffic
    /// flows. Gives the realtime ends. `teller` is told what becomes of the sources; `time` is what samples are stamped from.
    ///
    /// # Errors
    /// A source or a thread couldn't be had.
    pub(crate) fn start(
        rig: &Rig,
        bindings: &Bindings,
        mut sinks: Sinks,
        teller: Teller,
        time: TrueTime,
    ) -> Result<(Self, Ports), TaskStartError> {
        let mut start = Start { rig, time, teller, ports: Ports::default(), set: Self::default() };
        for (index, (task, channels)) in rig.tasks.iter().zip(bindings).enumerate() {
            if task.is_idle() {
                continue;
            }
            match task {
                Task::Read(task) => start.read(task, channels, sinks.take(index))?,
                Task::Write(task) => start.write(task, channels, sinks.take(index))?,
                Task::Scan(_) => {}
            }
        }
        Ok((start.set, start.ports))
    }

    /// The newest value of each channel.
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
                name: task.header.task.to_string(),
                kind: task.kind,
                channels: task.header.channels.clone(),
                sinks: task.sinks,
                samples,
                overrun,
                batches,
                batches_lost: lost_batches,
                sinks_stuck: counts.stuck_sinks,
                commands: applied,
                refused: counters.refused().into_iter().map(RefusedReport::of).collect(),
            }
        };
        self.running.into_iter().map(report).collect()
    }
}

/// What is carried along while the tasks are started.
struct Start<'a> {
    rig: &'a Rig,
    time: TrueTime,
    teller: Teller,
    ports: Ports,
    set: TaskSet,
}

impl Start<'_> {
    fn read(&mut self, task: &ReadConfig, channels: &[Placed], sinks: Vec<OpenSink>) -> Result<(), TaskStartError> {
        let name = || task.name.clone();
        let setup = ReadSetup::new(self.rig, task, channels).ok_or_else(|| TaskStartError::Rates { task: name() })?;
        let (port, samples) = reader(setup.reader());
        let (header, names) = (Arc::clone(setup.header()), names(&sinks));
        let outlet = self.outlet(&header, sinks, setup.queue())?;
        let thread = ReadTask::new(setup, samples, self.time.clone(), outlet)
            .spawn()
            .map_err(|source| TaskStartError::Thread { task: name(), source })?;
        self.ports.readers.push(port);
        self.set.running.push(Running { header, kind: "read", sinks: names, thread });
        Ok(())
    }

    fn write(&mut self, task: &WriteConfig, channels: &[Placed], sinks: Vec<OpenSink>) -> Result<(), TaskStartError> {
        let name = || task.name.clone();
        let unstarted = |source| TaskStartError::Thread { task: name(), source };
        let setup = WriteSetup::new(self.rig, task, channels).ok_or_else(|| TaskStartError::Rates { task: name() })?;
        let (port, commands, states): (_, _, SampleReader) = writer(setup.writer());
        let (header, names) = (Arc::clone(setup.header()), names(&sinks));
        let outlet = self.outlet(&header, sinks, setup.queue())?;
        let source: Box<dyn Source> = match task.source {
            SourceConfig::Waveform => Box::new(WaveformSource::of(task)),
            SourceConfig::Stdin(_) => Box::new(StdinSource::open(Arc::clone(setup.keys())).map_err(unstarted)?),
        };
        let (teller, told_of) = (self.teller.clone(), task.name.as_str().into());
        let thread = WriteTask::new(setup, commands, states, source, self.time.clone(), outlet)
            .with_listener(Listener::new(move |event| teller.tell_source(&told_of, event)))
            .spawn()
            .map_err(unstarted)?;
        self.ports.writers.push(port);
        self.set.running.push(Running { header, kind: "write", sinks: names, thread });
        Ok(())
    }

    fn outlet(&self, header: &Arc<Header>, sinks: Vec<OpenSink>, queue: usize) -> Result<Outlet, TaskStartError> {
        let task = || header.task.to_string();
        let outlet =
            Outlet::to_sinks(header, sinks, queue).map_err(|source| TaskStartError::Thread { task: task(), source })?;
        Ok(outlet.with_observer(self.set.latest.observer(header)))
    }
}

fn names(sinks: &[OpenSink]) -> Vec<String> {
    sinks.iter().map(|sink| sink.name.clone()).collect()
}
