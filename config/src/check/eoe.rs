//! Interfaces and addresses of EoE: names that the kernel takes, each used once; addresses that a station can have, each once on the
//! switch.

use super::{Found, Unique};
use crate::eoe::{Eoe, EoeSection};
use crate::error::Rule;
use crate::rig::Rig;
use std::time::Duration;

/// Bytes of an interface's name (`IFNAMSIZ` less its end).
const NAME: usize = 15;
/// Bytes of a DNS name (ETG.1000.6, table 72).
const DNS_NAME: usize = 32;
/// Shortest time after which a switch forgets an address.
const SHORTEST_AGE: Duration = Duration::from_secs(1);

pub(super) fn eoe(rig: &Rig, found: &mut Found) {
    let mut interfaces = Unique::new();
    let network = &rig.network.properties;
    interfaces.taken(network.interface.as_str(), &network.at("interface"));
    if let Some(switch) = &rig.network.eoe_switch {
        if let Some(name) = &switch.interface {
            interface(name, "network.eoe_switch.interface".into(), &mut interfaces, found);
        }
        let what = format!("{:?} is less than {SHORTEST_AGE:?}", switch.age);
        found.demand(
            Rule::OutOfRange,
            switch.age >= SHORTEST_AGE,
            "network.eoe_switch.age",
            what,
            "give it some minutes",
        );
    }
    let mut addresses = Unique::new();
    for (i, slave) in rig.slaves.iter().enumerate() {
        let Eoe::Set(section) = &slave.eoe else { continue };
        let at = format!("slaves[{i}].eoe");
        if let Some(name) = &section.interface {
            interface(name, format!("{at}.interface"), &mut interfaces, found);
        }
        parameter(section, &at, found);
        let on_the_switch = rig.network.eoe_switch.is_some() && section.interface.is_none();
        if let Some(ip) = section.ip.filter(|_| on_the_switch) {
            let path = format!("{at}.ip");
            if let Some(first) = addresses.taken(ip, &path) {
                let what = format!("{ip} is already the address of {first}, on the same switch");
                found.add(Rule::Duplicate, path, what, "give each SubDevice its own address");
            }
        }
    }
}

fn interface<'a>(name: &'a str, path: String, interfaces: &mut Unique<&'a str>, found: &mut Found) {
    let sound = (1..=NAME).contains(&name.len()) && !name.contains(|c: char| c.is_whitespace() || "/:%".contains(c));
    if !sound || name == "." || name == ".." {
        let what = format!("`{name}` can't be the name of an interface");
        found.add(Rule::OutOfRange, path, what, "give a name of 1 to 15 letters and digits, such as \"eoe0\"");
    } else if let Some(first) = interfaces.taken(name, &path) {
        let what = format!("`{name}` is already used in {first}");
        found.add(Rule::Duplicate, path, what, "give each interface its own name");
    }
}

fn parameter(section: &EoeSection, at: &str, found: &mut Found) {
    let EoeSection { ip, mask, gateway, name, .. } = section;
    if section.has_parameter() && ip.is_none() {
        found.add(
            Rule::KeyMissing,
            format!("{at}.ip"),
            "it is missing",
            "all of the IP parameter is set, so give an address",
        );
    }
    if let Some(ip) = ip.filter(|ip| ip.is_unspecified() || ip.is_multicast() || ip.is_broadcast() || ip.is_loopback())
    {
        found.add(
            Rule::OutOfRange,
            format!("{at}.ip"),
            format!("{ip} is no station's address"),
            "give one such as \"192.168.5.10\"",
        );
    }
    if let Some(mask) = mask.filter(|mask| mask.to_bits().leading_ones() + mask.to_bits().trailing_zeros() != 32) {
        let what = format!("{mask} is no subnet mask");
        found.add(Rule::OutOfRange, format!("{at}.mask"), what, "give one such as \"255.255.255.0\"");
    }
    if let (Some(ip), Some(mask), Some(gateway)) = (ip, mask, gateway)
        && (ip.to_bits() ^ gateway.to_bits()) & mask.to_bits() != 0
    {
        let what = format!("{gateway} is not in the subnet of {ip}");
        found.add(Rule::Conflict, format!("{at}.gateway"), what, "give an address of the same subnet, or none");
    }
    if let Some(name) = name.as_ref().filter(|name| name.len() > DNS_NAME || !name.is_ascii()) {
        let what = format!("`{name}` isn't up to {DNS_NAME} letters of ASCII");
        found.add(Rule::OutOfRange, format!("{at}.name"), what, "shorten it");
    }
}
