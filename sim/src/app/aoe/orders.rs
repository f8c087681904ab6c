//! Orders of notifications: some bytes that are looked at again and again, and sent in each cycle or where they changed.
//!
//! The first sample comes at once. What is due at the same time, for the same client and of the same port, goes in one mail as far as
//! there is room. Samples aren't gathered over time: the longest delay of an order is no delay. A time is one of the simulation's: it
//! began with the year 2000.
//!
//! Bounded: 16 orders, each with samples that fit into a mail.

use std::time::Duration;

use zerocat_wire::aoe::{
    AdsError, AmsAddress, AmsCommand, AmsHeader, HEADER_LEN, NotificationRequest, SAMPLE_HEADER, STAMP_HEADER,
    emit_samples,
};

use super::{Served, with_data};

/// Most orders of a SubDevice.
const MOST: usize = 16;
/// Shortest time from one look to the next.
const SHORTEST: Duration = Duration::from_millis(1);
/// Modes: in each cycle, and on a change (infosys, `ADSTRANSMODE`).
const CYCLIC: u32 = 3;
const ON_CHANGE: u32 = 4;
/// From 1601 to 2000, in 100 ns.
const EPOCH: u64 = 125_911_584_000_000_000;

/// One order.
#[derive(Debug)]
struct Order {
    handle: u32,
    client: AmsAddress,
    /// Whose bytes.
    server: AmsAddress,
    what: NotificationRequest,
    /// When it is looked at.
    next: Duration,
    /// What was sent last.
    sent: Option<Vec<u8>>,
}

impl Order {
    fn cycle(&self) -> Duration {
        Duration::from_nanos(u64::from(self.what.cycle) * 100).max(SHORTEST)
    }
}

/// The samples of one mail.
struct Mail {
    client: AmsAddress,
    server: AmsAddress,
    samples: Vec<(u32, Vec<u8>)>,
}

impl Mail {
    fn len(&self) -> usize {
        HEADER_LEN + STAMP_HEADER + self.samples.iter().map(|(_, data)| SAMPLE_HEADER + data.len()).sum::<usize>()
    }

    fn emit(&self, time: u64) -> Vec<u8> {
        let samples: Vec<_> = self.samples.iter().map(|(handle, data)| (*handle, data.as_slice())).collect();
        let mut body = vec![0; self.len()];
        let len = emit_samples(time, &samples, &mut body).unwrap_or(0);
        let header = AmsHeader::request(self.client, self.server, AmsCommand::NOTIFICATION, 0);
        with_data(header, body.get(..len).unwrap_or_default())
    }
}

/// All orders of a SubDevice.
#[derive(Debug, Default)]
pub(super) struct Orders {
    orders: Vec<Order>,
    /// Handle of the last order.
    handle: u32,
}

impl Orders {
    /// Takes an order whose bytes can be read, and gives its handle. A mail has room for `space` bytes.
    pub(super) fn add(&mut self, header: &AmsHeader, what: NotificationRequest, space: usize) -> Served {
        if !matches!(what.mode, CYCLIC | ON_CHANGE) {
            return Err(AdsError::TRANSMISSION_MODE);
        }
        let len = usize::try_from(what.len).unwrap_or(usize::MAX);
        if len > space.saturating_sub(HEADER_LEN + STAMP_HEADER + SAMPLE_HEADER) {
            return Err(AdsError::NOTIFICATION_SIZE);
        }
        if self.orders.len() >= MOST {
            return Err(AdsError::NO_NOTIFICATIONS);
        }
        self.handle = self.handle.wrapping_add(1);
        let (client, server, handle) = (header.sender, header.target, self.handle);
        self.orders.push(Order { handle, client, server, what, next: Duration::ZERO, sent: None });
        Ok(handle.to_le_bytes().to_vec())
    }

    /// Ends an order.
    pub(super) fn end(&mut self, handle: u32) -> Served {
        let at = self.orders.iter().position(|order| order.handle == handle).ok_or(AdsError::INVALID_NOTIFICATION)?;
        self.orders.remove(at);
        Ok(Vec::new())
    }

    pub(super) fn forget(&mut self) {
        self.orders.clear();
    }

    /// Whether one is to be looked at.
    pub(super) fn is_due(&self, now: Duration) -> bool {
        self.orders.iter().any(|order| order.next <= now)
    }

    /// Looks at those that are due, and gives the mails with what is to be sent, none longer than `space`.
    pub(super) fn look(
        &mut self,
        now: Duration,
        space: usize,
        mut read: impl FnMut(u16, &NotificationRequest) -> Served,
    ) -> Vec<Vec<u8>> {
        let mut mails: Vec<Mail> = Vec::new();
        for order in self.orders.iter_mut().filter(|order| order.next <= now) {
            order.next = now + order.cycle();
            let Ok(data) = read(order.server.port, &order.what) else { continue };
            if order.what.mode == ON_CHANGE && order.sent.as_ref() == Some(&data) {
                continue;
            }
            order.sent = Some(data.clone());
            let Order { client, server, handle, .. } = *order;
            let takes = |mail: &&mut Mail| {
                (mail.client, mail.server) == (client, server) && mail.len() + SAMPLE_HEADER + data.len() <= space
            };
            match mails.iter_mut().find(takes) {
                Some(mail) => mail.samples.push((handle, data)),
                None => mails.push(Mail { client, server, samples: vec![(handle, data)] }),
            }
        }
        let time = EPOCH + u64::try_from(now.as_nanos() / 100).unwrap_or(0);
        mails.iter().map(|mail| mail.emit(time)).collect()
    }
}
