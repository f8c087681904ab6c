//! Other users of an interface beside the rig: network managers, LLDP, DHCP, IPv6. The checks for them.

use super::packet_sockets::PacketSocket;
use crate::doctor::{Check, HostReading, Level, Question};
use crate::files;
use std::path::Path;

/// Names of processes, cut to 15 characters as the kernel does.
const NETWORK_MANAGER: &str = "NetworkManager";
const NETWORKD: &str = "systemd-network";
const LLDP: [&str; 3] = ["lldpd", "lldpad", "ladvd"];
const DHCP: [&str; 3] = ["dhclient", "dhcpcd", "udhcpc"];
/// EtherTypes (IEEE 802 numbers of IANA).
const LLDP_TYPE: u16 = 0x88cc;
const IP_TYPE: u16 = 0x0800;

/// Other users of an interface. `None` is what couldn't be read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Managers {
    /// Whether NetworkManager reports that it manages the interface; also `None` if it reports nothing.
    pub network_manager: Option<bool>,
    /// State that systemd-networkd reports: `configured`, `unmanaged`.
    pub networkd: Option<String>,
    /// Whether the calling thread is in the network namespace of process 1, which those two manage.
    pub in_first_namespace: bool,
    /// Number of AF_PACKET sockets on it for LLDP and for IP.
    pub sockets: Option<(usize, usize)>,
    /// Whether IPv6 is disabled on it, or missing from the kernel.
    pub ipv6_off: Option<bool>,
}

impl Managers {
    /// Reads them for the interface `name` with number `index` in the calling thread's network namespace.
    pub(super) fn read(root: &Path, name: &str, index: u32, sockets: Option<&[PacketSocket]>) -> Self {
        let namespace = |process: &str| root.join(format!("proc/{process}/ns/net")).read_link().ok();
        let networkd = files::text(root, &format!("run/systemd/netif/links/{index}"));
        let network_manager = files::text(root, &format!("run/NetworkManager/devices/{index}"));
        let value_of = |text: Option<String>, key: &str| {
            text.and_then(|text| Some(text.lines().find_map(|line| line.strip_prefix(key))?.to_owned()))
        };
        let ipv6 = format!("proc/sys/net/ipv6/conf/{name}/disable_ipv6");
        let no_ipv6 = root.join("proc/sys/net").exists() && !root.join("proc/sys/net/ipv6").exists();
        Self {
            network_manager: value_of(network_manager, "managed=").map(|value| value == "true"),
            networkd: value_of(networkd, "ADMIN_STATE="),
            in_first_namespace: namespace("thread-self").is_some_and(|own| Some(own) == namespace("1")),
            sockets: sockets.map(|all| (bound(all, LLDP_TYPE, index), bound(all, IP_TYPE, index))),
            ipv6_off: if no_ipv6 { Some(true) } else { files::number::<u8>(root, &ipv6).map(|value| value != 0) },
        }
    }
}

/// Sockets of a protocol that are bound to this interface alone.
fn bound(sockets: &[PacketSocket], protocol: u16, index: u32) -> usize {
    sockets.iter().filter(|socket| **socket == PacketSocket { protocol, interface: index }).count()
}

/// Judges the other users of the interface `name`.
#[must_use]
pub(super) fn judge_managers(name: &str, managers: &Managers, host: &HostReading) -> Vec<Check> {
    vec![managed(name, managers, host), discovery(name, managers, host), ipv6(name, managers)]
}

