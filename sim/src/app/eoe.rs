//! The EoE server: an internal echo that sends each Ethernet frame back with its addresses swapped, and an IP
//! parameter that can be set and read (ETG.1000.6, 5.7). Once that has an address, a small network stack answers in place of the
//! echo ([`host`]).
//!
//! A fragment out of sequence discards the frame that it belongs to, as if that was lost on a wire. Time stamps are cut
//! off; one that is asked for with the last fragment is the system time at the end of the echo. An address filter
//! applies to the frames that are echoed; masks in it are not supported. An address that is set may be announced by ARP, as
//! network stacks do.

mod host;

use std::net::Ipv4Addr;

use zerocat_wire::eoe::{
    AddressFilter, BLOCK, EoeHeader, EoeKind, EoeResult, Fragment, HEADER_LEN, IP_PARAMETER_LEN, IpParameter, TIME_LEN,
};
use zerocat_wire::{MailboxError, WireError};

use self::host::Host;
use super::mailbox::Answer;
use crate::config::MailboxConfig;

/// Shortest frame that is echoed: both addresses and the type.
const SHORTEST: usize = 14;
/// Longest frame, with VLAN tag and without checksum.
const LONGEST: usize = 1518;

/// The part of a frame that has arrived.
#[derive(Debug)]
struct Assembly {
    frame: u8,
    /// Number of the next fragment.
    next: u8,
    bytes: Vec<u8>,
}

/// The server's state.
#[derive(Debug, Default)]
pub(super) struct Eoe {
    assembly: Option<Assembly>,
    /// Number of the next frame that is sent.
    frame: u8,
    /// The IP parameter as it was set last, parts that were not set left out.
    parameter: Vec<u8>,
    /// The address filter as it was set last.
    filter: Vec<u8>,
    /// Whether an address that is set is announced.
    announces: bool,
    /// The address that is pinged.
    pings: Option<Ipv4Addr>,
    /// Who has the address that was set.
    host: Option<Host>,
}

impl Eoe {
    pub(super) fn new(config: &MailboxConfig) -> Self {
        Self { announces: config.announces, pings: config.pings, ..Self::default() }
    }

    pub(super) fn end_frame(&mut self) {
        self.assembly = None;
    }

    /// Answers the bytes behind a mailbox header with bodies of at most `space` bytes.
    /// `time` is the system time of now, in ns.
    pub(super) fn answer(&mut self, body: &[u8], space: usize, time: u32) -> Answer {
        let (header, data) = EoeHeader::parse(body).map_err(|error| match error {
            WireError::Truncated { .. } => MailboxError::SIZE_TOO_SHORT,
            _ => MailboxError::INVALID_HEADER,
        })?;
        let result = |kind, result: EoeResult| {
            // A real device (AKD) says nothing of a last fragment where an IP parameter was set.
            let last = kind != EoeKind::SetIpResponse;
            let header = EoeHeader { port: header.port, last, ..EoeHeader::new(kind, result.0) };
            Ok(vec![header.emit().to_vec()])
        };
        match header.kind {
            EoeKind::Fragment => Ok(self.fragment(&header, data, space, time)),
            EoeKind::SetIpRequest => {
                let set = self.set_parameter(data);
                let mut answer = result(EoeKind::SetIpResponse, set)?;
                for frame in self.settle(data) {
                    answer.extend(self.fragments(&frame, header.port, space));
                }
                Ok(answer)
            }
            EoeKind::GetIpRequest => kept(EoeKind::GetIpResponse, &header, &self.parameter, space),
            EoeKind::SetFilterRequest => {
                let set = self.set_filter(data);
                result(EoeKind::SetFilterResponse, set)
            }
            EoeKind::GetFilterRequest => kept(EoeKind::GetFilterResponse, &header, &self.filter, space),
            _ => Err(MailboxError::SERVICE_NOT_SUPPORTED),
        }
    }

    fn set_parameter(&mut self, data: &[u8]) -> EoeResult {
        let mut bytes = [0; IP_PARAMETER_LEN];
        match IpParameter::parse(data).and_then(|parameter| parameter.emit(&mut bytes)) {
            Ok(len) => {
                self.parameter = bytes[..len].to_vec();
                EoeResult::SUCCESS
            }
            Err(_) => EoeResult::UNSPECIFIED,
        }
    }

    /// Lets the host have an address that was set, and gives what it sends then.
    fn settle(&mut self, data: &[u8]) -> Vec<Vec<u8>> {
        let Ok(parameter) = IpParameter::parse(data) else { return Vec::new() };
        self.host = Host::of(&parameter, self.pings.map(|address| address.octets()));
        let Some(host) = &self.host else { return Vec::new() };
        let announcement = self.announces.then(|| host.announcement());
        announcement.into_iter().chain(host.question()).collect()
    }

