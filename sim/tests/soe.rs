//! A drive with SoE as a MainDevice meets it: elements of IDNs, fragments, error codes, telegrams by lists, notifications and
//! emergencies.

#![allow(clippy::unwrap_used, reason = "a test fails there")]

mod support;

use std::time::Duration;

use proptest::prelude::*;
use support::Rig;
use zerocat_sim::{Action, ProfileKind, SegmentConfig, SubDeviceConfig};
use zerocat_wire::AlState;
use zerocat_wire::coe::Emergency;
use zerocat_wire::soe::{Attribute, Display, Elements, HEADER_LEN, Idn, List, Part, Size, SoeError, SoeHeader, SoeOp};

const SOE: u8 = 5;
const ROOM: usize = 128 - 6 - HEADER_LEN;
/// A text of 324 characters.
const NOTE: Idn = Idn::product(0, 1);

/// A drive in PRE-OP, and the counter of its next request.
struct Drive {
    rig: Rig,
    counter: u8,
}

impl Drive {
    fn new(axes: u16) -> Self {
        Self::of(SubDeviceConfig::new(ProfileKind::SoeServo).with_channels(axes))
    }

    fn of(config: SubDeviceConfig) -> Self {
        let mut rig = Rig::new(&SegmentConfig::line(vec![config]));
        rig.preop(0);
        Self { rig, counter: 0 }
    }

    fn post(&mut self, header: SoeHeader, data: &[u8]) {
        self.counter = self.counter % 7 + 1;
        let body = [&header.emit(), data].concat();
        assert_eq!(self.rig.post(0, self.counter, SOE, &body), 1, "request mailbox");
    }

    /// Body of the next mail, if one has come.
    fn fetch(&mut self) -> Option<Vec<u8>> {
        let mail = self.rig.fetch(0)?;
        assert_eq!(mail[5] & 0x0f, SOE);
        Some(mail[6..6 + usize::from(u16::from_le_bytes([mail[0], mail[1]]))].to_vec())
    }

    /// All mails of an answer, one behind the other, or the code of a refusal.
    fn answer(&mut self, op: SoeOp) -> Result<Vec<u8>, SoeError> {
        let mut all = Vec::new();
        loop {
            let body = self.fetch().expect("an answer");
            let (header, data) = SoeHeader::parse(&body).unwrap();
            if header.op == SoeOp::Emergency {
                continue;
            }
            assert_eq!(header.op, op);
            if header.error {
                return Err(SoeError::of(data).unwrap());
            }
            all.extend(data);
            if let Part::Last(_) = header.part {
                return Ok(all);
            }
        }
    }

    fn read_of(&mut self, drive: u8, idn: Idn, elements: Elements) -> Result<Vec<u8>, SoeError> {
        self.post(SoeHeader::new(SoeOp::ReadRequest, drive, elements, idn), &[]);
        self.answer(SoeOp::ReadResponse)
    }

    fn read(&mut self, idn: Idn, elements: Elements) -> Result<Vec<u8>, SoeError> {
        self.read_of(0, idn, elements)
    }

    fn write(&mut self, idn: Idn, data: &[u8]) -> Result<Vec<u8>, SoeError> {
        self.write_element(idn, Elements::VALUE, data)
    }

    fn write_element(&mut self, idn: Idn, elements: Elements, data: &[u8]) -> Result<Vec<u8>, SoeError> {
        self.post(SoeHeader::new(SoeOp::WriteRequest, 0, elements, idn), data);
        self.answer(SoeOp::WriteResponse)
    }

    fn list(&mut self, idn: Idn) -> Vec<u16> {
        let data = self.read(idn, Elements::VALUE).unwrap();
        List::parse(&data).unwrap().words().collect()
    }

    fn text(&mut self, idn: Idn, elements: Elements) -> String {
        let data = self.read(idn, elements).unwrap();
        String::from_utf8(List::parse(&data).unwrap().items.to_vec()).unwrap()
    }

    /// Sync managers of these lengths, and SAFE-OP.
    fn safeop(&mut self, outputs: u16, inputs: u16) -> (u16, u16) {
        // One that is on keeps its length.
        self.rig.write(0, 0x0816, &[0]);
        self.rig.write(0, 0x081e, &[0]);
        self.rig.sync_manager(0, 2, 0x1100, outputs, 0x64);
        self.rig.sync_manager(0, 3, 0x1180, inputs, 0x20);
        self.rig.al(0, 4)
    }
}

