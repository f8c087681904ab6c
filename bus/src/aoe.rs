//! ADS commands over a mailbox: to a SubDevice, and to the devices behind it.
//!
//! Guarantees: a response is known by its invoke ID, which no request before it had, so that one to a request that was given up
//! answers no other; what is longer than a mail goes in fragments, both ways; errors of the router and of the device are said in
//! words; a read whose answer was lost is done again, and what writes is not.
//!
//! Not guaranteed: that a SubDevice which waits for the acknowledgement of its fragments goes on; none is sent, since SSC takes no
//! mail before all of its own are read. That a command which was given up hasn't been done.

use std::fmt;

use zerocat_wire::WireError;
use zerocat_wire::aoe::{
    self, AdsError, AdsRequest, AdsResponse, AdsState, AmsAddress, AmsCommand, AmsHeader, Assembly, DeviceInfo,
    Fragment, HEADER_LEN, NetId, NotificationRequest, OWN_PORT, group, pieces,
};
use zerocat_wire::mailbox::{HEADER_LEN as MAILBOX_HEADER, MailboxHeader, MailboxType};

use crate::again::{Effect, TransferError, again};
use crate::datagrams::Datagrams;
use crate::error::Label;
use crate::mailbox::{MailError, MailFailure, Mailbox};

/// From where the MainDevice asks.
pub const CALLER: AmsAddress = AmsAddress::new(NetId([127, 0, 0, 1, 1, 1]), 0x8001);

/// Most bytes of a response.
const LONGEST: usize = 1 << 20;
/// Bytes of a response beside what was asked for, at most: SSC's lists are longer by their type.
const BESIDE: usize = 64;

/// Who is to get an ADS command, by way of a SubDevice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct AoeTarget {
    /// NetID; `None` for that of the SubDevice.
    pub net_id: Option<NetId>,
    /// AMS port.
    pub port: u16,
}

impl AoeTarget {
    /// The SubDevice itself.
    pub const SUBDEVICE: Self = Self { net_id: None, port: OWN_PORT };
}

/// A port at the SubDevice's NetID: IO-Link masters have one for each of their ports.
impl From<u16> for AoeTarget {
    fn from(port: u16) -> Self {
        Self { net_id: None, port }
    }
}

/// A device behind it with a NetID of its own.
impl From<AmsAddress> for AoeTarget {
    fn from(AmsAddress { net_id, port }: AmsAddress) -> Self {
        Self { net_id: Some(net_id), port }
    }
}

/// What was asked of whom, as messages show it: `SubDevice 2 (EL6224): ADS read at 127.0.0.1.16.3:0x1001, 0xf302:0x00120000`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AdsTransfer {
    /// By way of whom.
    pub who: Label,
    /// What.
    pub command: AmsCommand,
    /// Of whom.
    pub target: AmsAddress,
    /// Index group and offset, where it has them.
    pub place: Option<(u32, u32)>,
}

impl fmt::Display for AdsTransfer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { who, command, target, place } = self;
        write!(f, "{who}: ADS {} at {target}", command.text())?;
        place.map_or(Ok(()), |(group, offset)| write!(f, ", {group:#06x}:{offset:#010x}"))
    }
}

/// Why an ADS command wasn't done.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AoeError {
    /// It was refused.
    #[error("{transfer}: error {code}")]
    Refused {
        /// What was asked.
        transfer: AdsTransfer,
        /// Why.
        code: AdsError,
    },
    /// The mailbox failed.
    #[error("{transfer}: {source}")]
    Mail {
        /// What was asked.
        transfer: AdsTransfer,
        /// Why.
        source: MailError,
    },
    /// The answer doesn't make sense.
    #[error("{transfer}: answer makes no sense: {what}")]
    Answer {
        /// What was asked.
        transfer: AdsTransfer,
        /// What is wrong with it.
        what: String,
    },
    /// The SubDevice has no mailbox, or none with AoE.
    #[error("{who} has no AoE mailbox")]
    NoAoe {
        /// Who.
        who: Label,
    },
}

impl AoeError {
    /// The SubDevice that it is about.
    #[must_use]
    pub const fn who(&self) -> &Label {
        match self {
            Self::Refused { transfer, .. } | Self::Mail { transfer, .. } | Self::Answer { transfer, .. } => {
                &transfer.who
            }
            Self::NoAoe { who } => who,
        }
    }

    /// The code of a refusal.
    #[must_use]
    pub const fn code(&self) -> Option<AdsError> {
        match self {
            Self::Refused { code, .. } => Some(*code),
            _ => None,
        }
    }
}