    fn set_filter(&mut self, data: &[u8]) -> EoeResult {
        match AddressFilter::parse(data) {
            Ok(filter) if filter.masks > 0 => EoeResult::NO_FILTER_SUPPORT,
            Ok(filter) => {
                self.filter = [&data[..2], filter.addresses].concat();
                EoeResult::SUCCESS
            }
            Err(_) => EoeResult::UNSPECIFIED,
        }
    }

    /// Whether the address filter lets a frame in.
    fn takes(&self, frame: &[u8]) -> bool {
        let destination = frame.get(..6).unwrap_or_default();
        AddressFilter::parse(&self.filter).map_or(true, |filter| filter.takes(destination))
    }

    fn fragment(&mut self, header: &EoeHeader, data: &[u8], space: usize, time: u32) -> Vec<Vec<u8>> {
        let stamp = if header.time_appended && header.last { TIME_LEN } else { 0 };
        let data = data.get(..data.len().saturating_sub(stamp)).unwrap_or_default();
        if !self.assemble(Fragment::parse(header.detail), data) {
            self.end_frame();
            return Vec::new();
        }
        match self.assembly.take_if(|_| header.last) {
            Some(Assembly { bytes, frame, .. }) if bytes.len() >= SHORTEST && self.takes(&bytes) => {
                let mut answer = match &mut self.host {
                    Some(host) => {
                        let frame = host.answer(&bytes);
                        frame.map(|frame| self.fragments(&frame, header.port, space)).unwrap_or_default()
                    }
                    None => self.echo(bytes, header.port, space),
                };
                if header.time_requested {
                    let fragment = Fragment { number: 0, blocks: 0, frame };
                    let header = EoeHeader { port: header.port, ..EoeHeader::new(EoeKind::TimeStamp, fragment.emit()) };
                    answer.push([&header.emit()[..], &time.to_le_bytes()].concat());
                }
                answer
            }
            _ => Vec::new(),
        }
    }

    /// Puts a fragment behind those before it. Returns whether it belongs there.
    fn assemble(&mut self, fragment: Fragment, data: &[u8]) -> bool {
        if fragment.number == 0 {
            self.assembly = Some(Assembly { frame: fragment.frame, next: 0, bytes: Vec::new() });
        }
        let Some(assembly) = &mut self.assembly else { return false };
        let at = usize::from(fragment.blocks) * BLOCK;
        let follows = fragment.number == 0 || at == assembly.bytes.len();
        let known = assembly.frame == fragment.frame && assembly.next == fragment.number;
        if !follows || !known || assembly.bytes.len() + data.len() > LONGEST {
            return false;
        }
        assembly.bytes.extend_from_slice(data);
        assembly.next += 1;
        true
    }

    /// The frame with its addresses swapped, in fragments.
    fn echo(&mut self, mut bytes: Vec<u8>, port: u8, space: usize) -> Vec<Vec<u8>> {
        let (destination, source) = bytes.split_at_mut(6);
        destination.swap_with_slice(&mut source[..6]);
        self.fragments(&bytes, port, space)
    }

    /// A frame that is sent, in fragments.
    fn fragments(&mut self, bytes: &[u8], port: u8, space: usize) -> Vec<Vec<u8>> {
        let frame = self.frame;
        self.frame = (frame + 1) & 0x0f;
        let size = space.saturating_sub(HEADER_LEN) / BLOCK * BLOCK;
        if size == 0 {
            return Vec::new();
        }
        let count = bytes.len().div_ceil(size);
        let one = |(n, data): (usize, &[u8])| {
            let blocks = if n == 0 { bytes.len().div_ceil(BLOCK) } else { n * size / BLOCK };
            let small = |number: usize| u8::try_from(number).unwrap_or(u8::MAX);
            let fragment = Fragment { number: small(n), blocks: small(blocks), frame };
            let header = EoeHeader { port, last: n + 1 == count, ..EoeHeader::new(EoeKind::Fragment, fragment.emit()) };
            [&header.emit(), data].concat()
        };
        bytes.chunks(size).enumerate().map(one).collect()
    }
}

/// What was set, or zeros where nothing was.
fn kept(kind: EoeKind, header: &EoeHeader, what: &[u8], space: usize) -> Answer {
    let nothing = [0; 4];
    let what = if what.is_empty() { nothing.as_slice() } else { what };
    if HEADER_LEN + what.len() > space {
        return Err(MailboxError::NO_MEMORY);
    }
    let header = EoeHeader { port: header.port, ..EoeHeader::new(kind, EoeResult::SUCCESS.0) };
    Ok(vec![[&header.emit(), what].concat()])
}