fn list_of(items: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0; 4 + items.len()];
    List { most: 0, items }.emit(&mut bytes).unwrap();
    bytes
}

fn idns(idns: &[u16]) -> Vec<u8> {
    list_of(&idns.iter().flat_map(|idn| idn.to_le_bytes()).collect::<Vec<_>>())
}

#[test]
fn the_telegram_type_is_read_as_literal_bytes() {
    let mut drive = Drive::new(1);
    assert_eq!(drive.rig.post(0, 1, SOE, &[0x01, 0x40, 0x0f, 0x00]), 1);
    assert_eq!(drive.fetch(), Some(vec![0x02, 0x40, 0x0f, 0x00, 0x07, 0x00]));
    assert_eq!(drive.fetch(), None);
}

#[test]
fn every_element_of_an_idn_is_read() {
    let mut drive = Drive::new(1);
    let limit = Idn(91);
    assert_eq!(drive.text(limit, Elements::NAME), "Bipolar velocity limit");
    assert_eq!(drive.text(limit, Elements::UNIT), "1/min");
    let attribute = Attribute::parse(&drive.read(limit, Elements::ATTRIBUTE).unwrap()).unwrap();
    assert_eq!(attribute, Attribute::value(Size::Four, Display::Unsigned));
    let number = |drive: &mut Drive, element| drive.read(limit, element).unwrap();
    assert_eq!(number(&mut drive, Elements::MIN), [0, 0, 0, 0]);
    assert_eq!(number(&mut drive, Elements::MAX), 6000u32.to_le_bytes());
    drive.write(limit, &100u32.to_le_bytes()).unwrap();
    assert_eq!(number(&mut drive, Elements::VALUE), 100u32.to_le_bytes());
    assert_eq!(number(&mut drive, Elements::DEFAULT), 3000u32.to_le_bytes());
    assert_eq!(drive.read(Idn(99), Elements::DATA_STATE), Ok(vec![0, 0]));
    // Together they stand in the order of their bits.
    let both = drive.read(limit, Elements(Elements::ATTRIBUTE.0 | Elements::VALUE.0)).unwrap();
    assert_eq!(both, [attribute.0.to_le_bytes(), 100u32.to_le_bytes()].concat());
}

#[test]
fn what_is_not_there_has_its_code() {
    let mut drive = Drive::new(2);
    assert_eq!(drive.read(Idn(4000), Elements::VALUE), Err(SoeError::NO_IDN));
    assert_eq!(drive.read(Idn(15), Elements::default()), Err(SoeError::NO_ELEMENT));
    assert_eq!(drive.read(Idn(15), Elements::UNIT), Err(SoeError::NO_UNIT));
    assert_eq!(drive.read(Idn(15), Elements::MIN), Err(SoeError::NO_MIN));
    assert_eq!(drive.read(Idn(15), Elements::MAX), Err(SoeError::NO_MAX));
    assert_eq!(drive.read(Idn(15), Elements::DATA_STATE), Err(SoeError::NO_DATA_STATE));
    assert_eq!(drive.read(Idn(17), Elements::DEFAULT), Err(SoeError::NO_DEFAULT));
    assert!(drive.read_of(1, Idn(15), Elements::VALUE).is_ok());
    assert_eq!(drive.read_of(2, Idn(15), Elements::VALUE), Err(SoeError::NO_DRIVE));
}