impl TransferError for AoeError {
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

/// What a mailbox keeps of AoE.
#[derive(Debug)]
pub(crate) struct Router {
    /// NetID of the SubDevice.
    net_id: NetId,
    station: u16,
    /// Of the last request.
    invoke_id: u32,
    /// Of the last request in fragments.
    packet: u16,
}

impl Router {
    pub(crate) const fn new(station: u16) -> Self {
        Self { net_id: NetId::of_station(station), station, invoke_id: 0, packet: 0 }
    }
}

/// Whether a mail of AoE may come unasked: a notification, or a request of the SubDevice's own. A response, or a part of one,
/// answers something.
pub(crate) fn comes_unasked(body: &[u8]) -> bool {
    AmsHeader::parse(body).is_ok_and(|(header, _)| !header.is_response() && header.command != AmsCommand::FRAGMENT)
}

impl Mailbox {
    /// The NetID that the SubDevice is called by: what it was set to, else 127.0.0.1 and the two bytes of its station address.
    #[must_use]
    pub const fn net_id(&self) -> NetId {
        self.router().net_id
    }

    /// Calls the SubDevice by another NetID from now on. It is told by [`give_net_id`](Self::give_net_id).
    pub fn set_net_id(&mut self, net_id: NetId) {
        self.router_mut().net_id = net_id;
    }

    /// Tells the SubDevice its NetID. In PRE-OP or above; more than once does no harm.
    ///
    /// # Errors
    /// [`AoeError`].
    pub async fn give_net_id(&mut self, datagrams: &Datagrams) -> Result<(), AoeError> {
        let Router { net_id, station, .. } = *self.router();
        // SSC takes it with its station address as both ports only.
        let (target, sender) = (AmsAddress::new(net_id, station), AmsAddress { port: station, ..CALLER });
        let write = AdsRequest::Write { group: group::ROUTER, offset: group::NET_ID, data: &net_id.0 };
        self.ads_once(datagrams, target, sender, write).await.map(drop)
    }

    /// Tells the SubDevice its NetID, if it has AoE. One that doesn't take its own is logged: it answers to the NetID of the
    /// first command then, or not at all.
    pub(crate) async fn tell_net_id(&mut self, datagrams: &Datagrams) {
        if self.info().aoe()
            && let Err(error) = self.give_net_id(datagrams).await
        {
            tracing::warn!(fault = %error.fault(), "it isn't given its NetID: {error}");
        }
    }

    /// Reads up to `len` bytes of an index group.
    ///
    /// # Errors
    /// [`AoeError`].
    pub async fn ads_read(
        &mut self,
        datagrams: &Datagrams,
        target: AoeTarget,
        (group, offset): (u32, u32),
        len: u32,
    ) -> Result<Vec<u8>, AoeError> {
        self.ads(datagrams, target, AdsRequest::Read { group, offset, len }).await
    }

    /// Writes bytes to an index group.
    ///
    /// # Errors
    /// [`AoeError`].
    pub async fn ads_write(
        &mut self,
        datagrams: &Datagrams,
        target: AoeTarget,
        (group, offset): (u32, u32),
        data: &[u8],
    ) -> Result<(), AoeError> {
        self.ads(datagrams, target, AdsRequest::Write { group, offset, data }).await.map(drop)
    }

    /// Writes bytes to an index group, and reads up to `len` as their answer.
    ///
    /// # Errors
    /// [`AoeError`].
    pub async fn ads_read_write(
        &mut self,
        datagrams: &Datagrams,
        target: AoeTarget,
        (group, offset): (u32, u32),
        len: u32,
        data: &[u8],
    ) -> Result<Vec<u8>, AoeError> {
        self.ads(datagrams, target, AdsRequest::ReadWrite { group, offset, len, data }).await
    }

    /// Reads name and version of a device.
    ///
    /// # Errors
    /// [`AoeError`].
    pub async fn ads_device_info(&mut self, datagrams: &Datagrams, target: AoeTarget) -> Result<DeviceInfo, AoeError> {
        let data = self.ads(datagrams, target, AdsRequest::DeviceInfo).await?;
        DeviceInfo::parse(&data).map_err(|error| self.senseless_ads(target, AmsCommand::DEVICE_INFO, &error))
    }

    /// Reads the state of a device.
    ///
    /// # Errors
    /// [`AoeError`].
    pub async fn ads_state(&mut self, datagrams: &Datagrams, target: AoeTarget) -> Result<AdsState, AoeError> {
        let data = self.ads(datagrams, target, AdsRequest::State).await?;
        AdsState::parse(&data).map_err(|error| self.senseless_ads(target, AmsCommand::STATE, &error))
    }

    /// Writes the state of a device.
    ///
    /// # Errors
    /// [`AoeError`].
    pub async fn ads_write_control(
        &mut self,
        datagrams: &Datagrams,
        target: AoeTarget,
        AdsState { ads, device }: AdsState,
        data: &[u8],
    ) -> Result<(), AoeError> {
        self.ads(datagrams, target, AdsRequest::WriteControl { ads, device, data }).await.map(drop)
    }

