//! The AoE server: ADS commands to the SubDevice, and to devices behind it.
//!
//! Addresses and errors are those of Beckhoff's Slave Stack Code (`ecataoe.c` and `aoeappl.c`, its sample): the NetID that is written
//! to group 1, offset 3 holds from then on; before that the first command says it. The SubDevice itself is at port 0xFFFF, and serves
//! its object dictionary (`objects`); at other ports are the devices behind it (`behind`). Another NetID or port, and a service that
//! isn't there, is refused in the AMS header; a group, an offset or a size that doesn't fit, in the result. A response longer
//! than a mail goes in fragments, which nobody acknowledges; a request may come in fragments.
//!
//! Beyond SSC's sample: device info and state, write and read in one, and notifications (`orders`).
//!
//! Bounded: a request in fragments, and a response, have at most 16 KiB.

mod behind;
mod objects;
mod orders;

use std::time::Duration;

use zerocat_wire::aoe::{
    AdsError, AdsRequest, AdsResponse, AdsState, AmsCommand, AmsHeader, Assembly, DEVICE_NAME, DeviceInfo, Fragment,
    HEADER_LEN, NetId, NotificationRequest, OWN_PORT, flags, group, pieces,
};
use zerocat_wire::{AlState, MailboxError, WireError};

use super::mailbox::Answer;
use super::object_access::Objects;
use crate::config::AoeConfig;
use behind::Behind;
use orders::Orders;

/// Longest request in fragments, and longest response.
const LONGEST: usize = 16 * 1024;

/// What a service gives: data, or the result that says why not.
type Served = Result<Vec<u8>, AdsError>;

/// One server.
#[derive(Debug)]
pub(super) struct Aoe {
    /// NetID of the SubDevice; `None` before anybody said it.
    net_id: Option<NetId>,
    name: [u8; DEVICE_NAME],
    behind: Vec<Behind>,
    orders: Orders,
    assembly: Assembly<Vec<u8>>,
    /// Number of the next response in fragments.
    packet: u16,
    speaks_coe: bool,
}

impl Aoe {
    pub(super) fn new(config: &AoeConfig, name: &str, speaks_coe: bool) -> Self {
        let mut bytes = [0; DEVICE_NAME];
        bytes.iter_mut().zip(name.bytes()).for_each(|(to, from)| *to = from);
        let behind = config.ports.iter().map(|port| Behind::new(*port)).collect();
        let assembly = Assembly::new(vec![0; LONGEST]);
        Self { net_id: None, name: bytes, behind, orders: Orders::default(), assembly, packet: 0, speaks_coe }
    }

    /// Forgets the NetID, orders of notifications, and a request of which not all fragments have come.
    pub(super) fn forget(&mut self) {
        self.net_id = None;
        self.orders.forget();
        self.assembly.forget();
    }

    /// Answers the bytes behind a mailbox header with bodies of at most `space` bytes.
    pub(super) fn answer(&mut self, body: &[u8], space: usize, objects: &mut Objects<'_>) -> Answer {
        let (header, data) = AmsHeader::parse(body).map_err(|error| match error {
            WireError::Truncated { .. } => MailboxError::SIZE_TOO_SHORT,
            _ => MailboxError::INVALID_HEADER,
        })?;
        if header.command == AmsCommand::FRAGMENT {
            return Ok(self.fragment(&header, data, space, objects));
        }
        Ok(self.command(&header, data, space, objects))
    }

    /// Whether something may have to be notified.
    pub(super) fn is_due(&self, now: Duration) -> bool {
        self.orders.is_due(now)
    }

    /// The bodies of the notifications that are due, each of at most `space` bytes.
    pub(super) fn notify(&mut self, now: Duration, space: usize, objects: &mut Objects<'_>) -> Vec<Vec<u8>> {
        let mut orders = std::mem::take(&mut self.orders);
        let read = |port, what: &NotificationRequest| self.look_at(port, what, objects).unwrap_or_else(Err);
        let mails = orders.look(now, space, read);
        self.orders = orders;
        mails
    }

    /// Reads what notifications are ordered of; the outer error is one of the header.
    fn look_at(
        &mut self,
        port: u16,
        what: &NotificationRequest,
        objects: &mut Objects<'_>,
    ) -> Result<Served, AdsError> {
        let NotificationRequest { group, offset, len, .. } = *what;
        self.serve(port, &AdsRequest::Read { group, offset, len }, objects)
    }

    /// Takes an order of notifications, if what it is about can be read.
    fn order(
        &mut self,
        header: &AmsHeader,
        what: NotificationRequest,
        space: usize,
        objects: &mut Objects<'_>,
    ) -> Result<Served, AdsError> {
        let read = self.look_at(header.target.port, &what, objects)?;
        Ok(read.and_then(|_| self.orders.add(header, what, space)))
    }

