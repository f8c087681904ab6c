//! SDO transfer: upload and download, expedited, normal and segmented (ETG.1000.6, 5.6.2).
//!
//! Guarantees: an answer is the answer to what was asked by service, index and subindex (in segments: by toggle);
//! aborts are said in words; a transfer is done again only where that does no harm, as the mailbox's policy says. A transfer that
//! the SubDevice refused is not.

use zerocat_wire::WireError;
use zerocat_wire::coe::{
    self, AbortCode, CoeHeader, CoeService, SdoAbort, SdoInitiate, SdoRequest, SdoResponse, SdoSegment, SdoTarget, sdo,
};
use zerocat_wire::mailbox::{HEADER_LEN, MailboxHeader, MailboxType};

use crate::again::{Effect, TransferError, again};
use crate::datagrams::Datagrams;
use crate::error::Label;
use crate::mailbox::{MailError, MailFailure, Mailbox};

/// Longest value that is read, in bytes.
pub const MAX_VALUE: usize = 1024 * 1024;

/// Which way an SDO goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SdoService {
    /// From the SubDevice.
    Upload,
    /// To the SubDevice.
    Download,
    /// Neither: what is there.
    Information,
}

impl std::fmt::Display for SdoService {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Upload => "upload",
            Self::Download => "download",
            Self::Information => "information",
        })
    }
}

/// What a transfer was about, as messages show it: `SubDevice 2 (EL3002): SDO upload of 0x1c13:01`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transfer {
    /// Whose object.
    pub who: Label,
    /// Which way.
    pub service: SdoService,
    /// Index.
    pub index: u16,
    /// Subindex.
    pub subindex: u8,
}

impl std::fmt::Display for Transfer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { who, service, index, subindex } = self;
        write!(f, "{who}: SDO {service} of {index:#06x}:{subindex:02x}")
    }
}

/// Why a transfer failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SdoError {
    /// The SubDevice refused.
    #[error("{transfer}: abort {code}")]
    Abort {
        /// What was to be transferred.
        transfer: Transfer,
        /// Why.
        code: AbortCode,
    },
    /// The mailbox failed.
    #[error("{transfer}: {source}")]
    Mail {
        /// What was to be transferred.
        transfer: Transfer,
        /// Why.
        source: MailError,
    },
    /// The answer doesn't make sense.
    #[error("{transfer}: answer makes no sense: {what}")]
    Answer {
        /// What was to be transferred.
        transfer: Transfer,
        /// What is wrong with it.
        what: String,
    },
    /// Something is refused that process data can't be placed without, and the SII doesn't have it.
    #[error("{source}; {what}")]
    Unplaced {
        /// What can't be placed.
        what: String,
        /// What is refused.
        source: Box<SdoError>,
    },
    /// The SubDevice has no mailbox, or none with CoE.
    #[error("{who} has no CoE mailbox")]
    NoCoe {
        /// Who.
        who: Label,
    },
}

impl SdoError {
    /// The SubDevice that it is about.
    #[must_use]
    pub fn who(&self) -> &Label {
        match self {
            Self::Abort { transfer, .. } | Self::Mail { transfer, .. } | Self::Answer { transfer, .. } => &transfer.who,
            Self::Unplaced { source, .. } => source.who(),
            Self::NoCoe { who } => who,
        }
    }

    /// Whether it says that the object or subindex doesn't exist.
    #[must_use]
    pub const fn says_absent(&self) -> bool {
        matches!(self, Self::Abort { code: AbortCode::NO_SUCH_OBJECT | AbortCode::NO_SUCH_SUBINDEX, .. })
    }
}

impl TransferError for SdoError {
    fn mail(&self) -> Option<&MailError> {
        match self {
            Self::Mail { source, .. } => Some(source),
            _ => None,
        }
    }

    fn other(&self) -> MailFailure {
        match self {
            Self::Abort { .. } => MailFailure::Abort,
            Self::Answer { .. } => MailFailure::ParseReject,
            _ => MailFailure::Other,
        }
    }
}