#[test]
fn a_write_that_is_not_taken_has_its_code() {
    let mut drive = Drive::new(1);
    assert_eq!(drive.write(Idn(15), &[7]), Err(SoeError::VALUE_TOO_SHORT));
    assert_eq!(drive.write(Idn(15), &[7, 0, 0]), Err(SoeError::VALUE_TOO_LONG));
    assert_eq!(drive.write(Idn(15), &[4, 0]), Err(SoeError::VALUE_INVALID));
    assert_eq!(drive.write(Idn(15), &[7, 0]), Ok(vec![]));
    assert_eq!(drive.write(Idn(91), &6001u32.to_le_bytes()), Err(SoeError::VALUE_ABOVE_MAX));
    assert_eq!(drive.write(Idn(52), &(-1_000_001i32).to_le_bytes()), Err(SoeError::VALUE_BELOW_MIN));
    assert_eq!(drive.write(Idn(52), &(-1_000_000i32).to_le_bytes()), Ok(vec![]));
    assert_eq!(drive.write(Idn(17), &idns(&[])), Err(SoeError::VALUE_READ_ONLY));
    assert_eq!(drive.write(Idn(51), &[0; 4]), Err(SoeError::VALUE_READ_ONLY), "the drive's own");
    assert_eq!(drive.write_element(Idn(91), Elements::NAME, b"x"), Err(SoeError::NAME_READ_ONLY));
    assert_eq!(drive.write_element(Idn(91), Elements::MAX, b"x"), Err(SoeError::MAX_READ_ONLY));
    // Lists: their own length, whole items, IDNs that may be there, each once.
    assert_eq!(drive.write(Idn::AT_LIST, &[2, 0, 2, 0, 51]), Err(SoeError::VALUE_TOO_SHORT));
    assert_eq!(drive.write(Idn::AT_LIST, &[1, 0, 2, 0, 51]), Err(SoeError::VALUE_TOO_SHORT));
    assert_eq!(drive.write(Idn::AT_LIST, &[0, 0, 2, 0, 51]), Err(SoeError::VALUE_TOO_LONG));
    assert_eq!(drive.write(Idn::AT_LIST, &idns(&[51; 25])), Err(SoeError::VALUE_TOO_LONG));
    assert_eq!(drive.write(Idn::AT_LIST, &idns(&[47])), Err(SoeError::VALUE_INVALID), "an output");
    assert_eq!(drive.write(Idn::AT_LIST, &idns(&[51, 51])), Err(SoeError::VALUE_INVALID));
}

#[test]
fn what_is_protected_in_a_state_is_refused_there() {
    let mut drive = Drive::new(1);
    assert_eq!(drive.safeop(6, 6), (4, 0));
    assert_eq!(drive.write(Idn::AT_LIST, &idns(&[51])), Err(SoeError::VALUE_PROTECTED));
    assert_eq!(drive.write(Idn(1), &[0xd0, 7]), Err(SoeError::VALUE_PROTECTED));
    assert_eq!(drive.write(Idn(91), &[1, 0, 0, 0]), Ok(vec![]), "in every state");
    let attribute = Attribute::parse(&drive.read(Idn(1), Elements::ATTRIBUTE).unwrap()).unwrap();
    assert!(attribute.is_protected(AlState::SafeOp) && !attribute.is_protected(AlState::PreOp));
}

#[test]
fn a_long_value_comes_in_fragments_that_count_down() {
    let mut drive = Drive::new(1);
    drive.post(SoeHeader::new(SoeOp::ReadRequest, 0, Elements::VALUE, NOTE), &[]);
    let mut parts = Vec::new();
    while let Some(body) = drive.fetch() {
        let (header, data) = SoeHeader::parse(&body).unwrap();
        parts.push((header.part, data.len()));
    }
    let whole = 4 + 324;
    let last = (Part::Last(NOTE), whole - 2 * ROOM);
    assert_eq!(parts, [(Part::More { left: 2 }, ROOM), (Part::More { left: 1 }, ROOM), last]);
}

#[test]
fn a_long_value_is_written_in_fragments_and_answered_once() {
    let mut drive = Drive::new(1);
    let text: Vec<u8> = (0..250u8).map(|n| b'a' + n % 26).collect();
    let data = list_of(&text);
    let whole = SoeHeader::new(SoeOp::WriteRequest, 0, Elements::VALUE, NOTE);
    let count = data.len().div_ceil(ROOM);
    for (n, part) in data.chunks(ROOM).enumerate() {
        let left = u16::try_from(count - 1 - n).unwrap();
        let part_of = if left == 0 { Part::Last(NOTE) } else { Part::More { left } };
        drive.post(SoeHeader { part: part_of, ..whole }, part);
        assert_eq!(drive.rig.read(0, 0x0805, 1)[0] & 8, 0, "taken");
        if left > 0 {
            assert_eq!(drive.fetch(), None);
        }
    }
    assert_eq!(drive.answer(SoeOp::WriteResponse), Ok(vec![]));
    assert_eq!(drive.text(NOTE, Elements::VALUE).into_bytes(), text);
}

#[test]
fn a_fragmented_write_that_something_else_comes_into_is_forgotten() {
    let mut drive = Drive::new(1);
    let whole = SoeHeader::new(SoeOp::WriteRequest, 0, Elements::VALUE, NOTE);
    drive.post(SoeHeader { part: Part::More { left: 1 }, ..whole }, &list_of(&[b'x'; 100]));
    assert!(drive.read(Idn(15), Elements::VALUE).is_ok());
    assert_eq!(drive.write(NOTE, b"x"), Err(SoeError::VALUE_TOO_SHORT), "no more than the last fragment");
    assert!(drive.text(NOTE, Elements::VALUE).starts_with("A note"));
}

