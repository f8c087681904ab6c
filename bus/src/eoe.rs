//! Ethernet over EtherCAT from the MainDevice's side: frames to and from a SubDevice, and its IP parameter (ETG.1000.6, 5.7).
//!
//! Frames have no answer and none is waited for ([`Ethernet`]). The IP parameter is set and read as a request.
//!
//! Guarantees: an IP parameter is sent with all its six parts, so that SubDevices that read fixed places and those that read
//! only what is announced understand the same. Not here: address filters and time stamps.

mod ethernet;
mod fragments;
mod port;

pub use ethernet::{Attached, Ethernet, EthernetCounters, PortError, SendError, TakesFrames};
pub(crate) use ethernet::{Lane, LaneEnd};
pub use fragments::{LONGEST, SHORTEST};
pub use port::FramePort;

use std::fmt;
use std::net::Ipv4Addr;

use zerocat_wire::eoe::{EoeHeader, EoeKind, EoeResult, IP_PARAMETER_LEN, IpParameter};
use zerocat_wire::mailbox::{self, MailboxHeader, MailboxType};

use crate::again::{Effect, TransferError, again};
use crate::datagrams::Datagrams;
use crate::error::Label;
use crate::mailbox::{MailError, MailFailure, Mailbox};

/// The IP parameter of a SubDevice: which part it has.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct IpSettings {
    /// MAC address.
    pub mac: Option<[u8; 6]>,
    /// IP address.
    pub address: Option<Ipv4Addr>,
    /// Subnet mask.
    pub mask: Option<Ipv4Addr>,
    /// Default gateway.
    pub gateway: Option<Ipv4Addr>,
    /// DNS server.
    pub dns: Option<Ipv4Addr>,
    /// DNS name, at most 32 bytes.
    pub name: Option<String>,
}

/// Why an IP parameter wasn't set or read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IpError {
    /// The SubDevice refused.
    #[error("{who}: IP parameter refused: {result}")]
    Refused {
        /// Who.
        who: Label,
        /// Why.
        result: EoeResult,
    },
    /// The mailbox failed.
    #[error("{who}: IP parameter: {source}")]
    Mail {
        /// Whose.
        who: Label,
        /// Why.
        source: MailError,
    },
    /// The answer doesn't make sense.
    #[error("{who}: IP parameter: answer makes no sense: {what}")]
    Answer {
        /// Who.
        who: Label,
        /// What is wrong with it.
        what: String,
    },
    /// The SubDevice has no mailbox, or none with EoE.
    #[error("{who} has no EoE mailbox")]
    NoEoe {
        /// Who.
        who: Label,
    },
}

impl TransferError for IpError {
    fn mail(&self) -> Option<&MailError> {
        match self {
            Self::Mail { source, .. } => Some(source),
            _ => None,
        }
    }

    fn other(&self) -> MailFailure {
        match self {
            Self::Refused { .. } => MailFailure::Abort,
            Self::Answer { .. } => MailFailure::ParseReject,
            _ => MailFailure::Other,
        }
    }
}

impl fmt::Display for IpSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts = Vec::new();
        let mut say = |what: &str, part: Option<String>| parts.extend(part.map(|part| format!("{what} {part}")));
        say("address", self.address.map(|part| part.to_string()));
        say("mask", self.mask.map(|part| part.to_string()));
        say("gateway", self.gateway.map(|part| part.to_string()));
        say("DNS", self.dns.map(|part| part.to_string()));
        say("name", self.name.clone());
        say("MAC", self.mac.map(|mac| mac.map(|byte| format!("{byte:02x}")).join(":")));
        f.write_str(&if parts.is_empty() { "none".to_owned() } else { parts.join(", ") })
    }
}

