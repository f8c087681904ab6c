//! What `zerocat sim` does when an interface that it serves is removed, moved to another network namespace, or only down.

use crate::program::Program;
use crate::raw::Bus;
use crate::running::{Running, parse};
use std::process::{Child, Command, Stdio};
use zerocat_testkit::netns::{in_private_netns, ip, second_cable};

/// A process in a network namespace of its own, to which an interface can be moved.
struct Elsewhere(Child);

impl Elsewhere {
    fn new() -> Self {
        let mut process = Command::new("unshare");
        process.args(["--net", "sh", "-c", "echo ready; exec sleep 60"]).stdout(Stdio::piped());
        let mut process = process.spawn().unwrap();
        let mut said = [0; 6];
        std::io::Read::read_exact(process.stdout.as_mut().unwrap(), &mut said).unwrap();
        Self(process)
    }
}

impl Drop for Elsewhere {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Waits until it has ended because of an interface; what it served is told all the same.
fn ended_without(sim: Program, interface: &str) {
    let ended = sim.end().with_code(1).saying(&[interface, "removed", "another network namespace"]);
    assert_eq!(parse(ended.out.lines().last().unwrap())["schema"], "zerocat-served/1");
}

#[test]
fn a_segment_ends_when_its_interface_is_removed() {
    in_private_netns(|veth| {
        let sim = Running::at(veth, &[]);
        assert_eq!(Bus::at(&veth.master).count(), 6);
        ip(&format!("link del {}", veth.peer));
        ended_without(sim.program, &veth.peer);
    });
}

#[test]
fn a_segment_ends_when_its_interface_is_moved_to_another_namespace() {
    in_private_netns(|veth| {
        let elsewhere = Elsewhere::new();
        let sim = Running::at(veth, &[]);
        ip(&format!("link set {} netns {}", veth.peer, elsewhere.0.id()));
        ended_without(sim.program, &veth.peer);
    });
}

#[test]
fn a_segment_with_two_ends_ends_when_either_interface_is_removed() {
    in_private_netns(|a| {
        let b = second_cable();
        let sim = Running::at(a, &["--second-interface", &b.peer]);
        ip(&format!("link del {}", b.peer));
        ended_without(sim.program, &b.peer);
        let b = second_cable();
        let sim = Running::at(a, &["--second-interface", &b.peer]);
        ip(&format!("link del {}", a.peer));
        ended_without(sim.program, &a.peer);
    });
}

#[test]
fn an_interface_that_is_down_is_waited_for() {
    in_private_netns(|veth| {
        let mut sim = Running::at(veth, &[]);
        ip(&format!("link set {} down", veth.peer));
        // Carried out by a segment that goes on.
        sim.done("pull axis");
        ip(&format!("link set {} up", veth.peer));
        assert_eq!(Bus::at(&veth.master).count(), 5);
        sim.quit();
    });
}