fn managed(name: &str, managers: &Managers, host: &HostReading) -> Check {
    let question = Question {
        id: "network_manager",
        title: "Network managers",
        wanted: "the interface unmanaged",
        why: "NetworkManager and networkd assign addresses, send DHCP requests, and take the interface down and up",
    };
    let (Some(manager), Some(networkd)) = (host.runs(NETWORK_MANAGER), host.runs(NETWORKD)) else {
        return question.unknown("/proc shows no processes");
    };
    if !manager && !networkd {
        return question.ok("neither NetworkManager nor networkd is running");
    }
    if !managers.in_first_namespace {
        return question.unknown("they run in another network namespace, or that can't be determined");
    }
    let mut by = Vec::new();
    let mut fixes = Vec::new();
    if manager && managers.network_manager == Some(true) {
        by.push("NetworkManager".to_owned());
        fixes.push(format!("nmcli device set {name} managed no"));
    }
    if let Some(state) = managers.networkd.as_deref().filter(|state| networkd && *state != "unmanaged") {
        by.push(format!("networkd ({state})"));
        fixes.push(format!(
            "printf '[Match]\\nName={name}\\n[Link]\\nUnmanaged=yes\\n' > /etc/systemd/network/00-{name}.network && \
             networkctl reload"
        ));
    }
    let reported = (!manager || managers.network_manager.is_some()) && (!networkd || managers.networkd.is_some());
    match (by.is_empty(), reported) {
        (false, _) => question.finding(Level::Warn, format!("by {}", by.join(" and ")), fixes.join("; ")),
        (true, true) => question.ok("unmanaged"),
        (true, false) => question.unknown("a manager is running, but its state of this interface can't be read"),
    }
}

fn discovery(name: &str, managers: &Managers, host: &HostReading) -> Check {
    let question = Question {
        id: "lldp_dhcp",
        title: "LLDP and DHCP",
        wanted: "none on the interface",
        why: "their frames travel between those of the rig and delay a cycle",
    };
    let Some((lldp, ip)) = managers.sockets else { return question.unknown("/proc/net/packet can't be read") };
    let running = |names: &[&'static str]| -> Vec<_> {
        names.iter().copied().filter(|name| host.runs(name) == Some(true)).collect()
    };
    let (daemons, clients) = (running(&LLDP), running(&DHCP));
    let mut found = Vec::new();
    if lldp > 0 {
        found.push(format!("{lldp} sockets for LLDP (0x88cc)"));
    }
    if ip > 0 {
        found.push(format!("{ip} sockets for IP (0x0800), typical of DHCP clients"));
    }
    if managers.in_first_namespace {
        found.extend(daemons.iter().map(|name| format!("{name} is running")));
    }
    if found.is_empty() {
        return match clients.as_slice() {
            [] => question.ok("none"),
            clients => question.info(format!("{} is running, perhaps for another interface", clients.join(", "))),
        };
    }
    let fix = format!(
        "ss --packet --processes shows their owners; lldpd: lldpcli configure ports {name} lldp status disabled; \
         networkd: EmitLLDP=no and LLDP=no; dhclient: dhclient -x {name}"
    );
    question.finding(Level::Warn, found.join(", "), fix)
}