impl IpSettings {
    /// As it is in a mail, with all parts: what isn't given is 0.
    fn in_mail(&self, mac: [u8; 6]) -> IpParameter<'_> {
        let turned = |part: Option<Ipv4Addr>| Some(reversed(part.unwrap_or(Ipv4Addr::UNSPECIFIED).octets()));
        IpParameter {
            mac: Some(mac),
            address: turned(self.address),
            mask: turned(self.mask),
            gateway: turned(self.gateway),
            dns: turned(self.dns),
            name: Some(self.name.as_deref().unwrap_or_default().as_bytes()),
        }
    }

    /// From the bytes behind a header: parts one behind the other, or, with the full length, each at its place.
    fn of_mail(data: &[u8]) -> Result<Self, zerocat_wire::WireError> {
        let flags = data.first().copied().unwrap_or_default();
        let mut whole = data.to_vec();
        if let (IP_PARAMETER_LEN, Some(first)) = (data.len(), whole.first_mut()) {
            *first = 0x3f;
        }
        let parts = IpParameter::parse(&whole)?;
        let is = |bit: u8| flags & bit != 0;
        let turned = |part: Option<[u8; 4]>, bit| part.filter(|_| is(bit)).map(|part| reversed(part).into());
        Ok(Self {
            mac: parts.mac.filter(|_| is(0x01)),
            address: turned(parts.address, 0x02),
            mask: turned(parts.mask, 0x04),
            gateway: turned(parts.gateway, 0x08),
            dns: turned(parts.dns, 0x10),
            name: parts.name.filter(|_| is(0x20)).map(|name| String::from_utf8_lossy(name).into_owned()),
        })
    }
}

/// An IP address has its last byte first in a mail.
const fn reversed([a, b, c, d]: [u8; 4]) -> [u8; 4] {
    [d, c, b, a]
}

impl Mailbox {
    /// Sets the IP parameter: all of it. Parts that aren't given are set to 0, and the MAC address to one that is administered locally
    /// and made of the position.
    ///
    /// # Errors
    /// [`IpError`].
    pub async fn set_ip(&mut self, datagrams: &Datagrams, settings: &IpSettings) -> Result<(), IpError> {
        let mac = settings.mac.unwrap_or_else(|| self.own_mac());
        let mut data = [0; IP_PARAMETER_LEN];
        let emitted = settings.in_mail(mac).emit(&mut data);
        emitted.map_err(|_| self.senseless_ip("a name has at most 32 bytes".into()))?;
        // The same IP parameter may be set twice.
        let once = async |mailbox: &mut Self| mailbox.ask_ip(datagrams, EoeKind::SetIpRequest, &data).await;
        again(self, datagrams, Effect::None, once).await.map(drop)
    }

    /// Reads the IP parameter.
    ///
    /// # Errors
    /// [`IpError`].
    pub async fn ip(&mut self, datagrams: &Datagrams) -> Result<IpSettings, IpError> {
        let once = async |mailbox: &mut Self| mailbox.ask_ip(datagrams, EoeKind::GetIpRequest, &[]).await;
        let data = again(self, datagrams, Effect::None, once).await?;
        IpSettings::of_mail(&data).map_err(|error| self.senseless_ip(error.to_string()))
    }

    /// Sends a request about the IP parameter, and gives the data of its answer.
    async fn ask_ip(&mut self, datagrams: &Datagrams, asks: EoeKind, data: &[u8]) -> Result<Vec<u8>, IpError> {
        let request = EoeHeader::new(asks, 0);
        let body = self
            .exchange(
                datagrams,
                |mail, counter| {
                    let header = MailboxHeader::new(MailboxType::Eoe, counter, 0);
                    mailbox::emit(mail, header, |body| request.emit_with(data, body))
                },
                |header, body| header.kind == MailboxType::Eoe && answers(asks, body),
            )
            .await
            .map_err(|source| IpError::Mail { who: self.who().clone(), source })?;
        let (header, data) = EoeHeader::parse(&body).map_err(|error| self.senseless_ip(error.to_string()))?;
        let result = EoeResult(header.detail);
        if result != EoeResult::SUCCESS || (asks == EoeKind::GetIpRequest && header.kind != EoeKind::GetIpResponse) {
            return Err(IpError::Refused { who: self.who().clone(), result });
        }
        Ok(data.to_vec())
    }

    fn senseless_ip(&self, what: String) -> IpError {
        IpError::Answer { who: self.who().clone(), what }
    }

    /// A MAC address that is administered locally.
    fn own_mac(&self) -> [u8; 6] {
        let [high, low] = self.who().position.to_be_bytes();
        [0x02, b'z', b'c', 0, high, low]
    }
}

/// Whether a mail answers a request about the IP parameter. Some answer one that they don't know as if it had been to set it.
fn answers(asks: EoeKind, body: &[u8]) -> bool {
    let Ok((header, _)) = EoeHeader::parse(body) else { return false };
    match header.kind {
        EoeKind::SetIpResponse => asks == EoeKind::SetIpRequest || header.detail != EoeResult::SUCCESS.0,
        EoeKind::GetIpResponse => asks == EoeKind::GetIpRequest,
        _ => false,
    }
}
