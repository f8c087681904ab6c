//! What `zerocat sim` says when it can't begin.

use crate::program::zerocat;
use crate::running::Running;
use std::process::Command;
use zerocat_link::testing::{in_private_netns, ip};

#[test]
fn an_interface_that_is_missing_or_down_is_refused_with_what_to_do() {
    in_private_netns(|veth| {
        let ended = zerocat(&["sim", "--interface", "nowhere0"]).with_code(4);
        ended.saying(&["no interface nowhere0", &veth.master, &veth.peer]);
        let ended = zerocat(&["sim", "--interface", &veth.peer, "--second-interface", "nowhere1"]).with_code(4);
        ended.saying(&["no interface nowhere1"]);
        ip(&format!("link set {} down", veth.peer));
        let ended = zerocat(&["sim", "--interface", &veth.peer]).with_code(4);
        ended.saying(&[&format!("ip link set {} up", veth.peer)]);
    });
}

#[test]
fn without_privileges_it_says_which_one_is_missing() {
    in_private_netns(|veth| {
        let mut command = Command::new("setpriv");
        command.args(["--bounding-set", "-net_raw", env!("CARGO_BIN_EXE_zerocat"), "sim", "--interface", &veth.peer]);
        let ended = command.output().unwrap();
        let said = String::from_utf8_lossy(&ended.stderr).into_owned();
        assert_eq!(ended.status.code(), Some(4), "{said}");
        assert!(said.contains("CAP_NET_RAW") && said.contains("root"), "{said}");
    });
}

#[test]
fn an_interface_is_served_by_one_segment() {
    in_private_netns(|veth| {
        let sim = Running::at(veth, &[]);
        let ended = zerocat(&["sim", "--interface", &veth.peer]).with_code(4);
        ended.saying(&[&veth.peer, "another `zerocat sim`"]);
        let ended = zerocat(&["sim", "--interface", &veth.master, "--second-interface", &veth.peer]).with_code(4);
        ended.saying(&[&veth.peer, "another `zerocat sim`"]);
        sim.quit();
        Running::at(veth, &[]).quit();
        let ended = zerocat(&["sim", "--interface", &veth.peer, "--second-interface", &veth.peer]).with_code(2);
        ended.saying(&["both ends", &veth.peer]);
    });
}
