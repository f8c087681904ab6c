//! Checks of what the driver and the network stack say about an interface.

use super::{InterfaceReading, tunable};
use crate::doctor::{Check, Level, Question, Wanted};
use crate::nic::{NicSettings, XdpFeatures};
use zerocat_xdp::XdpError;

const PRESENT: Question = Question {
    id: "interface",
    title: "Interface",
    wanted: "present and up",
    why: "frames are sent through this interface only, and only while it is up",
};

/// The answer if the interface can't be used.
pub(in crate::doctor) fn missing(error: &XdpError) -> Check {
    PRESENT.finding(Level::Error, zerocat_faults::chain(error), "name an interface of `ip link`")
}

pub(super) fn judge(reading: &InterfaceReading, wanted: &Wanted) -> Vec<Check> {
    let nic = &reading.settings;
    vec![
        present(nic),
        carrier(nic),
        speed(nic),
        mtu(nic, wanted),
        bus(nic),
        features(reading, wanted),
        resident(reading),
        tunable::queues(nic),
        tunable::coalescing(nic),
        tunable::energy_efficient(nic),
        tunable::pause(nic),
        tunable::offloads(nic),
        addresses(nic),
    ]
}

fn present(nic: &NicSettings) -> Check {
    let driver = nic.driver.as_deref().unwrap_or("unknown driver");
    match nic.up {
        None => PRESENT.unknown("its flags can't be read"),
        Some(true) => PRESENT.ok(format!("{} ({driver}), up", nic.name)),
        Some(false) => PRESENT.finding(
            Level::Error,
            format!("{} ({driver}), down", nic.name),
            format!("ip link set dev {} up", nic.name),
        ),
    }
}

fn carrier(nic: &NicSettings) -> Check {
    let question = Question {
        id: "carrier",
        title: "Carrier",
        wanted: "yes",
        why: "without a carrier nothing is connected, or the SubDevice at the other end has no power",
    };
    if nic.up == Some(false) {
        return question.unknown("the interface is down");
    }
    match nic.carrier {
        None => question.unknown("the driver doesn't report it"),
        Some(true) => question.ok("yes"),
        Some(false) => {
            question.finding(Level::Error, "no", "check the cable, the plug and the power of the first SubDevice")
        }
    }
}

fn speed(nic: &NicSettings) -> Check {
    let question = Question {
        id: "link_speed",
        title: "Link speed",
        wanted: "100 Mb/s, full duplex",
        why: "EtherCAT is 100BASE-TX in full duplex; at another speed the other end is no SubDevice",
    };
    let (Some(speed), Some(full)) = (nic.speed_mbit, nic.full_duplex) else {
        return question.unknown("the driver doesn't report it, or there is no link");
    };
    let found = format!("{speed} Mb/s, {} duplex", if full { "full" } else { "half" });
    if nic.bus.is_none() {
        return question.info(format!("{found} (a virtual interface)"));
    }
    if speed == 100 && full {
        return question.ok(found);
    }
    let fix = format!("ethtool -s {} speed 100 duplex full autoneg on; check what is connected", nic.name);
    question.finding(Level::Error, found, fix)
}

fn mtu(nic: &NicSettings, wanted: &Wanted) -> Check {
    let question = Question {
        id: "mtu",
        title: "MTU",
        wanted: "1500",
        why: "EtherCAT frames are up to 1514 bytes; several drivers refuse XDP above 1500",
    };
    match nic.mtu {
        None => question.unknown("it can't be read"),
        Some(1500) => question.ok("1500"),
        Some(more) if more > 1500 && !wanted.xdp => {
            question.info(format!("{more}, which is no problem for link `packet`"))
        }
        Some(other) => {
            question.finding(Level::Error, other.to_string(), format!("ip link set dev {} mtu 1500", nic.name))
        }
    }
}