fn ipv6(name: &str, managers: &Managers) -> Check {
    let question = Question {
        id: "ipv6",
        title: "IPv6",
        wanted: "disabled on the interface",
        why: "even without an address, the kernel solicits routers and reports multicast groups when the link comes up",
    };
    match managers.ipv6_off {
        None => question.unknown(&format!("/proc/sys/net/ipv6/conf/{name}/disable_ipv6 can't be read")),
        Some(true) => question.ok("disabled"),
        // With `/` as separator a dot may be part of the name (sysctl(8)).
        Some(false) => question.finding(Level::Warn, "enabled", format!("sysctl net/ipv6/conf/{name}/disable_ipv6=1")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::interface::packet_sockets;
    use zerocat_testkit::FakeTree;

    const NM: (&str, &str) = ("proc/90/comm", "NetworkManager\n");
    const ND: (&str, &str) = ("proc/91/comm", "systemd-network\n");
    const NM_STATE: &str = "run/NetworkManager/devices/3";
    const ND_STATE: &str = "run/systemd/netif/links/3";
    const PACKET: &str = "proc/thread-self/net/packet";

    #[track_caller]
    fn level(id: &str, files: &[(&str, &str)]) -> Level {
        let tree = FakeTree::new(files);
        for process in ["thread-self", "1"] {
            tree.link(&format!("proc/{process}/ns/net"), "net:[4026531840]");
        }
        judged(id, &tree)
    }

    #[track_caller]
    fn judged(id: &str, tree: &FakeTree) -> Level {
        let sockets = packet_sockets::read(tree.root());
        let managers = Managers::read(tree.root(), "eth1", 3, sockets.as_deref());
        let host = HostReading::read(tree.root());
        let checks = judge_managers("eth1", &managers, &host);
        let check = checks.into_iter().find(|check| check.id == id).unwrap_or_else(|| panic!("{id}"));
        assert_eq!(check.level == Level::Warn, check.fix.is_some(), "{check:?}");
        check.level
    }

    #[test]
    fn a_managed_interface_is_a_warning() {
        assert_eq!(level("network_manager", &[NM, (NM_STATE, "[device]\nmanaged=true\n")]), Level::Warn);
        assert_eq!(level("network_manager", &[NM, (NM_STATE, "[device]\nmanaged=false\n")]), Level::Ok);
        assert_eq!(level("network_manager", &[ND, (ND_STATE, "ADMIN_STATE=configuring\n")]), Level::Warn);
        assert_eq!(level("network_manager", &[ND, (ND_STATE, "ADMIN_STATE=unmanaged\n")]), Level::Ok);
    }

    #[test]
    fn a_manager_that_does_not_run_does_not_count_and_one_that_reports_nothing_is_unknown() {
        let other = ("proc/9/comm", "init\n");
        assert_eq!(level("network_manager", &[other, (NM_STATE, "managed=true\n")]), Level::Ok);
        assert_eq!(level("network_manager", &[NM]), Level::Info);
        assert_eq!(level("network_manager", &[]), Level::Info, "no process can be seen");
    }

    #[test]
    fn a_manager_in_another_namespace_manages_another_interface() {
        let tree = FakeTree::new(&[NM, (NM_STATE, "managed=true\n")]);
        tree.link("proc/thread-self/ns/net", "net:[4026531999]");
        tree.link("proc/1/ns/net", "net:[4026531840]");
        assert_eq!(judged("network_manager", &tree), Level::Info);
    }

    #[test]
    fn sockets_for_lldp_or_ip_on_this_interface_are_a_warning() {
        let list = |line: &str| format!("sk       RefCnt Type Proto  Iface R Rmem   User   Inode\n{line}\n");
        let sockets = |line: &str| level("lldp_dhcp", &[(PACKET, &list(line))]);
        assert_eq!(sockets("0000000000000000 3      3    88cc   3     1 0      0      1234"), Level::Warn);
        assert_eq!(sockets("0000000000000000 3      2    0800   3     1 0      0      1234"), Level::Warn);
        assert_eq!(sockets("0000000000000000 3      3    88cc   2     1 0      0      1234"), Level::Ok);
        assert_eq!(level("lldp_dhcp", &[]), Level::Info);
    }

    #[test]
    fn a_daemon_for_lldp_uses_all_interfaces_and_a_dhcp_client_perhaps_another() {
        let with = |comm| level("lldp_dhcp", &[(PACKET, "sk\n"), ("proc/90/comm", comm)]);
        assert_eq!(with("lldpd\n"), Level::Warn);
        assert_eq!(with("dhclient\n"), Level::Info);
        assert_eq!(with("init\n"), Level::Ok);
    }

    #[test]
    fn ipv6_should_be_disabled_even_without_an_address() {
        let file = "proc/sys/net/ipv6/conf/eth1/disable_ipv6";
        assert_eq!(level("ipv6", &[(file, "0\n")]), Level::Warn);
        assert_eq!(level("ipv6", &[(file, "1\n")]), Level::Ok);
        assert_eq!(level("ipv6", &[("proc/sys/net/core/x", "1\n")]), Level::Ok, "a kernel without IPv6");
        assert_eq!(level("ipv6", &[]), Level::Info);
    }
}