    /// Orders notifications, and gives their handle. They come unasked.
    ///
    /// # Errors
    /// [`AoeError`].
    pub async fn ads_notify(
        &mut self,
        datagrams: &Datagrams,
        target: AoeTarget,
        order: NotificationRequest,
    ) -> Result<u32, AoeError> {
        let data = self.ads(datagrams, target, AdsRequest::AddNotification(order)).await?;
        let handle = data.first_chunk().map(|bytes| u32::from_le_bytes(*bytes));
        let cut = WireError::Truncated { needed: 4, got: data.len() };
        handle.ok_or_else(|| self.senseless_ads(target, AmsCommand::ADD_NOTIFICATION, &cut))
    }

    /// Ends notifications.
    ///
    /// # Errors
    /// [`AoeError`].
    pub async fn ads_end_notify(
        &mut self,
        datagrams: &Datagrams,
        target: AoeTarget,
        handle: u32,
    ) -> Result<(), AoeError> {
        self.ads(datagrams, target, AdsRequest::DeleteNotification { handle }).await.map(drop)
    }

    /// Has a request done, once or, where it only reads, again where its answer was lost.
    async fn ads(
        &mut self,
        datagrams: &Datagrams,
        target: AoeTarget,
        request: AdsRequest<'_>,
    ) -> Result<Vec<u8>, AoeError> {
        let target = self.address(target);
        let effect = if request.writes() { Effect::Commands } else { Effect::None };
        let once = async |mailbox: &mut Self| mailbox.ads_once(datagrams, target, CALLER, request).await;
        again(self, datagrams, effect, once).await
    }

    fn address(&self, AoeTarget { net_id, port }: AoeTarget) -> AmsAddress {
        AmsAddress::new(net_id.unwrap_or(self.router().net_id), port)
    }

    fn senseless_ads(&self, target: AoeTarget, command: AmsCommand, error: &WireError) -> AoeError {
        let (who, target) = (self.who().clone(), self.address(target));
        AoeError::Answer { transfer: AdsTransfer { who, command, target, place: None }, what: error.to_string() }
    }

    /// Sends a request, in fragments where it is longer than a mail, and gives the data of its response.
    async fn ads_once(
        &mut self,
        datagrams: &Datagrams,
        target: AmsAddress,
        sender: AmsAddress,
        request: AdsRequest<'_>,
    ) -> Result<Vec<u8>, AoeError> {
        let transfer =
            AdsTransfer { who: self.who().clone(), command: request.command(), target, place: place(&request) };
        let router = self.router_mut();
        router.invoke_id = router.invoke_id.wrapping_add(1);
        let header = AmsHeader::request(target, sender, request.command(), router.invoke_id);
        let mut data = vec![0; request.len()];
        request.emit(&mut data).map_err(|error| senseless(&transfer, error.to_string()))?;
        let first = self.put_command(datagrams, header, &data).await;
        let first = first.map_err(|source| AoeError::Mail { transfer: transfer.clone(), source })?;
        let longest = BESIDE.saturating_add(asked_for(&request)).min(LONGEST);
        let whole = self.whole_response(datagrams, &header, first, longest, &transfer).await?;
        opened(&transfer, &whole)
    }

    /// Sends a command, and gives its answer or the first fragment of it.
    async fn put_command(
        &mut self,
        datagrams: &Datagrams,
        header: AmsHeader,
        data: &[u8],
    ) -> Result<Vec<u8>, MailError> {
        let room = usize::from(self.info().write_len).saturating_sub(MAILBOX_HEADER);
        let is_first = |mail: &MailboxHeader, body: &[u8]| is_first(&header, mail, body);
        if HEADER_LEN.saturating_add(data.len()) <= room {
            let emit = |mail: &mut [u8], counter: u8| aoe::emit(mail, counter, header, data);
            return self.exchange(datagrams, emit, is_first).await;
        }
        let mut command = vec![0; HEADER_LEN.saturating_add(data.len())];
        header.emit_with(data, &mut command).map_err(|source| MailError::TooLong { room, source })?;
        let router = self.router_mut();
        router.packet = router.packet.wrapping_add(1);
        let packet = router.packet;
        let mut pieces = (0..).zip(pieces(&command, room.saturating_sub(HEADER_LEN))).peekable();
        while let Some((number, piece)) = pieces.next() {
            let fragment = Fragment { number, packet }.header(&header);
            let emit = |mail: &mut [u8], counter: u8| aoe::emit(mail, counter, fragment, piece);
            if pieces.peek().is_none() {
                return self.exchange(datagrams, emit, is_first).await;
            }
            self.send(datagrams, emit).await?;
        }
        // A command has one piece at least.
        Err(MailError::TooLong { room, source: WireError::BadLength })
    }