fn bus(nic: &NicSettings) -> Check {
    let question = Question {
        id: "nic_bus",
        title: "Bus of the NIC",
        wanted: "PCI Express, or part of the processor",
        why: "USB transfers frames only when the host controller polls: 125 us or more each way",
    };
    match nic.bus.as_deref() {
        None => question.info("none: a virtual interface, or the driver doesn't report it"),
        Some(usb) if usb.starts_with("usb-") => {
            question.finding(Level::Warn, usb, "use a PCI Express NIC, best one whose driver has zero-copy (igb, igc)")
        }
        Some(other) => question.ok(other),
    }
}

fn features(reading: &InterfaceReading, wanted: &Wanted) -> Check {
    let question = Question {
        id: "xdp_features",
        title: "XDP in the driver",
        wanted: "native, redirect and zero-copy",
        why: "zero-copy is the fastest mode; whether it works is certain only when `zerocat run` binds the socket",
    };
    let supported = match &reading.features {
        Err(error) => return question.unknown(error),
        Ok(supported) => supported,
    };
    if *supported == XdpFeatures::default() {
        // Kernels before 6.3 say the same for every driver.
        return question.info("none reported (a driver without XDP, or Linux before 6.3): generic mode");
    }
    let stamps = ("receive stamps by the NIC, which zerocat doesn't use", supported.receive_stamps);
    let names =
        [("native", supported.native), ("redirect", supported.redirect), ("zero-copy", supported.zero_copy), stamps];
    let listed: Vec<_> = names.into_iter().filter(|(_, has)| *has).map(|(name, _)| name).collect();
    let found = listed.join(", ");
    match (supported.native && supported.redirect && supported.zero_copy, wanted.xdp) {
        (true, _) => question.ok(found),
        (false, true) => {
            question.finding(Level::Warn, found, "use a NIC whose driver has zero-copy; copying works, but is slower")
        }
        (false, false) => question.info(found),
    }
}

fn resident(reading: &InterfaceReading) -> Check {
    let question = Question {
        id: "xdp_program",
        title: "XDP program",
        wanted: "none",
        why: "another program receives all frames first, and ours can't be attached",
    };
    match &reading.resident {
        Err(error) => question.unknown(error),
        Ok(None) => question.ok("none"),
        Ok(Some(resident)) => question.finding(Level::Error, resident.to_string(), resident.remedy()),
    }
}

fn addresses(nic: &NicSettings) -> Check {
    let question = Question {
        id: "addresses",
        title: "IP addresses",
        wanted: "none, and IPv6 disabled",
        why: "an interface with addresses sends ARP, DHCP and IPv6 frames onto the bus",
    };
    let Some(addresses) = &nic.addresses else { return question.unknown("they can't be listed") };
    if addresses.is_empty() {
        return question.ok("none");
    }
    let found: Vec<_> = addresses.iter().map(ToString::to_string).collect();
    let fix = format!(
        "ip addr flush dev {0}; sysctl net.ipv6.conf.{0}.disable_ipv6=1; make NetworkManager or networkd ignore it",
        nic.name
    );
    question.finding(Level::Warn, found.join(", "), fix)
}

#[cfg(test)]
pub(in crate::doctor) mod tests {
    use super::*;
    use crate::doctor::InterfaceFiles;
    use crate::nic::Coalescing;
    use std::net::{IpAddr, Ipv4Addr};
    use zerocat_xdp::{Attached, AttachedProgram, HeldBy};

    /// An igb port with all settings as wanted.
    pub(crate) fn good() -> InterfaceReading {
        InterfaceReading {
            settings: NicSettings {
                name: "enp3s0".to_owned(),
                index: 3,
                up: Some(true),
                carrier: Some(true),
                driver: Some("igb".to_owned()),
                bus: Some("0000:03:00.0".to_owned()),
                speed_mbit: Some(100),
                full_duplex: Some(true),
                mtu: Some(1500),
                queues: Some(1),
                coalescing: Some(Coalescing::default()),
                energy_efficient: Some(false),
                pause: Some(false),
                generic_receive_offload: Some(false),
                hardware_receive_offload: Some(false),
                large_receive_offload: Some(false),
                receive_vlan: Some(false),
                addresses: Some(Vec::new()),
            },
            features: Ok(XdpFeatures { native: true, redirect: true, zero_copy: true, receive_stamps: false }),
            resident: Ok(None),
            files: InterfaceFiles::default(),
        }
    }

