//! How long a frame takes from the reference clock to each SubDevice: from receive times and open ports. Pure.
//!
//! A SubDevice's loop is the time from the frame's entry until it comes back from the last branch. What a parent measures
//! around a branch, less the child's own loop, is twice the way between them (Beckhoff ESC data sheet, section I, 9.1.2);
//! where the frame passes the processing unit on one of the two ways only, that is corrected by the difference between
//! processing and forwarding delay. Lines, stars and junctions inside junctions need nothing else.
//!
//! SubDevices without receive times count as cable if they have two ports. What is behind one of them with more ports
//! can't be resolved and is named. Not known here: delays that differ between a cable's two directions.

use super::receive::ReceiveTimes;
use crate::topology::{PORT_ORDER, Parent, Topology, ports_in_order, topology_entered_by};

/// What is taken as processing delay less forwarding delay where it isn't known, in nanoseconds: the middle between those
/// of 0 and 40 ns. Both from the practice of other MainDevices, no document.
pub const ASSUMED_DIFFERENCE_NS: u32 = 20;
/// How far [`ASSUMED_DIFFERENCE_NS`] may be off.
pub const ASSUMED_UNCERTAINTY_NS: u32 = 20;
/// The longest plausible way from one clock to the next, in picoseconds: 100 us.
const LONGEST_HOP_PS: i64 = 100_000_000;

/// What is known of one SubDevice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Node {
    /// Which ports carry frames.
    pub open: [bool; 4],
    /// Its receive times, if it has any.
    pub receive: Option<ReceiveTimes>,
    /// Its processing delay less its forwarding delay in nanoseconds, if its description says so.
    pub difference_ns: Option<u32>,
}

/// The delay of one SubDevice, as far as it can be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delay {
    /// It is known.
    Known {
        /// Nanoseconds from the reference clock, as 0x0928 takes them.
        ns: u32,
        /// How far that may be off because processing delays on the way are not known.
        uncertain_ns: u32,
    },
    /// It has no receive times.
    NoClock,
    /// It stands behind a fork that has no receive times, or before the first clock's branch.
    BehindFork,
    /// The way from the clock before it comes out negative or longer than 100 us: receive times or ports are wrong.
    Implausible {
        /// The way in nanoseconds.
        hop_ns: i64,
    },
    /// The clock before it has no delay.
    BehindUnknown,
}

/// Delays of all SubDevices.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delays {
    /// The first SubDevice with receive times; delays count from it.
    pub reference: Option<u16>,
    /// By position.
    pub delays: Vec<Delay>,
    /// SubDevices that the frame enters by another port than 0: cabled the wrong way round.
    pub entered_elsewhere: Vec<Parent>,
}

/// A clock whose way from the reference is known, in picoseconds.
#[derive(Clone, Copy)]
struct Reached {
    /// When the frame enters it.
    entry_ps: i64,
    uncertain_ps: i64,
}

/// The nearest clock before a SubDevice.
struct Before {
    clock: Parent,
    /// Twice the correction for the SubDevices without a clock that are passed between, and how far it may be off.
    passed_ps: i64,
    passed_uncertain_ps: i64,
}

/// Computes the delays of all SubDevices, in bus order.
#[must_use]
pub fn delays(nodes: &[Node]) -> Delays {
    let open: Vec<_> = nodes.iter().map(|node| node.open).collect();
    let entries: Vec<_> = nodes.iter().map(Node::entry).collect();
    let tree = topology_entered_by(&open, &entries);
    let mut reached: Vec<Option<Reached>> = Vec::with_capacity(nodes.len());
    let mut result = Delays { reference: None, delays: Vec::with_capacity(nodes.len()), entered_elsewhere: Vec::new() };
    for (position, node) in (0_u16..).zip(nodes) {
        if let Some(receive) = node.receive.filter(|receive| receive.entry != 0) {
            result.entered_elsewhere.push(Parent { position, port: receive.entry });
        }
        let found = match (&node.receive, result.reference) {
            (None, _) => Err(Delay::NoClock),
            (Some(_), None) => {
                result.reference = Some(position);
                Ok(Reached { entry_ps: 0, uncertain_ps: 0 })
            }
            (Some(receive), Some(_)) => reach(nodes, &tree, &reached, position, receive),
        };
        reached.push(found.ok());
        result.delays.push(found.map_or_else(|delay| delay, |reached| from_reference(nodes, &result, node, reached)));
    }
    result
}