#[test]
fn requests_that_are_none_get_an_error_reply() {
    let mut drive = Drive::new(1);
    let code = |drive: &mut Drive, counter, body: &[u8]| {
        assert_eq!(drive.rig.post(0, counter, SOE, body), 1);
        let mail = drive.rig.fetch(0).unwrap();
        assert_eq!((mail[5] & 0x0f, mail[6]), (0, 1));
        mail[8]
    };
    assert_eq!(code(&mut drive, 1, &[0x01, 0x40, 0x0f]), 6, "too short");
    assert_eq!(code(&mut drive, 2, &[0x02, 0x40, 0x0f, 0x00]), 5, "a response");
    assert_eq!(code(&mut drive, 3, &[0x09, 0x40, 0x01, 0x00]), 5, "a read in fragments");
    assert_eq!(code(&mut drive, 4, &[0x07, 0x40, 0x0f, 0x00]), 5, "reserved");
}

#[test]
fn a_procedure_command_ends_with_a_notification() {
    let mut drive = Drive::new(1);
    assert_eq!(drive.write(Idn(99), &[3, 0]), Ok(vec![]));
    let told = SoeHeader::new(SoeOp::Notification, 0, Elements::DATA_STATE, Idn(99));
    assert_eq!(drive.fetch(), Some([&told.emit()[..], &[3, 0]].concat()));
    assert_eq!(drive.read(Idn(99), Elements::DATA_STATE), Ok(vec![3, 0]));
    assert_eq!(drive.write(Idn(99), &[0, 0]), Ok(vec![]));
    assert_eq!(drive.fetch(), None, "nothing to tell of one that is cleared");
    assert_eq!(drive.read(Idn(99), Elements::DATA_STATE), Ok(vec![0, 0]));
}

#[test]
fn the_lists_say_what_the_telegrams_have() {
    let mut drive = Drive::new(1);
    assert_eq!(drive.list(Idn::MDT_LIST), [47]);
    assert_eq!(drive.list(Idn::AT_LIST), [51]);
    assert_eq!(drive.list(Idn(188)), [47, 36, 80]);
    assert_eq!(drive.list(Idn(187)), [51, 40, 84, 189]);
    let all = drive.list(Idn::ALL);
    assert!(all.windows(2).all(|pair| pair[0] < pair[1]));
    assert!([15, 16, 17, 24, 134, 135, NOTE.0].iter().all(|idn| all.contains(idn)));
    for idn in all {
        assert!(drive.read(Idn(idn), Elements::VALUE).is_ok(), "{}", Idn(idn));
    }
}

#[test]
fn safeop_needs_the_lengths_of_the_lists() {
    let mut drive = Drive::new(1);
    drive.write(Idn::MDT_LIST, &idns(&[36, 80])).unwrap();
    drive.write(Idn::AT_LIST, &idns(&[51, 40])).unwrap();
    assert_eq!(drive.safeop(6, 10), (0x12, 0x1d), "the words, 32 and 16 bits");
    drive.rig.al(0, 0x12);
    assert_eq!(drive.safeop(8, 10), (4, 0));
    drive.rig.al(0, 2);
    drive.write(Idn::MDT_LIST, &idns(&[47])).unwrap();
    drive.write(Idn::AT_LIST, &idns(&[])).unwrap();
    assert_eq!(drive.safeop(6, 2), (4, 0));
}

#[test]
fn axes_have_idns_and_telegrams_of_their_own() {
    let mut drive = Drive::new(2);
    let list = idns(&[40]);
    drive.post(SoeHeader::new(SoeOp::WriteRequest, 1, Elements::VALUE, Idn::AT_LIST), &list);
    assert_eq!(drive.answer(SoeOp::WriteResponse), Ok(vec![]));
    assert_eq!(drive.list(Idn::AT_LIST), [51], "that of drive 0");
    drive.write(Idn::AT_LIST, &idns(&[])).unwrap();
    assert_eq!(drive.safeop(12, 2 + 6), (4, 0));
}