/// An answer, out of its mail.
enum Answer {
    Done,
    Data { size: usize, data: Vec<u8>, last: bool },
    Abort(AbortCode),
}

impl Mailbox {
    /// Reads a value.
    ///
    /// # Errors
    /// [`SdoError`].
    pub async fn upload(&mut self, datagrams: &Datagrams, index: u16, subindex: u8) -> Result<Vec<u8>, SdoError> {
        let transfer = self.transfer(SdoService::Upload, index, subindex);
        self.upload_target(datagrams, &transfer, SdoTarget::entry(index, subindex)).await
    }

    /// Reads an object with all its subindices in one transfer (complete access): subindex 0 in 16 bits, then the others one
    /// behind the other. For SubDevices whose SII says that they can do it.
    ///
    /// # Errors
    /// [`SdoError`].
    pub async fn upload_complete(&mut self, datagrams: &Datagrams, index: u16) -> Result<Vec<u8>, SdoError> {
        let transfer = self.transfer(SdoService::Upload, index, 0);
        self.upload_target(datagrams, &transfer, SdoTarget::complete(index)).await
    }

    async fn upload_target(
        &mut self,
        datagrams: &Datagrams,
        transfer: &Transfer,
        target: SdoTarget,
    ) -> Result<Vec<u8>, SdoError> {
        again(self, datagrams, Effect::None, async |mailbox| mailbox.upload_once(datagrams, transfer, target).await)
            .await
    }

    /// Writes a value.
    ///
    /// # Errors
    /// [`SdoError`].
    pub async fn download(
        &mut self,
        datagrams: &Datagrams,
        index: u16,
        subindex: u8,
        data: &[u8],
    ) -> Result<(), SdoError> {
        self.download_target(datagrams, SdoTarget::entry(index, subindex), data).await
    }

    /// Writes an object with all its subindices from `subindex` on, 0 or 1, in one transfer (complete access). For SubDevices
    /// whose SII says that they can do it.
    ///
    /// # Errors
    /// [`SdoError`].
    pub async fn download_complete(
        &mut self,
        datagrams: &Datagrams,
        index: u16,
        subindex: u8,
        data: &[u8],
    ) -> Result<(), SdoError> {
        let target = SdoTarget { subindex, ..SdoTarget::complete(index) };
        self.download_target(datagrams, target, data).await
    }

    async fn download_target(&mut self, datagrams: &Datagrams, target: SdoTarget, data: &[u8]) -> Result<(), SdoError> {
        let transfer = self.transfer(SdoService::Download, target.index, target.subindex);
        let once = async |mailbox: &mut Self| mailbox.download_once(datagrams, &transfer, target, data).await;
        again(self, datagrams, Effect::Writes, once).await
    }

    /// The error of an upload that brought something else than it should.
    #[must_use]
    pub fn senseless_upload(&self, index: u16, subindex: u8, what: String) -> SdoError {
        senseless(&self.transfer(SdoService::Upload, index, subindex), what)
    }

    fn transfer(&self, service: SdoService, index: u16, subindex: u8) -> Transfer {
        Transfer { who: self.who().clone(), service, index, subindex }
    }

    async fn upload_once(
        &mut self,
        datagrams: &Datagrams,
        transfer: &Transfer,
        target: SdoTarget,
    ) -> Result<Vec<u8>, SdoError> {
        let (size, mut value) = match self.ask(datagrams, transfer, SdoRequest::Upload { target }).await? {
            Answer::Data { size, data, .. } => (size, data),
            Answer::Done | Answer::Abort(_) => return Err(senseless(transfer, "no data")),
        };
        if size > MAX_VALUE {
            return Err(senseless(transfer, format!("a value of {size} bytes; at most {MAX_VALUE} are read")));
        }
        let (mut toggle, mut first) = (false, true);
        // Without its length, only the segments say what there is.
        let known = size > 0;
        let mut last = known && value.len() >= size;
        while !last {
            let (data, end) = match self.ask(datagrams, transfer, SdoRequest::UploadSegment { toggle }).await {
                Ok(Answer::Data { data, last, .. }) => (data, last),
                // There is no segment: what came before is the value.
                Err(SdoError::Abort { .. }) if !known && first => return Ok(value),
                Ok(Answer::Done | Answer::Abort(_)) => return Err(senseless(transfer, "no segment")),
                Err(error) => return Err(error),
            };
            if (data.is_empty() && !end) || value.len() + data.len() > MAX_VALUE {
                return Err(senseless(
                    transfer,
                    format!("segment of {} bytes behind {} of {size}", data.len(), value.len()),
                ));
            }
            value.extend(data);
            (toggle, last, first) = (!toggle, end, false);
        }
        if known && value.len() != size {
            return Err(senseless(transfer, format!("{} bytes instead of {size}", value.len())));
        }
        Ok(value)
    }

