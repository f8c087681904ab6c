//! The SDO server: expedited, normal and segmented transfers in both directions, complete access, aborts
//! (ETG.1000.6, 5.6.2).

use zerocat_wire::coe::{
    AbortCode, CoeService, SdoAbort, SdoInitiate, SdoRequest, SdoResponse, SdoSegment, SdoTarget, sdo,
};
use zerocat_wire::{MailboxError, WireError};

use super::habits::SdoHabits;
use super::object_access::Objects;
use crate::config::SizeHabit;

/// Largest value that is taken in segments.
const LARGEST: u32 = 64 * 1024;

/// A transfer that has not ended.
#[derive(Debug, Default)]
enum Transfer {
    #[default]
    None,
    Upload {
        target: SdoTarget,
        data: Vec<u8>,
        sent: usize,
        toggle: bool,
    },
    Download {
        target: SdoTarget,
        data: Vec<u8>,
        size: usize,
        toggle: bool,
    },
}

/// One server; a SubDevice has one.
#[derive(Debug)]
pub(super) struct SdoServer {
    transfer: Transfer,
    habits: SdoHabits,
}

/// The reply, if there is one: service, and the bytes behind the CoE header.
pub(super) type Reply = Option<(CoeService, Vec<u8>)>;

impl SdoServer {
    pub(super) const fn new(habits: SdoHabits) -> Self {
        Self { transfer: Transfer::None, habits }
    }

    /// Abandons the transfer that goes on.
    pub(super) fn end_transfer(&mut self) {
        self.transfer = Transfer::None;
    }

    /// Answers the bytes behind a CoE header. `space` is what the reply may have behind its CoE header.
    ///
    /// # Errors
    /// Those that are answered with a mailbox error.
    pub(super) fn request(
        &mut self,
        body: &[u8],
        space: usize,
        objects: &mut Objects<'_>,
    ) -> Result<Reply, MailboxError> {
        let request = match SdoRequest::parse(body) {
            Ok(request) => request,
            Err(WireError::Truncated { .. }) => return Err(MailboxError::SIZE_TOO_SHORT),
            Err(_) => return Ok(self.refuse(SdoTarget::entry(0, 0), AbortCode::COMMAND)),
        };
        Ok(self.serve(&request, body, space, objects))
    }

    fn serve(&mut self, request: &SdoRequest<'_>, body: &[u8], space: usize, objects: &mut Objects<'_>) -> Reply {
        if let Some((target, code)) = refused(request, objects) {
            return self.refuse(target, code);
        }
        match *request {
            SdoRequest::Upload { target } => match objects.read(target) {
                Ok(data) => self.start_upload(target, data, space),
                Err(code) => self.refuse(target, code),
            },
            SdoRequest::UploadSegment { toggle } => self.upload_segment(toggle, space),
            SdoRequest::Download(SdoInitiate::Expedited { target, data }) => {
                self.transfer = Transfer::None;
                // Without a size all four bytes are sent: as many count as the entry has.
                let exact = exact(objects, target, data, body);
                in_place(finish_download(objects, target, exact), body)
            }
            SdoRequest::Download(SdoInitiate::Normal { target, size, data }) => {
                self.start_download(objects, target, size, data)
            }
            SdoRequest::DownloadSegment(SdoSegment { toggle, last, data }) => {
                self.download_segment(objects, toggle, last, data)
            }
            SdoRequest::Abort(_) => {
                self.transfer = Transfer::None;
                None
            }
        }
    }

    fn refuse(&mut self, target: SdoTarget, code: AbortCode) -> Reply {
        self.transfer = Transfer::None;
        abort(target, code)
    }

    fn start_upload(&mut self, target: SdoTarget, data: Vec<u8>, space: usize) -> Reply {
        self.transfer = Transfer::None;
        if (1..=sdo::EXPEDITED).contains(&data.len()) {
            return reply(&SdoResponse::Upload(SdoInitiate::Expedited { target, data: &data }), space);
        }
        let Ok(size) = u32::try_from(data.len()) else { return abort(target, AbortCode::OUT_OF_MEMORY) };
        let room = space.saturating_sub(sdo::NORMAL_HEADER);
        let first = data.len().min(self.habits.initiate(room));
        let answer = reply(&SdoResponse::Upload(SdoInitiate::Normal { target, size, data: &data[..first] }), space);
        let answer = with_size(answer, self.habits.size);
        if first < data.len() {
            self.transfer = Transfer::Upload { target, data, sent: first, toggle: false };
        }
        answer
    }

    fn upload_segment(&mut self, asked: bool, space: usize) -> Reply {
        let habits = &mut self.habits;
        let (answer, ended) = match &mut self.transfer {
            Transfer::Upload { target, .. } if habits.abort.hits() => (abort(*target, AbortCode::GENERAL), true),
            Transfer::Upload { target, data, sent, toggle } if asked == *toggle => {
                let end = data.len().min(*sent + habits.segment(space.saturating_sub(sdo::SEGMENT_HEADER)));
                let last = end == data.len();
                let shown = asked ^ habits.wrong_toggle.hits();
                let part = SdoResponse::UploadSegment(SdoSegment { toggle: shown, last, data: &data[*sent..end] });
                let answer = reply(&part, space).or_else(|| abort(*target, AbortCode::GENERAL));
                (*sent, *toggle) = (end, !asked);
                (answer, last)
            }
            Transfer::Upload { target, .. } => (abort(*target, AbortCode::TOGGLE), true),
            _ => (abort(SdoTarget::entry(0, 0), AbortCode::COMMAND), true),
        };
        if ended {
            self.transfer = Transfer::None;
        }
        answer
    }

