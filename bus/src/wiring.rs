//! What is odd about the cables of a bus that was found, in words. Pure.
//!
//! A frame passes a SubDevice's processing unit between port 0 and the others. Through a cable from the MainDevice in
//! another port it comes to those behind first, and back to this one (ET1100 data sheet, section I, 3.2); so swapped ports show
//! in the order on the bus, where the open ports tell another one.
//!
//! Not known: cables that the ports don't show, such as one that leads from the last SubDevice to another interface of this
//! host; there nobody answers.

use crate::subdevice::SubDevice;
use crate::topology::{PORT_ORDER, Topology};

/// What is odd, a sentence each.
pub(crate) fn oddities(subdevices: &[SubDevice], tree: &Topology) -> Vec<String> {
    let who = |position: u16| subdevices.get(usize::from(position)).map(SubDevice::label).unwrap_or_default();
    let unlinked = subdevices.iter().filter_map(entered_elsewhere);
    let swapped = |position: &u16| tree.dangling.iter().find(|port| port.position == *position);
    let orphans = tree.orphans.iter().map(|position| match swapped(position) {
        Some(port) => format!(
            "{}: nobody is behind its port {}, and it comes behind those that it leads to: its IN and OUT are swapped",
            who(*position),
            port.port
        ),
        None => format!(
            "{}: no port with a link leads to it: a link came or went just now, or IN and OUT of a SubDevice before it are \
             swapped",
            who(*position)
        ),
    });
    let open_ended = tree.dangling.iter().filter(|port| !tree.orphans.contains(&port.position)).map(|port| {
        format!(
            "{}, port {}: there is a link, and no SubDevice is behind it: its cable closes a ring, leads to what is no \
             SubDevice, or is in the OUT of the next one",
            who(port.position),
            port.port
        )
    });
    unlinked.chain(orphans).chain(open_ended).collect()
}

/// One without a link at port 0.
fn entered_elsewhere(one: &SubDevice) -> Option<String> {
    let entry = PORT_ORDER.into_iter().find(|port| one.open_ports[usize::from(*port)])?;
    (entry != 0)
        .then(|| format!("{}: its port {entry} has a link and port 0 has none: IN and OUT are swapped", one.label()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sii::Sii;
    use crate::subdevice::{EscInfo, Identity};
    use crate::times::Times;
    use crate::topology::topology;
    use zerocat_wire::AlState;

    fn with_links(position: u16, ports: &[u8]) -> SubDevice {
        SubDevice {
            position,
            station: 0x1001 + position,
            name: "ONE".to_owned(),
            identity: Identity::default(),
            alias: 0,
            esc: EscInfo::default(),
            open_ports: std::array::from_fn(|port| ports.iter().any(|linked| usize::from(*linked) == port)),
            parent: None,
            state: AlState::Init,
            refused: None,
            device_id: None,
            excluded: false,
            times: Times::default(),
            watchdogs: crate::watchdog::Watchdogs::default(),
            mailbox: None,
            sii: Sii::default(),
            pdo_source: None,
            sync_managers: Vec::new(),
            notes: Vec::new(),
        }
    }

    /// What is said of a bus, by the linked ports of each.
    fn said(bus: &[&[u8]]) -> Vec<String> {
        let subdevices: Vec<_> = (0..).zip(bus).map(|(position, ports)| with_links(position, ports)).collect();
        let ports: Vec<_> = subdevices.iter().map(|one| one.open_ports).collect();
        oddities(&subdevices, &topology(&ports))
    }

    #[test]
    fn a_line_and_a_star_have_nothing_odd() {
        assert_eq!(said(&[&[0, 1], &[0, 1], &[0]]), [""; 0]);
        assert_eq!(said(&[&[0, 1, 3], &[0], &[0]]), [""; 0]);
    }

    #[test]
    fn swapped_ports_are_told_at_the_end_of_a_line_and_within_it() {
        assert_eq!(
            said(&[&[0, 1], &[1]]),
            ["SubDevice 1 (ONE): its port 1 has a link and port 0 has none: IN and OUT are swapped"]
        );
        // The one behind comes first.
        let within = said(&[&[0, 1], &[0], &[0, 1]]);
        let [one] = within.as_slice() else { panic!("{within:?}") };
        assert!(
            one.starts_with("SubDevice 2 (ONE): nobody is behind its port 1") && one.ends_with("are swapped"),
            "{one}"
        );
    }

    #[test]
    fn a_cable_that_leads_nowhere_or_closes_a_ring_is_told_with_its_port() {
        let open = said(&[&[0, 1, 2], &[0]]);
        let [one] = open.as_slice() else { panic!("{open:?}") };
        assert!(one.starts_with("SubDevice 0 (ONE), port 2: there is a link, and no SubDevice is behind it"), "{one}");
    }
}
