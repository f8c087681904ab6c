//! What the gateway counted, in all and by client.

use super::client::{Client, Origin};
use crate::report::{GatewayClientReport, GatewayReport};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

/// Clients that are counted by themselves; further ones are counted in all only.
const CLIENTS: usize = 32;

/// What became of a client's message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// It came.
    Came,
    /// A mail went back from a SubDevice or the MainDevice's dictionary.
    Answered,
    /// It wasn't handed on, since it writes or its protocol isn't served.
    Refused,
    /// It has no answer: nobody has that address, the SubDevice is silent, or too much is at work.
    Unanswered,
    /// It can't be read.
    Damaged,
}

#[derive(Debug, Clone, Copy, Default)]
struct Tally {
    datagrams: u64,
    answered: u64,
    refused: u64,
    unanswered: u64,
    damaged: u64,
}

impl Tally {
    const fn count(&mut self, outcome: Outcome) {
        *match outcome {
            Outcome::Came => &mut self.datagrams,
            Outcome::Answered => &mut self.answered,
            Outcome::Refused => &mut self.refused,
            Outcome::Unanswered => &mut self.unanswered,
            Outcome::Damaged => &mut self.damaged,
        } += 1;
    }
}

#[derive(Debug, Default)]
struct Tallies {
    all: Tally,
    connections_refused: u64,
    clients: Vec<(Origin, Tally)>,
}

/// Counters of a gateway: its thread counts, the report reads.
#[derive(Debug, Clone, Default)]
pub(crate) struct GatewayCounts(Arc<Mutex<Tallies>>);

impl GatewayCounts {
    /// Counts. A client that is seen for the first time is told in the log.
    pub(super) fn count(&self, client: Client, outcome: Outcome) {
        let origin = client.origin();
        let mut tallies = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        tallies.all.count(outcome);
        if let Some((_, tally)) = tallies.clients.iter_mut().find(|(known, _)| *known == origin) {
            return tally.count(outcome);
        }
        if tallies.clients.len() < CLIENTS {
            tracing::info!(client = %origin, "the mailbox gateway has a new client");
            let mut tally = Tally::default();
            tally.count(outcome);
            tallies.clients.push((origin, tally));
        }
    }

    /// Counts a connection that was closed at once: there were too many.
    pub(super) fn refuse_connection(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).connections_refused += 1;
    }

    /// For the report.
    pub(crate) fn report(&self, listens: SocketAddr, read_only: bool) -> GatewayReport {
        let tallies = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Tally { datagrams, answered, refused, unanswered, damaged } = tallies.all;
        let client = |(origin, tally): &(Origin, Tally)| GatewayClientReport {
            address: origin.address.to_string(),
            transport: origin.transport,
            datagrams: tally.datagrams,
            answered: tally.answered,
            refused: tally.refused,
            unanswered: tally.unanswered,
            damaged: tally.damaged,
        };
        let clients = tallies.clients.iter().map(client).collect();
        let listens = listens.to_string();
        GatewayReport {
            listens,
            read_only,
            datagrams,
            answered,
            refused,
            unanswered,
            damaged,
            connections_refused: tallies.connections_refused,
            clients,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clients_are_counted_by_machine_up_to_a_bound() {
        let counts = GatewayCounts::default();
        for host in 0..=u8::MAX {
            for port in [1000, 2000] {
                counts.count(Client::Udp(([10, 0, 0, host], port).into()), Outcome::Came);
            }
        }
        let report = counts.report(([127, 0, 0, 1], 34980).into(), false);
        assert_eq!((report.datagrams, report.clients.len()), (512, CLIENTS));
        assert_eq!((report.clients[0].address.as_str(), report.clients[0].datagrams), ("10.0.0.0", 2));
    }
}
