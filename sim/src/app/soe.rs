//! The SoE server: elements of IDNs are read and written, in fragments where they don't fit into a mail.
//!
//! A fragmented write is carried out and answered with its last fragment; any other request ends it. A read is answered with
//! all its fragments. How many fragments are said to be left isn't compared: SOEM says one too many where the data fill
//! their mails. A procedure command ends at once, and a notification says so behind the answer to its write.
//!
//! Bounded: a fragmented write keeps no more bytes than a list can have.

mod drive;
mod parameters;

use zerocat_wire::coe::{Emergency, emergency};
use zerocat_wire::soe::{Elements, HEADER_LEN, Idn, Part, SoeError, SoeHeader, SoeOp};
use zerocat_wire::{AlState, MailboxError, WireError};

use super::mailbox::Answer;
use crate::describe::{Description, Purpose, ValueId};
use crate::profile::Values;
use drive::Drive;

/// Most bytes of a list, with its header, and one that shows that it is longer.
const LONGEST: usize = 4 + 65_535 + 1;

/// Fragments of a write that came so far.
#[derive(Debug)]
struct Fragments {
    drive: u8,
    elements: Elements,
    data: Vec<u8>,
}

/// One server, with the drives of its SubDevice.
#[derive(Debug)]
pub(super) struct Soe {
    drives: Vec<Drive>,
    write: Option<Fragments>,
}

/// What a write did.
enum Written {
    /// Nothing but the value has changed.
    Value,
    /// A procedure command has ended in this state.
    Ended(u16),
}

impl Soe {
    pub(super) fn new(description: &Description) -> Self {
        Self { drives: parameters::drives(description), write: None }
    }

    pub(super) fn end_transfer(&mut self) {
        self.write = None;
    }

    /// Value and bits of everything in the telegrams of a direction, drive by drive, where a list was changed since power-on.
    pub(super) fn telegram(&self, purpose: Purpose) -> Option<Vec<(Option<ValueId>, u8)>> {
        let changed = self.drives.iter().any(|drive| drive.has_changed(purpose));
        changed.then(|| self.drives.iter().flat_map(|drive| drive.telegram(purpose)).collect())
    }

    /// Answers the bytes behind a mailbox header with bodies of at most `space` bytes.
    pub(super) fn answer(&mut self, body: &[u8], space: usize, values: &Values, state: AlState) -> Answer {
        let (header, data) = SoeHeader::parse(body).map_err(|error| match error {
            WireError::Truncated { .. } => MailboxError::SIZE_TOO_SHORT,
            _ => MailboxError::INVALID_HEADER,
        })?;
        let room = space.saturating_sub(HEADER_LEN).max(1);
        match (header.op, header.part) {
            (SoeOp::ReadRequest, Part::Last(idn)) => {
                self.end_transfer();
                let read = self.drive(header.drive).and_then(|drive| drive.read(idn, header.elements, values));
                let answer = SoeHeader { op: SoeOp::ReadResponse, error: false, ..header };
                Ok(read.map_or_else(|code| vec![refused(answer, code)], |data| fragments(answer, &data, room)))
            }
            (SoeOp::WriteRequest, Part::More { .. }) => {
                self.collect(header, data);
                Ok(Vec::new())
            }
            (SoeOp::WriteRequest, Part::Last(idn)) => {
                self.collect(header, data);
                let data = self.write.take().map(|write| write.data).unwrap_or_default();
                Ok(self.write(header, idn, &data, state))
            }
            _ => Err(MailboxError::INVALID_HEADER),
        }
    }

    fn drive(&mut self, number: u8) -> Result<&mut Drive, SoeError> {
        self.drives.get_mut(usize::from(number)).ok_or(SoeError::NO_DRIVE)
    }

    fn collect(&mut self, header: SoeHeader, data: &[u8]) {
        let SoeHeader { drive, elements, .. } = header;
        let same = |write: &Fragments| (write.drive, write.elements) == (drive, elements);
        let before = self.write.take().filter(same).unwrap_or(Fragments { drive, elements, data: Vec::new() });
        let mut write = before;
        let room = LONGEST.saturating_sub(write.data.len());
        write.data.extend(data.iter().take(room));
        self.write = Some(write);
    }

    fn write(&mut self, header: SoeHeader, idn: Idn, data: &[u8], state: AlState) -> Vec<Vec<u8>> {
        let answer = SoeHeader { op: SoeOp::WriteResponse, error: false, ..header };
        let written = self.drive(header.drive).and_then(|drive| drive.write(idn, header.elements, data, state));
        match written {
            Err(code) => vec![refused(answer, code)],
            Ok(Written::Value) => vec![answer.emit().to_vec()],
            Ok(Written::Ended(state)) => {
                let told = SoeHeader::new(SoeOp::Notification, header.drive, Elements::DATA_STATE, idn);
                vec![answer.emit().to_vec(), with_data(told, &state.to_le_bytes())]
            }
        }
    }
}

fn with_data(header: SoeHeader, data: &[u8]) -> Vec<u8> {
    [&header.emit(), data].concat()
}

fn refused(answer: SoeHeader, code: SoeError) -> Vec<u8> {
    with_data(SoeHeader { error: true, ..answer }, &code.0.to_le_bytes())
}

/// The mails of an answer, with `room` bytes of data each.
fn fragments(answer: SoeHeader, data: &[u8], room: usize) -> Vec<Vec<u8>> {
    let count = data.len().div_ceil(room).max(1);
    let part = |(n, data): (usize, &[u8])| {
        let left = u16::try_from(count - 1 - n).unwrap_or(u16::MAX);
        let part = if left == 0 { answer.part } else { Part::More { left } };
        with_data(SoeHeader { part, ..answer }, data)
    };
    if data.is_empty() { vec![answer.emit().to_vec()] } else { data.chunks(room).enumerate().map(part).collect() }
}

/// An emergency of drive 0 as the body of a mail.
pub(super) fn emergency_body(emergency: &Emergency) -> Vec<u8> {
    let mut body = [0; emergency::LEN];
    let len = emergency.emit(&mut body).unwrap_or(0);
    with_data(SoeHeader::new(SoeOp::Emergency, 0, Elements::default(), Idn::default()), &body[..len])
}
