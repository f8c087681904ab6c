//! Faults of the simulator, and a stop, at moments drawn from a seed: whatever comes together, the run ends, the program is
//! off the interface, and outputs are safe or their watchdogs have acted. The same under virtual time is the campaign.

use crate::bench_set::{Folder, Segment, demo_rig, interface};
use crate::program::Program;
use nix::sys::signal::Signal;
use serde_json::json;
use std::time::Duration;
use zerocat_testkit::netns::{Veth, in_private_netns, ip};

/// Exit codes that such a run may have: done, failed while running, link or bus not to be had, out of OP at the end.
const CODES: [Option<i32>; 5] = [Some(0), Some(1), Some(4), Some(5), Some(8)];

/// A row of numbers that follows from its seed (xorshift64).
struct Draw(u64);

impl Draw {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }

    fn pause(&mut self, most: u64) {
        std::thread::sleep(Duration::from_millis(self.below(most)));
    }
}

/// Does something to the network, the interfaces or the program.
fn disturb(draw: &mut Draw, segment: &mut Segment, program: &Program, veth: &Veth) {
    let faults = [
        "pull 0",
        "plug 0",
        "pull 3",
        "plug 3",
        "drop 100%",
        "drop every 2",
        "faults off",
        "delay 1 frames 100%",
        "delay off",
        "power off axis",
        "power on axis",
        "al-error axis 0x001b SAFE-OP",
        "damage axis 20",
    ];
    match draw.below(10) {
        0 => {
            program.signal(Signal::SIGSTOP);
            draw.pause(600);
            program.signal(Signal::SIGCONT);
        }
        1 => {
            ip(&format!("link set {} down", veth.peer));
            draw.pause(600);
            ip(&format!("link set {} up", veth.peer));
        }
        _ => {
            let index = usize::try_from(draw.below(faults.len() as u64)).unwrap();
            segment.command(faults[index]);
        }
    }
}

fn one_run(seed: u64, link: &str) {
    in_private_netns(|veth| {
        let mut draw = Draw(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        let (mut segment, folder) = (Segment::demo(veth), Folder::new());
        let mut rig = demo_rig(&veth.master);
        rig["engine"]["watchdog"] = json!("200ms");
        rig["engine"]["link"] = json!(link);
        let program = Program::start(&["run", &folder.json("rig.json", &rig), "--quiet"]);
        draw.pause(1500);
        for _ in 0..1 + draw.below(4) {
            disturb(&mut draw, &mut segment, &program, veth);
            draw.pause(500);
        }
        let ended = program.stop(Signal::SIGTERM);
        assert!(CODES.contains(&ended.code), "seed {seed} over {link}: {:?}\n{}", ended.code, ended.err);
        assert!(!ended.err.contains("panicked"), "seed {seed} over {link}:\n{}", ended.err);
        assert!(interface(&veth.master)["xdp"].is_null(), "seed {seed} over {link}: the program is still there");
        // Longer than the watchdog of 200 ms.
        std::thread::sleep(Duration::from_millis(500));
        let axis = segment.end().subdevice("axis")["state"].clone();
        assert_ne!(axis, json!("OP"), "seed {seed} over {link}");
    });
}

#[test]
fn whatever_happens_over_af_xdp_a_run_ends_and_leaves_nothing_live() {
    (1..6).for_each(|seed| one_run(seed, "xdp"));
}

#[test]
fn whatever_happens_over_af_packet_a_run_ends_and_leaves_nothing_live() {
    (11..16).for_each(|seed| one_run(seed, "packet"));
}
