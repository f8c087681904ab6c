//! ethercrab's own tasks as rows of `zerocat bench compare`.
//!
//! They are set up like ethercrab's examples `io-uring`, `xdp` and `performance`: the TX/RX task on a thread of its own
//! with SCHED_FIFO 49 and a CPU of its own, the thread that exchanges with SCHED_FIFO 48 on another CPU. One row has
//! both on one thread, which none of its examples does, because over veth ethercrab is fastest that way.

mod lrw;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use clap::ValueEnum;
use ethercrab::{MainDevice, MainDeviceConfig, PduRx, PduStorage, PduTx, Timeouts};
use futures_lite::future::{block_on, or};
use lrw::Lrw;
use thread_priority::{
    RealtimeThreadSchedulePolicy, ThreadBuilder, ThreadPriority, ThreadPriorityValue, ThreadSchedulePolicy,
};
use zerocat_measure::{Plan, Segment, Tally, measure, print, read_plan, ready};
use zerocat_sched::{RealtimeRequest, prepare_process, prepare_thread};

/// Priorities of ethercrab's examples.
const TASK_PRIORITY: u8 = 49;
const EXCHANGE_PRIORITY: u8 = 48;
/// As its examples wait for the TX/RX loop to start.
const START: Duration = Duration::from_millis(200);
/// As many frames as in its XDP example.
static STORAGE: PduStorage<32, { PduStorage::element_size(1486) }> = PduStorage::new();

/// A row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Row {
    /// `tx_rx_task` (AF_PACKET) on a thread of its own.
    Raw,
    /// `tx_rx_task` polled by the thread that exchanges.
    RawOneThread,
    /// `tx_rx_task_io_uring`.
    IoUring,
    /// `tx_rx_task_xdp`.
    #[cfg(feature = "xdp")]
    Xdp,
}

type Fault = Box<dyn std::error::Error>;
/// Why ethercrab's task ended, if it did.
type Ended = Arc<Mutex<Option<String>>>;

/// Talks to the bench, measures and prints.
pub(crate) fn run(row: Row) -> Result<(), Fault> {
    let plan = read_plan()?;
    if plan.segment != Segment::Null {
        return Err("only frames for the null segment can be measured".into());
    }
    let priority = plan.priority.map(|_| EXCHANGE_PRIORITY);
    let request = RealtimeRequest { cpu: plan.cpu, priority, ..RealtimeRequest::default() };
    let setup = prepare_process(&request);
    let (tx, rx, pdu_loop) = STORAGE.try_split().map_err(|()| "the frame storage was split before")?;
    let main = MainDevice::new(pdu_loop, Timeouts::default(), MainDeviceConfig::default());
    let (mut lrw, ended) = (Lrw::new(&main, &plan), Ended::default());
    let mut missing = setup.status.missing();
    // The task comes first, so that the thread of ethercrab's timers is an ordinary one.
    let tally = if row == Row::RawOneThread {
        let task = ethercrab::std::tx_rx_task(&plan.interface, tx, rx)?;
        ready()?;
        missing.extend(prepare_thread(&request).missing());
        let task = async {
            note(&ended, task.await.map(drop));
            std::future::pending::<Tally>().await
        };
        async_io::block_on(or(measure(&mut lrw, &plan), task))
    } else {
        start(row, &plan, tx, rx, &ended)?;
        std::thread::sleep(START);
        ready()?;
        missing.extend(prepare_thread(&request).missing());
        block_on(measure(&mut lrw, &plan))
    };
    missing.extend(ended.lock().ok().and_then(|mut why| why.take()));
    print(&tally.report(set_up(row, &plan), missing))?;
    Ok(())
}

/// Starts a TX/RX task on a thread of its own.
fn start(row: Row, plan: &Plan, tx: PduTx<'static>, rx: PduRx<'static>, ended: &Ended) -> Result<(), Fault> {
    let (interface, cpu, ended) = (plan.interface.clone(), task_cpu(plan), Arc::clone(ended));
    let run = move || {
        if let Some(cpu) = cpu {
            core_affinity::set_for_current(cpu);
        }
        match row {
            Row::IoUring => {
                note(&ended, ethercrab::std::tx_rx_task_io_uring(&interface, tx, rx).map(drop));
            }
            #[cfg(feature = "xdp")]
            Row::Xdp => note(&ended, ethercrab::std::tx_rx_task_xdp(&interface, tx, rx)),
            Row::Raw | Row::RawOneThread => match ethercrab::std::tx_rx_task(&interface, tx, rx) {
                Ok(task) => note(&ended, async_io::block_on(task).map(drop)),
                Err(error) => note(&ended, Err(error)),
            },
        }
    };
    let mut builder = ThreadBuilder::default().name("tx-rx-thread");
    if plan.priority.is_some() {
        builder = builder
            .priority(ThreadPriority::Crossplatform(ThreadPriorityValue::try_from(TASK_PRIORITY)?))
            .policy(ThreadSchedulePolicy::Realtime(RealtimeThreadSchedulePolicy::Fifo));
    }
    builder.spawn_careless(run)?;
    Ok(())
}

/// The first CPU that isn't the exchanging thread's, as in ethercrab's examples.
fn task_cpu(plan: &Plan) -> Option<core_affinity::CoreId> {
    let cpus = core_affinity::get_core_ids().unwrap_or_default();
    cpus.into_iter().find(|cpu| Some(cpu.id) != plan.cpu)
}

fn note<E: std::fmt::Display>(ended: &Ended, outcome: Result<(), E>) {
    let why = match outcome {
        Ok(()) => "ethercrab's TX/RX task ended".to_owned(),
        Err(error) => format!("ethercrab's TX/RX task ended: {error}"),
    };
    if let Ok(mut ended) = ended.lock() {
        *ended = Some(why);
    }
}

fn set_up(row: Row, plan: &Plan) -> String {
    let name = match row {
        Row::Raw | Row::RawOneThread => "tx_rx_task",
        Row::IoUring => "tx_rx_task_io_uring",
        #[cfg(feature = "xdp")]
        Row::Xdp => "tx_rx_task_xdp",
    };
    let fifo = |level: u8| plan.priority.map_or_else(String::new, |_| format!(" with FIFO {level}"));
    let on = |cpu: Option<usize>| cpu.map_or_else(String::new, |cpu| format!(" on CPU {cpu}"));
    let here = format!("{}{}", fifo(EXCHANGE_PRIORITY), on(plan.cpu));
    if row == Row::RawOneThread {
        return format!("ethercrab 0.7.1, {name} and exchange on one thread{here}, LRW by Command::lrw");
    }
    let task = format!("{}{}", fifo(TASK_PRIORITY), on(task_cpu(plan).map(|cpu| cpu.id)));
    format!("ethercrab 0.7.1, {name} on a thread{task}, exchange on a thread{here}, LRW by Command::lrw")
}
