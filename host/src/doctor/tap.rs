//! The check of what interfaces for Ethernet of SubDevices (EoE) need: the kernel's TAP, and the right to make one. Only where the rig
//! file asks for such an interface.

use super::Wanted;
use super::check::{Check, Level, Question};
use super::machine::HostReading;
use zerocat_sched::Capabilities;

pub(super) fn judge(reading: &HostReading, wanted: &Wanted) -> Option<Check> {
    wanted.taps.then(|| tap(reading))
}

fn tap(reading: &HostReading) -> Check {
    let question = Question {
        id: "tap",
        title: "Interfaces for EoE",
        wanted: "/dev/net/tun, and CAP_NET_ADMIN",
        why: "the rig file has interfaces for Ethernet of SubDevices; without them the run ends before anything is sent",
    };
    let container = "a container needs --device /dev/net/tun as well";
    match (reading.tun, reading.rights.capabilities) {
        (None, _) => {
            question.finding(Level::Error, "no /dev/net/tun", format!("modprobe tun; {container}"))
        }
        (Some(false), _) => question.finding(
            Level::Error,
            "/dev/net/tun can't be opened",
            format!("chmod 0666 /dev/net/tun, or modprobe tun; {container}"),
        ),
        (Some(true), None) => question.unknown("/proc/self/status can't be read"),
        (Some(true), Some(own)) if own.contains(Capabilities::NET_ADMIN) => question.ok("both"),
        (Some(true), Some(_)) => question.finding(
            Level::Warn,
            "no CAP_NET_ADMIN",
            "setcap cap_net_admin+ep $(which zerocat), with its others; or make each interface before, for this user: ip tuntap add \
             dev NAME mode tap user USER; ip link set NAME up",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::testing::{WANTED, judged, level};

    const TUN: (&str, &str) = ("dev/net/tun", "");
    const TAPS: Wanted = Wanted { taps: true, ..WANTED };

    #[test]
    fn interfaces_for_eoe_need_the_device_and_the_right_where_they_are_wanted() {
        let with = |capabilities| ("proc/self/status", capabilities);
        assert_eq!(level("tap", &[TUN, with("CapEff:\t0000000000001000\n")], &TAPS), Level::Ok);
        assert_eq!(level("tap", &[TUN, with("CapEff:\t0000000000002000\n")], &TAPS), Level::Warn);
        assert_eq!(level("tap", &[TUN], &TAPS), Level::Info);
        assert_eq!(level("tap", &[], &TAPS), Level::Error);
        assert!(judged(&[], &WANTED).iter().all(|check| check.id != "tap"));
    }
}