    async fn download_once(
        &mut self,
        datagrams: &Datagrams,
        transfer: &Transfer,
        target: SdoTarget,
        data: &[u8],
    ) -> Result<(), SdoError> {
        if (1..=sdo::EXPEDITED).contains(&data.len()) {
            let request = SdoRequest::Download(SdoInitiate::Expedited { target, data });
            return self.ask(datagrams, transfer, request).await.map(drop);
        }
        let room = usize::from(self.info().write_len).saturating_sub(HEADER_LEN + coe::HEADER_LEN);
        let size = u32::try_from(data.len()).map_err(|_| senseless(transfer, "value too long"))?;
        let (first, mut rest) = data.split_at(data.len().min(room.saturating_sub(sdo::NORMAL_HEADER)));
        let request = SdoRequest::Download(SdoInitiate::Normal { target, size, data: first });
        self.ask(datagrams, transfer, request).await?;
        let mut toggle = false;
        while !rest.is_empty() {
            let (data, behind) = rest.split_at(rest.len().min(room.saturating_sub(sdo::SEGMENT_HEADER).max(1)));
            let request = SdoRequest::DownloadSegment(SdoSegment { toggle, last: behind.is_empty(), data });
            self.ask(datagrams, transfer, request).await?;
            (toggle, rest) = (!toggle, behind);
        }
        Ok(())
    }

    /// One request and its answer. An abort is an error.
    async fn ask(
        &mut self,
        datagrams: &Datagrams,
        transfer: &Transfer,
        request: SdoRequest<'_>,
    ) -> Result<Answer, SdoError> {
        let emit = |mail: &mut [u8], counter: u8| -> Result<usize, WireError> {
            coe::emit(mail, counter, CoeService::SdoRequest, |room| request.emit(room))
        };
        let answers = |header: &MailboxHeader, body: &[u8]| answer(&request, transfer, header, body).is_some();
        let failed = |source| SdoError::Mail { transfer: transfer.clone(), source };
        let body = self.exchange(datagrams, emit, answers).await.map_err(failed)?;
        let header = MailboxHeader::new(MailboxType::Coe, 0, 0);
        match answer(&request, transfer, &header, &body) {
            Some(Answer::Abort(code)) => Err(SdoError::Abort { transfer: transfer.clone(), code }),
            Some(answer) => Ok(answer),
            None => Err(senseless(transfer, "not an answer")),
        }
    }
}

fn senseless(transfer: &Transfer, what: impl Into<String>) -> SdoError {
    SdoError::Answer { transfer: transfer.clone(), what: what.into() }
}