    fn fragment(&mut self, header: &AmsHeader, data: &[u8], space: usize, objects: &mut Objects<'_>) -> Vec<Vec<u8>> {
        // A fragment that doesn't follow ends the transfer without a word, as in SSC.
        let Ok(whole) = self.assembly.take(header, data) else { return Vec::new() };
        let Some(whole) = whole.map(<[u8]>::to_vec) else {
            let silent = header.flags & flags::NO_RETURN != 0;
            return if silent { Vec::new() } else { vec![with_data(header.answered(AdsError::NONE), &[])] };
        };
        AmsHeader::parse(&whole)
            .map_or_else(|_| Vec::new(), |(header, data)| self.command(&header, data, space, objects))
    }

    fn command(&mut self, header: &AmsHeader, data: &[u8], space: usize, objects: &mut Objects<'_>) -> Vec<Vec<u8>> {
        if header.is_response() {
            return Vec::new();
        }
        let request = AdsRequest::parse(header.command, data);
        if let Ok(AdsRequest::Write { group: group::ROUTER, offset: group::NET_ID, data }) = request
            && header.target.port == objects.station
            && header.sender.port == objects.station
            && let Ok(bytes) = <[u8; NetId::LEN]>::try_from(data)
        {
            self.net_id = Some(relative(NetId(bytes), header.target.net_id));
            return self.respond(header, Ok(Vec::new()), space);
        }
        if *self.net_id.get_or_insert(header.target.net_id) != header.target.net_id {
            return vec![with_data(header.answered(AdsError::TARGET_NOT_FOUND), &[])];
        }
        let served = match request {
            Ok(AdsRequest::AddNotification(what)) => self.order(header, what, space, objects),
            Ok(AdsRequest::DeleteNotification { handle }) => Ok(self.orders.end(handle)),
            Ok(request) => self.serve(header.target.port, &request, objects),
            // The length doesn't fit the command.
            Err(WireError::Truncated { .. }) => Ok(Err(AdsError::INVALID_SIZE)),
            Err(_) => Err(AdsError::SERVICE_NOT_SUPPORTED),
        };
        match served {
            Ok(served) => self.respond(header, served, space),
            Err(refused) => vec![with_data(header.answered(refused), &[])],
        }
    }

    /// Lets whoever is at a port serve a request; the outer error is one of the header.
    fn serve(&mut self, port: u16, request: &AdsRequest<'_>, objects: &mut Objects<'_>) -> Result<Served, AdsError> {
        if port != OWN_PORT {
            let behind = self.behind.iter_mut().find(|behind| behind.port() == port);
            return behind.ok_or(AdsError::TARGET_PORT_NOT_FOUND)?.serve(request);
        }
        match *request {
            AdsRequest::DeviceInfo => {
                Ok(Ok(DeviceInfo { major: 1, minor: 0, build: 0, name: self.name }.emit().to_vec()))
            }
            AdsRequest::State => {
                let ads = if objects.state == AlState::Op { AdsState::RUN } else { AdsState::STOP };
                Ok(Ok(AdsState { ads, device: objects.state as u16 }.emit().to_vec()))
            }
            AdsRequest::Read { .. } | AdsRequest::Write { .. } if !self.speaks_coe => Ok(Err(AdsError::INVALID_GROUP)),
            AdsRequest::Read { group, offset, len } => Ok(objects::read(group, offset, len, objects)),
            AdsRequest::Write { group, offset, data } => Ok(objects::write(group, offset, data, objects)),
            _ => Err(AdsError::SERVICE_NOT_SUPPORTED),
        }
    }

    /// The mails of a response.
    fn respond(&mut self, request: &AmsHeader, served: Served, space: usize) -> Vec<Vec<u8>> {
        let answer = match &served {
            Ok(data) => AdsResponse { result: AdsError::NONE, data },
            Err(result) => AdsResponse { result: *result, data: &[] },
        };
        let mut bytes = vec![0; answer.data.len() + 8];
        let len = answer.emit(request.command, &mut bytes).unwrap_or(0);
        bytes.truncate(len);
        let whole = request.answered(AdsError::NONE);
        let command = with_data(whole, &bytes);
        if command.len() <= space {
            return vec![command];
        }
        if command.len() > LONGEST {
            return vec![with_data(request.answered(AdsError::NO_MEMORY), &[])];
        }
        let packet = self.packet;
        self.packet = packet.wrapping_add(1);
        let pieces = pieces(&command, space.saturating_sub(HEADER_LEN));
        (0..).zip(pieces).map(|(number, piece)| with_data(Fragment { number, packet }.header(&whole), piece)).collect()
    }
}

/// A NetID that begins with four zeros has these from the one that it was sent to.
fn relative(given: NetId, target: NetId) -> NetId {
    let (NetId([a, b, c, d, e, f]), NetId([ta, tb, tc, td, ..])) = (given, target);
    if [a, b, c, d] == [0; 4] { NetId([ta, tb, tc, td, e, f]) } else { given }
}

fn with_data(header: AmsHeader, data: &[u8]) -> Vec<u8> {
    let mut body = vec![0; HEADER_LEN + data.len()];
    let len = header.emit_with(data, &mut body).unwrap_or(0);
    body.truncate(len);
    body
}
