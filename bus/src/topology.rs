//! Who hangs on whom: from the open ports of each SubDevice, in bus order, to a tree. Pure.
//!
//! A frame passes a SubDevice's ports in the order 0, 3, 1, 2 and enters a branch at each open one, so bus order is a
//! walk of the tree, depth first (ETG.1000.4, 4.6; ET1100 data sheet, section I, 3.2). Lines, stars and junctions
//! inside junctions follow from that alone.
//!
//! Not known from open ports: by which port the frame came in, where port 0 is open too. It is taken to be port 0;
//! with port 0 closed it is the first open one in the order above. Who knows better, from receive times, says so
//! ([`topology_entered_by`]).

use serde::Serialize;

/// Order in which a frame passes the ports.
pub const PORT_ORDER: [u8; 4] = [0, 3, 1, 2];

/// Where a SubDevice hangs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Parent {
    /// Position of the SubDevice before it.
    pub position: u16,
    /// That one's port, 0 to 3.
    pub port: u8,
}

/// The tree.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Topology {
    /// By position; `None` hangs on the MainDevice, or on nobody that the ports account for.
    pub parents: Vec<Option<Parent>>,
    /// SubDevices that no open port accounts for. The tree before them stands.
    pub orphans: Vec<u16>,
    /// Open ports behind which nothing was found (a cable into a SubDevice without power, a MainDevice's second port).
    pub dangling: Vec<Parent>,
}

impl Topology {
    /// Whether ports and SubDevices agree.
    #[must_use]
    pub fn consistent(&self) -> bool {
        self.orphans.is_empty() && self.dangling.is_empty()
    }
}

/// Port by which the frame comes in, as far as open ports tell.
pub(crate) fn entry_by_open_ports(open: [bool; 4]) -> u8 {
    PORT_ORDER.into_iter().find(|port| open[usize::from(*port)]).unwrap_or(0)
}

/// Port by which the frame comes in, then the others in the order in which it leaves by them.
pub(crate) fn ports_in_order(open: [bool; 4], entry: u8) -> impl Iterator<Item = u8> {
    let entry = PORT_ORDER.iter().position(|port| *port == entry).unwrap_or(0);
    PORT_ORDER.into_iter().cycle().skip(entry).take(4).filter(move |port| open[usize::from(*port)])
}

/// Builds the tree. `open[position]` says which ports carry frames onward.
#[must_use]
pub fn topology(open: &[[bool; 4]]) -> Topology {
    let entries: Vec<_> = open.iter().map(|open| entry_by_open_ports(*open)).collect();
    topology_entered_by(open, &entries)
}

/// Builds the tree where it is known by which port the frame enters each SubDevice. One without an entry in `entries` is
/// entered as [`topology`] says.
#[must_use]
pub fn topology_entered_by(open: &[[bool; 4]], entries: &[u8]) -> Topology {
    let mut tree = Topology::default();
    // The way from the MainDevice to the last SubDevice: each with the ports that no SubDevice was found behind yet.
    let mut way: Vec<Vec<Parent>> = Vec::new();
    for (index, open) in open.iter().enumerate() {
        let Ok(position) = u16::try_from(index) else { break };
        while way.last().is_some_and(Vec::is_empty) {
            way.pop();
        }
        let parent = way.last_mut().and_then(Vec::pop);
        if parent.is_none() && position > 0 {
            tree.orphans.push(position);
        }
        tree.parents.push(parent);
        let entry = entries.get(index).copied().unwrap_or_else(|| entry_by_open_ports(*open));
        let mut onward: Vec<_> = ports_in_order(*open, entry).skip(1).map(|port| Parent { position, port }).collect();
        onward.reverse();
        way.push(onward);
    }
    tree.dangling = way.into_iter().flatten().collect();
    tree.dangling.sort_by_key(|parent| (parent.position, parent.port));
    tree
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ports(open: &[u8]) -> [bool; 4] {
        let mut ports = [false; 4];
        for port in open {
            ports[usize::from(*port)] = true;
        }
        ports
    }

    fn parents(tree: &Topology) -> Vec<Option<(u16, u8)>> {
        tree.parents.iter().map(|parent| parent.map(|parent| (parent.position, parent.port))).collect()
    }

    #[test]
    fn nobody_is_an_empty_tree() {
        assert_eq!(topology(&[]), Topology::default());
    }

    #[test]
    fn a_line_hangs_each_on_the_one_before() {
        let tree = topology(&[ports(&[0, 1]), ports(&[0, 1]), ports(&[0])]);
        assert_eq!(parents(&tree), [None, Some((0, 1)), Some((1, 1))]);
        assert!(tree.consistent());
    }

    #[test]
    fn a_star_is_left_by_port_three_then_one_then_two() {
        let tree = topology(&[ports(&[0, 1, 2, 3]), ports(&[0]), ports(&[0]), ports(&[0])]);
        assert_eq!(parents(&tree), [None, Some((0, 3)), Some((0, 1)), Some((0, 2))]);
        assert!(tree.consistent());
    }

    #[test]
    fn a_coupler_has_its_terminals_before_the_next_coupler() {
        // Two EK1100: port 1 to the terminals would be walked before port 2, which goes on.
        let coupler = ports(&[0, 1, 2]);
        let tree = topology(&[coupler, ports(&[0, 1]), ports(&[0]), ports(&[0, 1]), ports(&[0])]);
        assert_eq!(parents(&tree), [None, Some((0, 1)), Some((1, 1)), Some((0, 2)), Some((3, 1))]);
    }

    #[test]
    fn junctions_inside_junctions_unwind_to_the_right_one() {
        let tree = topology(&[
            ports(&[0, 1, 2, 3]), // 0
            ports(&[0, 1, 3]),    // 1 on 0.3
            ports(&[0, 1, 2]),    // 2 on 1.3
            ports(&[0]),          // 3 on 2.1
            ports(&[0]),          // 4 on 2.2
            ports(&[0]),          // 5 on 1.1
            ports(&[0, 1]),       // 6 on 0.1
            ports(&[0]),          // 7 on 6.1
            ports(&[0]),          // 8 on 0.2
        ]);
        let expected = [
            None,
            Some((0, 3)),
            Some((1, 3)),
            Some((2, 1)),
            Some((2, 2)),
            Some((1, 1)),
            Some((0, 1)),
            Some((6, 1)),
            Some((0, 2)),
        ];
        assert_eq!(parents(&tree), expected);
        assert!(tree.consistent());
    }

    #[test]
    fn one_cabled_in_at_another_port_still_has_a_place() {
        let tree = topology(&[ports(&[0, 1]), ports(&[1, 2]), ports(&[0])]);
        assert_eq!(parents(&tree), [None, Some((0, 1)), Some((1, 2))]);
    }

    #[test]
    fn a_port_that_leads_nowhere_is_named() {
        let tree = topology(&[ports(&[0, 1]), ports(&[0, 1])]);
        assert_eq!(tree.dangling, [Parent { position: 1, port: 1 }]);
        assert!(!tree.consistent());
    }

    #[test]
    fn one_more_than_the_ports_account_for_is_an_orphan_and_no_panic() {
        let tree = topology(&[ports(&[0]), ports(&[0]), ports(&[])]);
        assert_eq!(tree.orphans, [1, 2]);
        assert_eq!(parents(&tree), [None, None, None]);
    }
}
