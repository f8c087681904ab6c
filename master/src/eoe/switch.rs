//! A switch among SubDevices with EoE, and one interface of the host: it learns who is where, and sends what it can't place to all.
//!
//! Guarantees: a frame never goes back where it came from; the table of addresses is bounded, and an address that sends nothing is
//! forgotten; frames that bridges keep to themselves (IEEE 802.1Q, 8.6.3) are not passed on. It has no spanning tree: whoever
//! connects the host's interface and a SubDevice's second port to one network makes a loop.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};
use std::time::{Duration, Instant};
use zerocat_bus::{Attached, TakesFrames};
use zerocat_link::host_interface::HostInterface;

/// Addresses that are remembered at most.
const ADDRESSES: usize = 1024;
/// The first bytes of addresses that bridges keep to themselves; the last one is below 0x10.
const RESERVED: [u8; 5] = [0x01, 0x80, 0xc2, 0x00, 0x00];

type Mac = [u8; 6];

/// Where a frame goes.
#[derive(Debug, PartialEq, Eq)]
enum Target {
    Nowhere,
    To(usize),
    /// To all but where it came from.
    All,
}

/// Who is where.
#[derive(Debug)]
struct Table {
    age: Duration,
    places: HashMap<Mac, (usize, Duration)>,
}

impl Table {
    /// Learns where a frame's sender is, and says where the frame goes.
    fn place(&mut self, from: usize, frame: &[u8], now: Duration) -> Target {
        let mac = |at: usize| frame.get(at..at + 6).and_then(|bytes| Mac::try_from(bytes).ok());
        let (Some(to), Some(sender)) = (mac(0), mac(6)) else { return Target::Nowhere };
        // Nobody sends from an address of a group.
        if is_group(&sender) || (to.starts_with(&RESERVED) && to[5] < 0x10) {
            return Target::Nowhere;
        }
        self.learn(sender, from, now);
        match self.places.get(&to).filter(|_| !is_group(&to)) {
            Some((port, at)) if now.saturating_sub(*at) < self.age => {
                if *port == from {
                    Target::Nowhere
                } else {
                    Target::To(*port)
                }
            }
            _ => Target::All,
        }
    }

    fn learn(&mut self, sender: Mac, port: usize, now: Duration) {
        if self.places.len() >= ADDRESSES && !self.places.contains_key(&sender) {
            let age = self.age;
            self.places.retain(|_, (_, at)| now.saturating_sub(*at) < age);
            if self.places.len() >= ADDRESSES {
                return;
            }
        }
        self.places.insert(sender, (port, now));
    }
}

const fn is_group(mac: &Mac) -> bool {
    mac[0] & 1 != 0
}

/// A switch. Its last port is the host's.
pub(super) struct Switch {
    table: Mutex<Table>,
    ports: OnceLock<Vec<Option<Attached>>>,
    members: usize,
    host: Option<Arc<HostInterface>>,
    began: Instant,
}

impl fmt::Debug for Switch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Switch").field("members", &self.members).finish_non_exhaustive()
    }
}

impl Switch {
    pub(super) fn new(members: usize, host: Option<Arc<HostInterface>>, age: Duration, began: Instant) -> Self {
        let table = Mutex::new(Table { age, places: HashMap::new() });
        Self { table, ports: OnceLock::new(), members, host, began }
    }

    /// Connects the SubDevices, each at the port of its place in the list.
    pub(super) fn connect(&self, ports: Vec<Option<Attached>>) {
        let _ = self.ports.set(ports);
    }

    /// Passes on what the host sends.
    pub(super) fn forward_from_host(&self, frame: &[u8]) {
        self.forward(self.members, frame);
    }

    fn forward(&self, from: usize, frame: &[u8]) {
        let mut table = self.table.lock().unwrap_or_else(PoisonError::into_inner);
        let target = table.place(from, frame, self.began.elapsed());
        drop(table);
        match target {
            Target::Nowhere => {}
            Target::To(port) => self.send(port, frame),
            Target::All => (0..=self.members).filter(|port| *port != from).for_each(|port| self.send(port, frame)),
        }
    }