    fn start_download(&mut self, objects: &mut Objects<'_>, target: SdoTarget, size: u32, data: &[u8]) -> Reply {
        self.transfer = Transfer::None;
        let Ok(total) = usize::try_from(size.min(LARGEST)) else { return abort(target, AbortCode::OUT_OF_MEMORY) };
        if size > LARGEST {
            return abort(target, AbortCode::OUT_OF_MEMORY);
        }
        if let Err(code) = objects.admits(target, total) {
            return abort(target, code);
        }
        if data.len() >= total {
            return finish_download(objects, target, data);
        }
        self.transfer = Transfer::Download { target, data: data.to_vec(), size: total, toggle: false };
        reply(&SdoResponse::Download { target }, usize::MAX)
    }

    fn download_segment(&mut self, objects: &mut Objects<'_>, said: bool, last: bool, part: &[u8]) -> Reply {
        match std::mem::take(&mut self.transfer) {
            Transfer::Download { target, mut data, size, toggle } => {
                if said != toggle {
                    return abort(target, AbortCode::TOGGLE);
                }
                if self.habits.abort.hits() {
                    return abort(target, AbortCode::GENERAL);
                }
                data.extend_from_slice(part);
                if data.len() > size {
                    return abort(target, AbortCode::LENGTH_TOO_HIGH);
                }
                if !last {
                    self.transfer = Transfer::Download { target, data, size, toggle: !toggle };
                } else if data.len() < size {
                    return abort(target, AbortCode::LENGTH_TOO_LOW);
                } else if let Err(code) = objects.write(target, &data) {
                    return abort(target, code);
                }
                let toggle = said ^ self.habits.wrong_toggle.hits();
                reply(&SdoResponse::DownloadSegment { toggle }, usize::MAX)
            }
            _ => abort(SdoTarget::entry(0, 0), AbortCode::COMMAND),
        }
    }
}

/// Whether an access is aborted on purpose.
fn refused(request: &SdoRequest<'_>, objects: &Objects<'_>) -> Option<(SdoTarget, AbortCode)> {
    let target = match *request {
        SdoRequest::Upload { target } => target,
        SdoRequest::Download(initiate) => initiate.target(),
        _ => return None,
    };
    objects.refusals.code(target).map(|code| (target, code))
}

fn finish_download(objects: &mut Objects<'_>, target: SdoTarget, data: &[u8]) -> Reply {
    match objects.write(target, data) {
        Ok(()) => reply(&SdoResponse::Download { target }, usize::MAX),
        Err(code) => abort(target, code),
    }
}

/// Bytes of an expedited transfer: command, target and data.
const EXPEDITED: usize = 8;

/// The answer to an expedited download as most stacks make it, in the buffer of the request: the data stay behind the
/// target (reserved, ETG.1000.6, table 33).
fn in_place(reply: Reply, body: &[u8]) -> Reply {
    let (service, mut answer) = reply?;
    if let (CoeService::SdoResponse, Some(sent)) = (service, body.get(EXPEDITED - sdo::EXPEDITED..EXPEDITED))
        && let Some(reserved) = answer.get_mut(EXPEDITED - sdo::EXPEDITED..EXPEDITED)
    {
        reserved.copy_from_slice(sent);
    }
    Some((service, answer))
}

/// Bytes of the length in the first answer to an upload.
const SIZE: std::ops::Range<usize> = 4..8;

/// The first answer to an upload, with what the habit says of the length.
fn with_size(reply: Reply, habit: SizeHabit) -> Reply {
    let (service, mut answer) = reply?;
    if habit != SizeHabit::Given {
        answer.get_mut(SIZE)?.fill(0);
    }
    if habit == SizeHabit::Unsaid {
        *answer.first_mut()? &= !1;
    }
    Some((service, answer))
}

/// The data of an expedited download, cut to the entry's length where the request doesn't say its size (bit 0 of
/// the command).
fn exact<'a>(objects: &Objects<'_>, target: SdoTarget, data: &'a [u8], body: &[u8]) -> &'a [u8] {
    let sized = body.first().is_some_and(|command| command & 1 != 0);
    let entry = objects.dictionary.object(target.index).and_then(|object| object.entry(target.subindex));
    match entry {
        Some(entry) if !sized && !target.complete => data.get(..usize::from(entry.bits).div_ceil(8)).unwrap_or(data),
        _ => data,
    }
}

fn reply(response: &SdoResponse<'_>, space: usize) -> Reply {
    let mut bytes = vec![0; space.min(2048)];
    let len = response.emit(&mut bytes).ok()?;
    bytes.truncate(len);
    Some((CoeService::SdoResponse, bytes))
}

/// An abort goes out as an SDO request (ETG.1000.6, table 40).
fn abort(target: SdoTarget, code: AbortCode) -> Reply {
    reply(&SdoResponse::Abort(SdoAbort { target, code }), usize::MAX).map(|(_, bytes)| (CoeService::SdoRequest, bytes))
}