    /// The whole of a response (header and data), of which the first mail is there.
    async fn whole_response(
        &mut self,
        datagrams: &Datagrams,
        request: &AmsHeader,
        first: Vec<u8>,
        longest: usize,
        transfer: &AdsTransfer,
    ) -> Result<Vec<u8>, AoeError> {
        let open = |error: WireError| senseless(transfer, error.to_string());
        let mut body = first;
        let mut assembly: Option<Assembly<Vec<u8>>> = None;
        loop {
            let (header, data) = AmsHeader::parse(&body).map_err(open)?;
            let Some(fragment) = Fragment::of(&header) else { return Ok(body) };
            let parts = assembly.get_or_insert_with(|| Assembly::new(vec![0; longest.saturating_add(HEADER_LEN)]));
            let taken = parts.take(&header, data).map_err(|error| senseless(transfer, error.to_string()))?;
            if let Some(whole) = taken {
                return Ok(whole.to_vec());
            }
            let next = fragment.next().ok_or_else(|| senseless(transfer, "too many fragments".into()))?;
            let sender = header.sender;
            let is_next = |mail: &MailboxHeader, body: &[u8]| {
                let header = AmsHeader::parse(body).map(|(header, _)| header);
                mail.kind == MailboxType::Aoe
                    && header.is_ok_and(|header| {
                        Fragment::of(&header) == Some(next)
                            && (header.sender, header.target) == (sender, request.sender)
                    })
            };
            let came = self.answer(datagrams, is_next).await;
            body = came.map_err(|source| AoeError::Mail { transfer: transfer.clone(), source })?;
        }
    }
}

/// Whether a mail is the response to a request, or the first fragment of it.
fn is_first(request: &AmsHeader, mail: &MailboxHeader, body: &[u8]) -> bool {
    mail.kind == MailboxType::Aoe
        && AmsHeader::parse(body).is_ok_and(|(header, data)| {
            header.answers(request) || Fragment::whole(&header, data).is_some_and(|whole| whole.answers(request))
        })
}

/// Index group and offset of a request.
const fn place(request: &AdsRequest<'_>) -> Option<(u32, u32)> {
    match *request {
        AdsRequest::Read { group, offset, .. }
        | AdsRequest::Write { group, offset, .. }
        | AdsRequest::ReadWrite { group, offset, .. }
        | AdsRequest::AddNotification(NotificationRequest { group, offset, .. }) => Some((group, offset)),
        _ => None,
    }
}

/// Bytes that a request wants.
fn asked_for(request: &AdsRequest<'_>) -> usize {
    match *request {
        AdsRequest::Read { len, .. } | AdsRequest::ReadWrite { len, .. } => usize::try_from(len).unwrap_or(usize::MAX),
        _ => 0,
    }
}

/// The data of a response.
fn opened(transfer: &AdsTransfer, whole: &[u8]) -> Result<Vec<u8>, AoeError> {
    let open = |error: WireError| senseless(transfer, error.to_string());
    let refused = |code| AoeError::Refused { transfer: transfer.clone(), code };
    let (header, data) = AmsHeader::parse(whole).map_err(open)?;
    if header.error.is_error() {
        return Err(refused(header.error));
    }
    let response = AdsResponse::parse(header.command, data).map_err(open)?;
    if response.result.is_error() { Err(refused(response.result)) } else { Ok(response.data.to_vec()) }
}

fn senseless(transfer: &AdsTransfer, what: String) -> AoeError {
    AoeError::Answer { transfer: transfer.clone(), what }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_said_with_whom_place_and_words() {
        let who = Label { position: 2, name: "EL6224".into() };
        let target = AmsAddress::new(NetId::of_station(0x1003), 0x1001);
        let place = Some((group::SDO, group::entry(0x12, 0)));
        let transfer = AdsTransfer { who, command: AmsCommand::READ, target, place };
        let error = AoeError::Refused { transfer, code: AdsError::NOT_FOUND };
        let said =
            "SubDevice 2 (EL6224): ADS read at 127.0.0.1.16.3:0x1001, 0xf302:0x00120000: error 0x070c: Not found";
        assert_eq!(error.to_string(), said);
    }

    #[test]
    fn only_notifications_and_requests_come_unasked() {
        let header = AmsHeader::request(CALLER, CALLER, AmsCommand::NOTIFICATION, 0);
        assert!(comes_unasked(&header.emit()));
        assert!(!comes_unasked(&header.answered(AdsError::NONE).emit()));
        assert!(!comes_unasked(&AmsHeader { command: AmsCommand::FRAGMENT, ..header }.emit()));
        assert!(!comes_unasked(&[1, 2, 3]), "damaged");
    }
}
