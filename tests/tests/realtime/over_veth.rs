//! A session over AF_XDP and AF_PACKET on a veth pair.

use crate::CYCLES;
use crate::guard::{Guarded, Switch};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};
use zerocat::config::{LinkKind, Rig};
use zerocat::{LinkRequest, OpenLink, Report, Session, SessionOptions, open_link};
use zerocat_benches::audit::Simulation;
use zerocat_testkit::netns::{Veth, in_private_netns};

const RIG: &str = include_str!("../../../examples/demo-rig.json");
/// More than the cyclic and acyclic frames of the demonstration.
const SLOTS: u16 = 64;
/// Longest wait for the cycles, which take ten seconds.
const PATIENCE: Duration = Duration::from_secs(60);

/// One at a time: two realtime threads that poll for frames leave a machine with two CPUs none for their segments.
static ALONE: Mutex<()> = Mutex::new(());

/// Runs the demonstration for [`CYCLES`] cycles in OP in which an allocation of the realtime thread ends the process.
fn exchange(veth: &Veth, kind: LinkKind) -> Report {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let simulation = Simulation::start(&veth.peer).unwrap();
    let mut rig = Rig::from_json(RIG).unwrap();
    rig.network.properties.interface.clone_from(&veth.master);
    rig.engine.link = kind;
    rig.engine.watchdog = Duration::from_secs(1);
    assert_eq!(rig.engine.cpu, None);
    let request = LinkRequest {
        interface: &veth.master,
        section: &rig.engine,
        slots: SLOTS,
        replace_program: false,
        cycle: rig.period(),
    };
    let opened = open_link(&request).unwrap();
    let switch = Switch::default();
    let link = OpenLink { link: Box::new(Guarded { inner: opened.link, switch: switch.clone() }), ..opened };
    let session = Session::start_on(rig.check().unwrap(), link, SessionOptions::default(), || false).unwrap();
    let forbidden = switch.forbid();
    let first = session.status().counters.cycle;
    let (mut answered, deadline) = (0, Instant::now() + PATIENCE);
    while session.status().counters.cycle - first < CYCLES {
        let status = session.status();
        assert!(status.alive && Instant::now() < deadline, "{status:?}");
        // The acyclic lane allocates as little as the cyclic one. On a busy machine an answer may come too late.
        answered += u32::from(session.states().is_ok_and(|states| states.len() == 6));
        std::thread::sleep(Duration::from_millis(50));
    }
    drop(forbidden);
    assert!(answered > 0, "nobody answered what states they are in");
    let ended = session.stop().unwrap();
    drop(simulation);
    assert!(ended.failed.is_empty(), "{:?}", ended.failed);
    ended.report
}

fn assert_quiet(report: &Report) {
    assert_eq!(report.missing, [] as [String; 0]);
    assert!(report.cycles.done + report.cycles.skipped >= CYCLES, "{report:?}");
    assert_eq!(report.working_counter_faults, 0);
    assert_eq!(report.rt.allocations, Some(0));
    assert_eq!((report.rt.page_faults_minor, report.rt.page_faults_major), (Some(0), Some(0)));
    let [read, write] = report.tasks.as_slice() else { panic!("{:?}", report.tasks) };
    assert!(read.samples > 0 && write.samples > 0 && write.commands > 0, "{:?}", report.tasks);
}

#[test]
fn af_xdp_neither_allocates_nor_faults() {
    in_private_netns(|veth| {
        let report = exchange(veth, LinkKind::Xdp);
        assert_eq!((report.link.kind, report.link.mode_got), ("xdp", Some("native_copy")));
        assert_quiet(&report);
    });
}

#[test]
fn af_packet_neither_allocates_nor_faults() {
    in_private_netns(|veth| {
        let report = exchange(veth, LinkKind::Packet);
        assert_eq!(report.link.kind, "packet");
        assert_quiet(&report);
    });
}
