//! Tunes a real veth pair with a fake tree of `/proc` and `/sys`, and asks `doctor` afterwards.

use super::*;
use crate::doctor::{HostReading, InterfaceFiles, InterfaceReading, Level, Wanted, judge_interface};
use crate::nic::{Coalescing, NicControl, NicGroup, XdpFeatures};
use std::collections::BTreeMap;
use std::fs;
use zerocat_testkit::FakeTree;
use zerocat_testkit::netns::{Veth, in_private_netns, ip};
use zerocat_xdp::NapiKnob;

/// The tree of a machine with two CPUs, where `zc-master` has two interrupts and NAPI knobs.
fn tree(veth: &Veth) -> FakeTree {
    let index = NicSettings::of_interface(&veth.master).unwrap().index;
    let class = format!("sys/class/net/{}", veth.master);
    let files = [
        (format!("{class}/ifindex"), format!("{index}\n")),
        (format!("{class}/napi_defer_hard_irqs"), "2\n".to_owned()),
        (format!("{class}/gro_flush_timeout"), "20000\n".to_owned()),
        (format!("{class}/threaded"), "0\n".to_owned()),
        (format!("{class}/device/msi_irqs/40"), "msix\n".to_owned()),
        (format!("{class}/device/msi_irqs/41"), "msix\n".to_owned()),
        ("proc/irq/40/zc-master-0/x".to_owned(), String::new()),
        ("proc/irq/40/smp_affinity_list".to_owned(), "0-1\n".to_owned()),
        ("proc/irq/41/zc-master-1/x".to_owned(), String::new()),
        ("proc/irq/41/smp_affinity_list".to_owned(), "1\n".to_owned()),
        ("proc/irq/42/other/x".to_owned(), String::new()),
        ("proc/irq/42/smp_affinity_list".to_owned(), "0-1\n".to_owned()),
        ("sys/devices/system/cpu/online".to_owned(), "0-1\n".to_owned()),
    ];
    FakeTree::new(&files.each_ref().map(|(path, text)| (path.as_str(), text.as_str())))
}

fn request(veth: &Veth, tree: &FakeTree, action: Action) -> TuneRequest {
    TuneRequest { cpu: Some(1), state: tree.path("state.json"), ..TuneRequest::new(&veth.master, action) }
}

fn does(veth: &Veth, tree: &FakeTree, action: Action) -> Tuned {
    tune_below(tree.root(), &request(veth, tree, action), &mut |_| {}).unwrap()
}

fn text(tree: &FakeTree, path: &str) -> String {
    tree.text(path).trim().to_owned()
}

#[test]
fn interrupts_and_polling_of_this_interface_alone_are_changed_and_restored() {
    in_private_netns(|veth| {
        let tree = tree(veth);
        let files = || {
            let knob = |knob: NapiKnob| text(&tree, &format!("sys/class/net/{}/{}", veth.master, knob.file()));
            let irqs = [40, 41, 42].map(|irq| text(&tree, &format!("proc/irq/{irq}/smp_affinity_list")));
            (irqs, [NapiKnob::DeferHardIrqs, NapiKnob::GroFlushTimeout, NapiKnob::Threaded].map(knob))
        };
        let tuned = does(veth, &tree, Action::Apply);
        let of = |name: &str| tuned.settings.iter().find(|row| row.setting.to_string() == name).unwrap().outcome;
        assert_eq!((of("irq zc-master-0"), of("napi_defer_hard_irqs")), (Outcome::Changed, Outcome::Changed));
        assert_eq!((of("coalescing"), of("threaded")), (Outcome::Unavailable, Outcome::AsWanted));
        // Interrupts leave the realtime CPU; another device's stays where it is.
        assert_eq!(files(), (["0", "0", "0-1"].map(str::to_owned), ["0", "0", "0"].map(str::to_owned)));
        does(veth, &tree, Action::Restore(ChangedSince::Leave));
        assert_eq!(files(), (["0,1", "1", "0-1"].map(str::to_owned), ["2", "20000", "0"].map(str::to_owned)));
        assert!(!tree.path("state.json").exists());
    });
}

#[test]
fn interrupts_go_to_the_named_cpu_which_must_exist() {
    in_private_netns(|veth| {
        let tree = tree(veth);
        let mut to_cpu = TuneRequest { irq_cpu: Some(1), ..request(veth, &tree, Action::Apply) };
        tune_below(&tree.path(""), &to_cpu, &mut |_| {}).unwrap();
        assert_eq!(text(&tree, "proc/irq/40/smp_affinity_list"), "1");
        to_cpu.irq_cpu = Some(7);
        let refused = tune_below(&tree.path(""), &to_cpu, &mut |_| {});
        assert!(matches!(refused, Err(TuneError::NoSuchCpu { cpu: 7, .. })), "{refused:?}");
    });
}