    /// Sends a frame out of a port. One that is dropped is counted by the SubDevice's queue.
    fn send(&self, port: usize, frame: &[u8]) {
        if port == self.members {
            let _ = self.host.as_ref().map(|host| host.give(frame));
        } else if let Some(Some(attached)) = self.ports.get().and_then(|ports| ports.get(port)) {
            let _ = attached.send(frame.to_vec());
        }
    }
}

/// Takes what the SubDevice at a port sends.
pub(super) struct SwitchPort {
    port: usize,
    switch: Weak<Switch>,
}

impl SwitchPort {
    pub(super) fn new(port: usize, switch: &Arc<Switch>) -> Self {
        Self { port, switch: Arc::downgrade(switch) }
    }
}

impl TakesFrames for SwitchPort {
    fn take(&mut self, frame: Vec<u8>) -> bool {
        let Some(switch) = self.switch.upgrade() else { return false };
        switch.forward(self.port, &frame);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AGE: Duration = Duration::from_secs(300);

    fn table() -> Table {
        Table { age: AGE, places: HashMap::new() }
    }

    fn frame(to: u8, from: u8) -> Vec<u8> {
        [[2, 0, 0, 0, 0, to], [2, 0, 0, 0, 0, from]].concat()
    }

    #[test]
    fn it_learns_from_senders_and_never_sends_back() {
        let mut table = table();
        let now = Duration::ZERO;
        assert_eq!(table.place(0, &frame(2, 1), now), Target::All, "nobody is known");
        assert_eq!(table.place(1, &frame(1, 2), now), Target::To(0));
        assert_eq!(table.place(0, &frame(2, 1), now), Target::To(1));
        assert_eq!(table.place(1, &frame(2, 3), now), Target::Nowhere, "both are at one port");
        assert_eq!(table.place(2, &frame(3, 1), now), Target::To(1));
        assert_eq!(table.place(1, &frame(1, 2), now), Target::To(2), "it has moved");
    }

    #[test]
    fn groups_go_to_all_and_what_bridges_keep_to_nobody() {
        let mut table = table();
        let to = |to: Mac, from: Mac| [to, from].concat();
        let (one, all) = ([2, 0, 0, 0, 0, 1], [0xff; 6]);
        assert_eq!(table.place(0, &to(all, one), Duration::ZERO), Target::All);
        assert_eq!(table.place(0, &to([1, 0, 0x5e, 0, 0, 1], one), Duration::ZERO), Target::All);
        assert_eq!(table.place(0, &to([1, 0x80, 0xc2, 0, 0, 0], one), Duration::ZERO), Target::Nowhere);
        assert_eq!(table.place(0, &to(one, all), Duration::ZERO), Target::Nowhere, "a group sends nothing");
        assert_eq!(table.place(0, &[0; 11], Duration::ZERO), Target::Nowhere);
        assert_eq!(table.places.len(), 1);
    }

    #[test]
    fn addresses_are_forgotten_and_bounded() {
        let mut table = table();
        table.place(0, &frame(9, 1), Duration::ZERO);
        assert_eq!(table.place(1, &frame(1, 2), AGE - Duration::from_nanos(1)), Target::To(0));
        assert_eq!(table.place(1, &frame(1, 2), AGE), Target::All);
        for n in 0..u32::try_from(2 * ADDRESSES).unwrap() {
            let [a, b, c, d] = n.to_be_bytes();
            let sender = [[2, 0, 0, 0, 0, 9], [4, 1, a, b, c, d]].concat();
            table.place(2, &sender, AGE);
        }
        assert_eq!(table.places.len(), ADDRESSES);
        table.place(2, &frame(9, 7), 2 * AGE);
        assert_eq!(table.places.len(), 1, "the old ones make room");
    }
}