/// The delay at the processing unit: one entered by another port than 0 compares clocks on the frame's way back.
fn from_reference(nodes: &[Node], result: &Delays, node: &Node, reached: Reached) -> Delay {
    let unit = |node: &Node| match &node.receive {
        Some(receive) if node.open[0] => receive.since_entry_ps[0],
        _ => 0,
    };
    let reference = result.reference.and_then(|position| nodes.get(usize::from(position))).map_or(0, unit);
    let ns = (reached.entry_ps + unit(node) - reference + 500).div_euclid(1000);
    match u32::try_from(ns) {
        Ok(ns) => Delay::Known { ns, uncertain_ns: u32::try_from(reached.uncertain_ps / 1000).unwrap_or(u32::MAX) },
        Err(_) => Delay::Implausible { hop_ns: ns },
    }
}

/// The way to one clock from the nearest before it.
fn reach(
    nodes: &[Node],
    tree: &Topology,
    reached: &[Option<Reached>],
    position: u16,
    own: &ReceiveTimes,
) -> Result<Reached, Delay> {
    let before = clock_before(nodes, tree, position).ok_or(Delay::BehindFork)?;
    let index = usize::from(before.clock.position);
    let from = reached.get(index).copied().flatten().ok_or(Delay::BehindUnknown)?;
    let (parent, child) = (&nodes[index], &nodes[usize::from(position)]);
    let times = parent.receive.as_ref().ok_or(Delay::BehindUnknown)?;
    let left_from = port_before(parent.open, times.entry, before.clock.port);
    let last = ports_in_order(child.open, own.entry).last().unwrap_or(own.entry);
    let branch = times.between(left_from, before.clock.port);
    let out = passes_unit(left_from, before.clock.port);
    let back = passes_unit(last, own.entry);
    let corrected = (if out { parent.difference_ps() } else { 0 }) - (if back { child.difference_ps() } else { 0 })
        + before.passed_ps;
    let hop = (branch - own.between(own.entry, last) + corrected) / 2;
    if !(0..=LONGEST_HOP_PS).contains(&hop) {
        return Err(Delay::Implausible { hop_ns: hop / 1000 });
    }
    let uncertain = (if out { parent.uncertain_ps() } else { 0 })
        + (if back { child.uncertain_ps() } else { 0 })
        + before.passed_uncertain_ps;
    Ok(Reached {
        entry_ps: from.entry_ps + times.between(times.entry, left_from) + hop,
        uncertain_ps: from.uncertain_ps + uncertain / 2,
    })
}

/// Goes up to the nearest clock. `None` if there is none, or a fork without receive times stands between.
fn clock_before(nodes: &[Node], tree: &Topology, position: u16) -> Option<Before> {
    let mut before = Before { clock: tree.parents[usize::from(position)]?, passed_ps: 0, passed_uncertain_ps: 0 };
    loop {
        let node = &nodes[usize::from(before.clock.position)];
        if node.receive.is_some() {
            return Some(before);
        }
        if node.open.iter().filter(|open| **open).count() > 2 {
            return None;
        }
        before.passed_ps += node.difference_ps();
        before.passed_uncertain_ps += node.uncertain_ps();
        before.clock = tree.parents[usize::from(before.clock.position)]?;
    }
}

/// The open port that a frame came in by last before it left by `port`.
fn port_before(open: [bool; 4], entry: u8, port: u8) -> u8 {
    ports_in_order(open, entry).take_while(|other| *other != port).last().unwrap_or(entry)
}

/// Whether a frame that came in by one port passes the processing unit, which stands behind port 0, until it leaves by
/// another. Leaving by the same port it passes all.
fn passes_unit(from: u8, to: u8) -> bool {
    let place = |port| PORT_ORDER.iter().position(|other| *other == port).unwrap_or(0);
    place(from) == 0 || (place(from) >= place(to) && place(to) != 0)
}

impl Node {
    fn entry(&self) -> u8 {
        self.receive.map_or_else(|| crate::topology::entry_by_open_ports(self.open), |receive| receive.entry)
    }

    fn difference_ps(&self) -> i64 {
        i64::from(self.difference_ns.unwrap_or(ASSUMED_DIFFERENCE_NS)) * 1000
    }

    fn uncertain_ps(&self) -> i64 {
        if self.difference_ns.is_some() { 0 } else { i64::from(ASSUMED_UNCERTAINTY_NS) * 1000 }
    }
}

#[cfg(test)]
mod tests;