    fn wanted(xdp: bool) -> Wanted {
        Wanted {
            cpu: None,
            priority: 80,
            period: None,
            spins: false,
            xdp,
            busy_polls: false,
            huge_pages: false,
            taps: false,
        }
    }

    fn level_for(xdp: bool, id: &str, change: impl FnOnce(&mut InterfaceReading)) -> Level {
        let mut facts = good();
        change(&mut facts);
        let mut checks = judge(&facts, &wanted(xdp)).into_iter();
        checks.find(|check| check.id == id).unwrap_or_else(|| panic!("{id}")).level
    }

    fn level(id: &str, change: impl FnOnce(&mut NicSettings)) -> Level {
        level_for(true, id, |facts| change(&mut facts.settings))
    }

    #[test]
    fn a_port_with_all_settings_as_wanted_is_ok() {
        assert!(judge(&good(), &wanted(true)).iter().all(|check| check.level == Level::Ok));
    }

    #[test]
    fn a_port_that_reports_nothing_is_unknown_and_not_ok() {
        let facts = InterfaceReading {
            settings: NicSettings::default(),
            features: Err("refused".to_owned()),
            resident: Err("refused".to_owned()),
            files: InterfaceFiles::default(),
        };
        assert!(judge(&facts, &wanted(true)).iter().all(|check| check.level == Level::Info));
    }

    #[test]
    fn a_port_that_cannot_carry_a_frame_is_an_error() {
        assert_eq!(level("interface", |nic| nic.up = Some(false)), Level::Error);
        assert_eq!(level("carrier", |nic| nic.carrier = Some(false)), Level::Error);
        assert_eq!(level("carrier", |nic| (nic.up, nic.carrier) = (Some(false), Some(false))), Level::Info);
        assert_eq!(level("link_speed", |nic| nic.speed_mbit = Some(1000)), Level::Error);
        assert_eq!(level("link_speed", |nic| nic.full_duplex = Some(false)), Level::Error);
        assert_eq!(level("mtu", |nic| nic.mtu = Some(9000)), Level::Error);
        assert_eq!(level("mtu", |nic| nic.mtu = Some(1400)), Level::Error);
        assert_eq!(level_for(false, "mtu", |facts| facts.settings.mtu = Some(9000)), Level::Info);
    }

    #[test]
    fn the_speed_of_a_virtual_port_is_a_note() {
        let veth = |nic: &mut NicSettings| (nic.bus, nic.speed_mbit) = (None, Some(10_000));
        assert_eq!(level("link_speed", veth), Level::Info);
    }

    #[test]
    fn what_makes_a_port_slow_is_a_warning() {
        assert_eq!(level("nic_bus", |nic| nic.bus = Some("usb-0000:00:14.0-2".to_owned())), Level::Warn);
        let address = IpAddr::V4(Ipv4Addr::LOCALHOST);
        assert_eq!(level("addresses", |nic| nic.addresses = Some(vec![address])), Level::Warn);
    }

    #[test]
    fn a_driver_that_copies_is_a_warning_for_a_rig_over_af_xdp_only() {
        let copies = |facts: &mut InterfaceReading| {
            facts.features = Ok(XdpFeatures { native: true, redirect: true, zero_copy: false, receive_stamps: false });
        };
        assert_eq!(level_for(true, "xdp_features", copies), Level::Warn);
        assert_eq!(level_for(false, "xdp_features", copies), Level::Info);
    }

    #[test]
    fn another_program_is_an_error() {
        let resident = AttachedProgram {
            interface: "enp3s0".to_owned(),
            id: 7,
            name: None,
            attached: Attached::Native,
            held_by: HeldBy::Netlink,
        };
        assert_eq!(level_for(true, "xdp_program", |facts| facts.resident = Ok(Some(resident))), Level::Error);
    }
}