#[test]
fn an_axis_follows_its_position_command() {
    let mut drive = Drive::new(1);
    assert_eq!(drive.safeop(6, 6), (4, 0));
    drive.rig.al(0, 8);
    let mut command = vec![0x00, 0xe0];
    command.extend(5000i32.to_le_bytes());
    for _ in 0..50 {
        drive.rig.write(0, 0x1100, &command);
        drive.rig.now += Duration::from_millis(1);
        drive.rig.segment.step(drive.rig.now);
    }
    let shown = drive.rig.read(0, 0x1180, 6);
    assert_eq!(shown[..2], [0x00, 0xc0], "in operation");
    assert_eq!(shown[2..], 5000i32.to_le_bytes());
}

#[test]
fn a_failed_transition_is_told_by_an_emergency_of_soe() {
    let mut drive = Drive::new(1);
    assert_eq!(drive.safeop(6, 7), (0x12, 0x1e));
    let body = drive.fetch().unwrap();
    let (header, data) = SoeHeader::parse(&body).unwrap();
    assert_eq!(header.op, SoeOp::Emergency);
    let emergency = Emergency::parse(data).unwrap();
    assert_eq!((emergency.code, emergency.data[0]), (0xa000, 0x1e));
}

#[test]
fn an_emergency_on_command_comes_by_soe() {
    let mut drive = Drive::new(1);
    let emergency = Action::Emergency { subdevice: 0, code: 0x8611, register: 0x21, data: [1, 2, 3, 4, 5] };
    drive.rig.segment.act(emergency, drive.rig.now).unwrap();
    let body = drive.fetch().unwrap();
    assert_eq!(body, [0x06, 0, 0, 0, 0x11, 0x86, 0x21, 1, 2, 3, 4, 5]);
}

#[test]
fn a_drive_of_a_description_has_the_idns_that_it_maps() {
    let text = "<EtherCATInfo><Vendor><Id>1</Id></Vendor><Descriptions><Devices><Device Physics='YY'><Type \
        ProductCode='#x1' RevisionNo='#x1'>D</Type><Name>D</Name><Fmmu>Outputs</Fmmu><Fmmu>Inputs</Fmmu>\
        <Sm DefaultSize='128' StartAddress='#x1000' ControlByte='#x26' Enable='1'>MBoxOut</Sm>\
        <Sm DefaultSize='128' StartAddress='#x1080' ControlByte='#x22' Enable='1'>MBoxIn</Sm>\
        <Sm StartAddress='#x1100' ControlByte='#x24' Enable='1'>Outputs</Sm>\
        <Sm StartAddress='#x1180' ControlByte='#x22' Enable='1'>Inputs</Sm>\
        <RxPdo Sm='2'><Index>24</Index><Name>MDT</Name><Entry><Index>134</Index><SubIndex>0</SubIndex><BitLen>16</BitLen>\
        <Name>Master control word</Name><DataType>UINT</DataType></Entry><Entry><Index>36</Index><SubIndex>0</SubIndex>\
        <BitLen>32</BitLen><Name>Velocity command value</Name><DataType>DINT</DataType></Entry></RxPdo>\
        <TxPdo Sm='3'><Index>16</Index><Name>AT</Name><Entry><Index>135</Index><SubIndex>0</SubIndex><BitLen>16</BitLen>\
        <Name>Drive status word</Name><DataType>UINT</DataType></Entry></TxPdo>\
        <Mailbox><SoE/></Mailbox></Device></Devices></Descriptions></EtherCATInfo>";
    let mut drive = Drive::of(SubDeviceConfig::from_esi_bytes(text.as_bytes(), "D").unwrap());
    assert_eq!(drive.list(Idn::MDT_LIST), [36]);
    assert_eq!(drive.list(Idn::AT_LIST), [0u16; 0]);
    assert_eq!(drive.text(Idn(36), Elements::NAME), "Velocity command value");
    let attribute = Attribute::parse(&drive.read(Idn(36), Elements::ATTRIBUTE).unwrap()).unwrap();
    assert_eq!((attribute.size(), attribute.display()), (Size::Four, Display::Signed));
}

proptest! {
    #[test]
    fn no_soe_mail_upsets_the_mailbox(mails in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..122), 1..40)) {
        let mut drive = Drive::new(1);
        for mut mail in mails {
            if let [first, _, low, high, ..] = mail.as_mut_slice() {
                // Requests of drive 0 mostly, of IDNs that are there.
                *first &= 0x1b;
                (*low, *high) = (*low % 100, 0);
            }
            drive.counter = drive.counter % 7 + 1;
            drive.rig.post(0, drive.counter, SOE, &mail);
            while drive.rig.fetch(0).is_some() {}
        }
        prop_assert_eq!(drive.read(Idn(15), Elements::VALUE), Ok(vec![7, 0]));
    }
}