#[test]
fn without_permission_nothing_is_tried() {
    in_private_netns(|veth| {
        let tree = tree(veth);
        fs::create_dir_all(tree.path("proc/self")).unwrap();
        fs::write(tree.path("proc/self/status"), "CapEff:\t0000000000000000\n").unwrap();
        let refused = tune_below(&tree.path(""), &request(veth, &tree, Action::Apply), &mut |_| {});
        assert!(matches!(refused, Err(TuneError::NotPermitted { .. })), "{refused:?}");
        let planned = tune_below(&tree.path(""), &request(veth, &tree, Action::DryRunApply), &mut |_| {});
        assert!(planned.unwrap().count(Outcome::WouldChange) > 0, "a dry run needs no permission");
    });
}

#[test]
fn an_interface_that_another_maindevice_uses_is_changed_only_by_force() {
    in_private_netns(|veth| {
        let tree = tree(veth);
        let index = NicSettings::of_interface(&veth.master).unwrap().index;
        let packet = tree.path("proc/thread-self/net/packet");
        fs::create_dir_all(packet.parent().unwrap()).unwrap();
        fs::write(packet, format!("sk RefCnt\n00 3 3 88a4 {index} 1 0 0 1\n")).unwrap();
        for action in [Action::Apply, Action::Restore(ChangedSince::Leave)] {
            let refused = tune_below(&tree.path(""), &request(veth, &tree, action), &mut |_| {});
            assert!(matches!(refused, Err(TuneError::InUse { .. })), "{refused:?}");
        }
        let forced = TuneRequest { in_use: WhileInUse::Override, ..request(veth, &tree, Action::Apply) };
        assert!(tune_below(&tree.path(""), &forced, &mut |_| {}).is_ok());
    });
}

#[test]
fn additional_queues_are_removed_and_restored() {
    in_private_netns(|_| {
        ip("link add zc-many numrxqueues 4 numtxqueues 4 type veth peer name zc-other");
        let many = Veth { master: "zc-many".to_owned(), peer: "zc-other".to_owned() };
        NicControl::of_interface("zc-many").unwrap().write(NicGroup::Queues, &[("rx", 3)]).unwrap();
        let tree = tree(&many);
        let queues = || NicSettings::of_interface("zc-many").unwrap().queues;
        does(&many, &tree, Action::Apply);
        assert_eq!(queues(), Some(1));
        does(&many, &tree, Action::Restore(ChangedSince::Leave));
        assert_eq!(queues(), Some(3));
    });
}

/// An interface whose group has these values.
fn interface_with(group: NicGroup, words: &BTreeMap<String, u32>) -> InterfaceReading {
    let word = |name: &str| words[name];
    let mut settings = NicSettings { name: "eth1".to_owned(), ..NicSettings::default() };
    match group {
        NicGroup::Queues => settings.queues = Some(word("rx") + word("combined")),
        NicGroup::EnergyEfficient => settings.energy_efficient = Some(word("eee") != 0),
        NicGroup::Pause => settings.pause = Some(word("rx") != 0 || word("tx") != 0),
        NicGroup::Coalescing => {
            settings.coalescing = Some(Coalescing {
                receive_us: word("rx-usecs"),
                receive_frames: word("rx-frames"),
                transmit_us: word("tx-usecs"),
                transmit_frames: word("tx-frames"),
                adaptive: word("adaptive-rx") != 0 || word("adaptive-tx") != 0,
            });
        }
    }
    let files = InterfaceFiles::default();
    InterfaceReading { settings, features: Ok(XdpFeatures::default()), resident: Ok(None), files }
}

#[test]
fn what_tune_plans_is_what_doctor_wants() {
    let groups = [
        (NicGroup::Queues, vec![("rx", 2), ("tx", 2), ("other", 1), ("combined", 4)]),
        (NicGroup::EnergyEfficient, vec![("eee", 1), ("advertise", 40), ("tx-lpi", 1), ("tx-timer", 17)]),
        (NicGroup::Pause, vec![("autoneg", 1), ("rx", 1), ("tx", 1)]),
        (
            NicGroup::Coalescing,
            vec![
                ("rx-usecs", 3),
                ("rx-frames", 64),
                ("tx-usecs", 3),
                ("tx-frames", 0),
                ("adaptive-rx", 1),
                ("adaptive-tx", 1),
            ],
        ),
    ];
    let preferences = Preferences { irq_cpu: IrqCpu::Exactly(0), threaded: ThreadedNapi::Leave };
    let wanted = Wanted {
        cpu: None,
        priority: 80,
        period: None,
        spins: false,
        xdp: true,
        busy_polls: false,
        huge_pages: false,
        taps: false,
    };
    for (group, words) in groups {
        let now = Value::words(words);
        let reading = Reading { setting: Setting::Group(group), found: Found::Is(now.clone()) };
        let item = plan(&[reading], &preferences).remove(0);
        let level = |value: &Value| {
            let Value::Words(words) = value else { panic!("{value}") };
            let mut checks =
                judge_interface(&interface_with(group, words), &HostReading::default(), &wanted).into_iter();
            checks.find(|check| check.id == item.check).unwrap().level
        };
        assert_eq!(level(&now), Level::Warn, "{now}");
        assert!(!item.to.is_empty());
        assert!(item.to.iter().all(|to| level(to) == Level::Ok), "{:?}", item.to);
    }
}