/// What a mail says to a request; `None` where it answers something else.
fn answer(request: &SdoRequest<'_>, transfer: &Transfer, header: &MailboxHeader, body: &[u8]) -> Option<Answer> {
    if header.kind != MailboxType::Coe {
        return None;
    }
    let (coe, rest) = CoeHeader::parse(body).ok()?;
    // An abort may come as a request, by those who see it as their own.
    if !matches!(coe.service, CoeService::SdoResponse | CoeService::SdoRequest) {
        return None;
    }
    let response = SdoResponse::parse(rest).ok()?;
    let ours = |target: SdoTarget| (target.index, target.subindex) == (transfer.index, transfer.subindex);
    if let SdoResponse::Abort(SdoAbort { target, code }) = response {
        // A segment bears neither, so neither may its abort.
        let segment = matches!(request, SdoRequest::UploadSegment { .. } | SdoRequest::DownloadSegment(_));
        let unsaid = segment && target == SdoTarget::entry(0, 0);
        return (ours(target) || unsaid).then_some(Answer::Abort(code));
    }
    if coe.service != CoeService::SdoResponse {
        return None;
    }
    match (request, response) {
        (SdoRequest::Upload { .. }, SdoResponse::Upload(SdoInitiate::Expedited { target, data })) if ours(target) => {
            Some(Answer::Data { size: data.len(), data: data.to_vec(), last: true })
        }
        (SdoRequest::Upload { .. }, SdoResponse::Upload(SdoInitiate::Normal { target, size, data }))
            if ours(target) =>
        {
            let size = usize::try_from(size).ok()?;
            Some(Answer::Data { size, data: data.to_vec(), last: data.len() >= size })
        }
        (SdoRequest::UploadSegment { toggle }, SdoResponse::UploadSegment(SdoSegment { toggle: same, last, data }))
            if *toggle == same =>
        {
            Some(Answer::Data { size: data.len(), data: data.to_vec(), last })
        }
        (SdoRequest::Download(_), SdoResponse::Download { target }) => ours(target).then_some(Answer::Done),
        (SdoRequest::DownloadSegment(SdoSegment { toggle, .. }), SdoResponse::DownloadSegment { toggle: same }) => {
            (*toggle == same).then_some(Answer::Done)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn transfer(index: u16, subindex: u8) -> Transfer {
        let who = Label { position: 2, name: "EL3002".into() };
        Transfer { who, service: SdoService::Upload, index, subindex }
    }

    fn body(service: CoeService, response: &SdoResponse<'_>) -> Vec<u8> {
        let mut bytes = vec![0; 64];
        bytes[..2].copy_from_slice(&CoeHeader::new(service).emit());
        let len = response.emit(&mut bytes[2..]).unwrap();
        bytes.truncate(2 + len);
        bytes
    }

    #[test]
    fn an_answer_is_known_by_index_and_subindex_whatever_its_counter() {
        let request = SdoRequest::Upload { target: SdoTarget::entry(0x1018, 1) };
        let right =
            SdoResponse::Upload(SdoInitiate::Expedited { target: SdoTarget::entry(0x1018, 1), data: &[2, 0, 0, 0] });
        let wrong =
            SdoResponse::Upload(SdoInitiate::Expedited { target: SdoTarget::entry(0x1018, 2), data: &[2, 0, 0, 0] });
        for counter in 0..8 {
            let header = MailboxHeader::new(MailboxType::Coe, counter, 0);
            let ours =
                |response| answer(&request, &transfer(0x1018, 1), &header, &body(CoeService::SdoResponse, response));
            assert!(matches!(ours(&right), Some(Answer::Data { size: 4, .. })));
            assert!(ours(&wrong).is_none());
        }
    }

    #[test]
    fn an_abort_that_comes_as_a_request_is_an_abort() {
        let request = SdoRequest::Upload { target: SdoTarget::entry(0x1c12, 0) };
        let abort =
            SdoResponse::Abort(SdoAbort { target: SdoTarget::entry(0x1c12, 0), code: AbortCode::NO_SUCH_OBJECT });
        let header = MailboxHeader::new(MailboxType::Coe, 1, 0);
        let got = answer(&request, &transfer(0x1c12, 0), &header, &body(CoeService::SdoRequest, &abort));
        assert!(matches!(got, Some(Answer::Abort(AbortCode::NO_SUCH_OBJECT))));
    }

    #[test]
    fn an_abort_is_said_with_who_index_subindex_and_words() {
        let error = SdoError::Abort { transfer: transfer(0x1c12, 0), code: AbortCode::NO_SUCH_OBJECT };
        assert_eq!(
            error.to_string(),
            "SubDevice 2 (EL3002): SDO upload of 0x1c12:00: abort 0x06020000: Object doesn't exist in the object dictionary"
        );
        assert!(error.says_absent());
    }
}
