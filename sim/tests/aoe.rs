//! AoE and VoE as a MainDevice meets them: the NetID, the object dictionary by ADS, devices behind ports, fragments, refusals,
//! vendors' mails.

#![allow(clippy::unwrap_used, reason = "a test fails there")]

mod support;

use proptest::prelude::*;
use support::Rig;
use zerocat_sim::{
    Action, ActionError, AoeConfig, MailboxConfig, MailboxProtocol, ProfileKind, SegmentConfig, SubDeviceConfig,
};
use zerocat_wire::aoe::{
    AdsError, AdsRequest, AdsResponse, AdsState, AmsAddress, AmsCommand, AmsHeader, Assembly, DeviceInfo, Fragment,
    NetId, NotificationRequest, OWN_PORT, Sample, flags, group, pieces, samples,
};
use zerocat_wire::voe::VoeHeader;

const AOE: u8 = 1;
const VOE: u8 = 15;
const STATION: u16 = 0x1001;
const GIVEN: NetId = NetId([172, 16, 17, 10, 2, 1]);
const CALLER: AmsAddress = AmsAddress::new(NetId([127, 0, 0, 1, 1, 1]), 0x8001);
const AREA: u32 = 0x4020;

/// A SubDevice with AoE in PRE-OP, and how it is asked.
struct Device {
    rig: Rig,
    counter: u8,
    invoke_id: u32,
}

impl Device {
    fn new(protocols: &[MailboxProtocol]) -> Self {
        let mailbox = MailboxConfig { protocols: protocols.to_vec(), ..MailboxConfig::default() };
        let servo = SubDeviceConfig { mailbox: Some(mailbox), ..SubDeviceConfig::new(ProfileKind::Servo) };
        let mut rig = Rig::new(&SegmentConfig::line(vec![servo]));
        rig.write(0, 0x0010, &STATION.to_le_bytes());
        rig.preop(0);
        Self { rig, counter: 0, invoke_id: 100 }
    }

    /// One that has its NetID.
    fn named() -> Self {
        let mut device = Self::new(&[MailboxProtocol::Coe, MailboxProtocol::Aoe, MailboxProtocol::Voe]);
        assert_eq!(device.give(GIVEN), Ok(Vec::new()));
        device
    }

    fn post(&mut self, kind: u8, body: &[u8]) {
        self.counter = self.counter % 7 + 1;
        assert_eq!(self.rig.post(0, self.counter, kind, body), 1, "request mailbox");
    }

    fn fetch(&mut self, kind: u8) -> Option<Vec<u8>> {
        let mail = self.rig.fetch(0)?;
        assert_eq!(mail[5] & 0x0f, kind);
        Some(mail[6..6 + usize::from(u16::from_le_bytes([mail[0], mail[1]]))].to_vec())
    }

    fn send(&mut self, target: AmsAddress, sender: AmsAddress, request: AdsRequest<'_>) -> AmsHeader {
        self.invoke_id += 1;
        let header = AmsHeader::request(target, sender, request.command(), self.invoke_id);
        self.post(AOE, &whole(header, request));
        header
    }

    /// The response: an error of the header as `Err(Err)`, one of the result as `Err(Ok)`.
    fn response(&mut self, asked: &AmsHeader) -> Result<Vec<u8>, Result<AdsError, AdsError>> {
        let mut assembly = Assembly::new(vec![0; 20_000]);
        loop {
            let body = self.fetch(AOE).expect("a response");
            let (header, data) = AmsHeader::parse(&body).unwrap();
            if Fragment::of(&header).is_none() {
                return opened(asked, &header, data);
            }
            if let Some(all) = assembly.take(&header, data).unwrap() {
                let (header, data) = AmsHeader::parse(all).unwrap();
                return opened(asked, &header, data);
            }
        }
    }

    fn ask(&mut self, port: u16, request: AdsRequest<'_>) -> Result<Vec<u8>, Result<AdsError, AdsError>> {
        let asked = self.send(AmsAddress::new(GIVEN, port), CALLER, request);
        self.response(&asked)
    }

    fn read(&mut self, port: u16, group: u32, offset: u32, len: u32) -> Result<Vec<u8>, Result<AdsError, AdsError>> {
        self.ask(port, AdsRequest::Read { group, offset, len })
    }

    fn write(
        &mut self,
        port: u16,
        group: u32,
        offset: u32,
        data: &[u8],
    ) -> Result<Vec<u8>, Result<AdsError, AdsError>> {
        self.ask(port, AdsRequest::Write { group, offset, data })
    }

    fn give(&mut self, net_id: NetId) -> Result<Vec<u8>, Result<AdsError, AdsError>> {
        let address = AmsAddress::new(GIVEN, STATION);
        let write = AdsRequest::Write { group: group::ROUTER, offset: group::NET_ID, data: &net_id.0 };
        let asked = self.send(address, AmsAddress { port: STATION, ..CALLER }, write);
        self.response(&asked)
    }
}

fn whole(header: AmsHeader, request: AdsRequest<'_>) -> Vec<u8> {
    let (mut data, mut body) = (vec![0; 2000], vec![0; 2000]);
    let len = request.emit(&mut data).unwrap();
    let len = header.emit_with(&data[..len], &mut body).unwrap();
    body.truncate(len);
    body
}

fn opened(asked: &AmsHeader, header: &AmsHeader, data: &[u8]) -> Result<Vec<u8>, Result<AdsError, AdsError>> {
    assert!(header.answers(asked), "{header:?} to {asked:?}");
    assert_eq!(header.sender, asked.target);
    if header.error.is_error() {
        assert!(data.is_empty());
        return Err(Err(header.error));
    }
    let answer = AdsResponse::parse(header.command, data).unwrap();
    if answer.result.is_error() { Err(Ok(answer.result)) } else { Ok(answer.data.to_vec()) }
}

fn entry(index: u16, subindex: u8) -> u32 {
    group::entry(index, subindex)
}

#[test]
fn the_net_id_is_given_as_literal_bytes() {
    let mut device = Device::new(&[MailboxProtocol::Aoe]);
    #[rustfmt::skip]
    device.post(AOE, &[
        172, 16, 17, 10, 2, 1, 0x01, 0x10, 172, 16, 17, 10, 1, 1, 0x01, 0x10,
        3, 0, 4, 0, 18, 0, 0, 0, 0, 0, 0, 0, 0x2a, 0, 0, 0,
        1, 0, 0, 0, 3, 0, 0, 0, 6, 0, 0, 0, 172, 16, 17, 10, 2, 1,
    ]);
    #[rustfmt::skip]
    assert_eq!(device.fetch(AOE).unwrap(), [
        172, 16, 17, 10, 1, 1, 0x01, 0x10, 172, 16, 17, 10, 2, 1, 0x01, 0x10,
        3, 0, 5, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0x2a, 0, 0, 0, 0, 0, 0, 0,
    ]);
}

#[test]
fn another_net_id_is_refused_and_a_new_one_may_be_given() {
    let mut device = Device::named();
    let other = NetId([9; 6]);
    let asked = device.send(AmsAddress::new(other, OWN_PORT), CALLER, AdsRequest::State);
    assert_eq!(device.response(&asked), Err(Err(AdsError::TARGET_NOT_FOUND)));
    device.give(other).unwrap();
    let asked = device.send(AmsAddress::new(other, OWN_PORT), CALLER, AdsRequest::State);
    assert!(device.response(&asked).is_ok());
    assert_eq!(device.ask(OWN_PORT, AdsRequest::State), Err(Err(AdsError::TARGET_NOT_FOUND)));
}

#[test]
fn a_net_id_that_begins_with_zeros_has_the_first_bytes_of_the_target() {
    let mut device = Device::new(&[MailboxProtocol::Coe, MailboxProtocol::Aoe]);
    device.give(NetId([0, 0, 0, 0, 7, 8])).unwrap();
    let target = AmsAddress::new(NetId([172, 16, 17, 10, 7, 8]), OWN_PORT);
    let asked = device.send(target, CALLER, AdsRequest::State);
    assert!(device.response(&asked).is_ok());
}

#[test]
fn without_a_net_id_the_first_command_says_it_until_the_mailbox_is_closed() {
    let mut device = Device::new(&[MailboxProtocol::Coe, MailboxProtocol::Aoe]);
    assert!(device.ask(OWN_PORT, AdsRequest::State).is_ok());
    let other = AmsAddress::new(NetId([9; 6]), OWN_PORT);
    let asked = device.send(other, CALLER, AdsRequest::State);
    assert_eq!(device.response(&asked), Err(Err(AdsError::TARGET_NOT_FOUND)));
    assert_eq!(device.rig.al(0, 1), (1, 0));
    device.rig.preop(0);
    let asked = device.send(other, CALLER, AdsRequest::State);
    assert!(device.response(&asked).is_ok());
}

#[test]
fn objects_are_read_and_written_by_ads() {
    let mut device = Device::named();
    assert_eq!(device.read(OWN_PORT, group::SDO, entry(0x1018, 1), 4).unwrap().len(), 4);
    device.write(OWN_PORT, group::SDO, entry(0x6083, 0), &12_345u32.to_le_bytes()).unwrap();
    assert_eq!(device.read(OWN_PORT, group::SDO, entry(0x6083, 0), 4), Ok(12_345u32.to_le_bytes().to_vec()));
    let identity = device.read(OWN_PORT, group::SDO, group::complete(0x1018, 0), 100).unwrap();
    assert_eq!((identity.len(), identity[0]), (18, 4));
    let by_coe = device.rig.coe(0, 0, &[0, 0x20, 0x40, 0x83, 0x60, 0, 0, 0, 0, 0]).unwrap();
    assert_eq!(by_coe[6..10], 12_345u32.to_le_bytes());
}

#[test]
fn what_an_object_does_not_allow_has_its_code() {
    let mut device = Device::named();
    let read = |device: &mut Device, offset, len| device.read(OWN_PORT, group::SDO, offset, len).unwrap_err().unwrap();
    assert_eq!(read(&mut device, entry(0x7777, 0), 4), AdsError::NOT_FOUND);
    assert_eq!(read(&mut device, entry(0x1018, 9), 4), AdsError::NOT_FOUND);
    assert_eq!(read(&mut device, entry(0x1018, 1), 3), AdsError::INVALID_SIZE);
    assert_eq!(read(&mut device, entry(0x1018, 1) | 0x200, 4), AdsError::INVALID_OFFSET, "TwinCAT's long time-out");
    let write = |device: &mut Device, offset, data: &[u8]| {
        device.write(OWN_PORT, group::SDO, offset, data).unwrap_err().unwrap()
    };
    assert_eq!(write(&mut device, entry(0x1018, 1), &[0; 4]), AdsError::DEVICE, "read-only");
    assert_eq!(write(&mut device, entry(0x6083, 0), &[0; 5]), AdsError::INVALID_SIZE);
}

#[test]
fn sdo_information_is_read_by_ads() {
    let mut device = Device::named();
    let list = device.read(OWN_PORT, group::SDO_LIST, 1 << 16, 2000).unwrap();
    let words: Vec<u16> = list.chunks_exact(2).map(|word| u16::from_le_bytes([word[0], word[1]])).collect();
    assert_eq!(words[0], 1, "the list's type");
    assert!(words.contains(&0x1018) && words.contains(&0x6041));
    let counts = device.read(OWN_PORT, group::SDO_LIST, 0, 10).unwrap();
    assert_eq!((counts.len(), usize::from(counts[2])), (12, words.len() - 1), "room for the counts is enough");
    let object = device.read(OWN_PORT, group::SDO_OBJECT, entry(0x1018, 0), 100).unwrap();
    assert_eq!((&object[..2], object[4], &object[6..]), (&[0x18, 0x10][..], 4, &b"Identity"[..]));
    assert_eq!(device.read(OWN_PORT, group::SDO_OBJECT, entry(0x1018, 0), 6).unwrap().len(), 6, "no room for the name");
    let described = device.read(OWN_PORT, group::SDO_ENTRY, entry(0x1018, 1), 100).unwrap();
    assert_eq!((described[2], u16::from_le_bytes([described[6], described[7]])), (1, 32));
    assert_eq!(device.read(OWN_PORT, group::SDO_OBJECT, entry(0x7777, 0), 100), Err(Ok(AdsError::NOT_FOUND)));
    assert_eq!(device.read(OWN_PORT, group::SDO_LIST, 1 << 16, 4), Err(Ok(AdsError::INVALID_SIZE)));
    assert_eq!(device.read(OWN_PORT, group::SDO_LIST, 9 << 16, 400), Err(Ok(AdsError::INVALID_OFFSET)));
}

#[test]
fn unknown_ports_groups_and_services_are_refused() {
    let mut device = Device::named();
    assert_eq!(device.read(0x2000, group::SDO, 0, 4), Err(Err(AdsError::TARGET_PORT_NOT_FOUND)));
    assert_eq!(device.read(OWN_PORT, 0xf420, 0, 4), Err(Ok(AdsError::INVALID_GROUP)));
    let control = AdsRequest::WriteControl { ads: 5, device: 0, data: &[] };
    assert_eq!(device.ask(OWN_PORT, control), Err(Err(AdsError::SERVICE_NOT_SUPPORTED)));
    let both = AdsRequest::ReadWrite { group: group::SDO, offset: 0, len: 4, data: &[] };
    assert_eq!(device.ask(OWN_PORT, both), Err(Err(AdsError::SERVICE_NOT_SUPPORTED)));
    let mut without = Device::new(&[MailboxProtocol::Aoe]);
    assert_eq!(without.read(OWN_PORT, group::SDO, entry(0x1018, 1), 4), Err(Ok(AdsError::INVALID_GROUP)), "no CoE");
}

#[test]
fn a_device_says_its_name_and_its_state() {
    let mut device = Device::named();
    let info = DeviceInfo::parse(&device.ask(OWN_PORT, AdsRequest::DeviceInfo).unwrap()).unwrap();
    assert!(!info.name().is_empty());
    let state = AdsState::parse(&device.ask(OWN_PORT, AdsRequest::State).unwrap()).unwrap();
    assert_eq!(state, AdsState { ads: AdsState::STOP, device: 2 }, "PRE-OP");
}

#[test]
fn devices_behind_ports_have_data_of_their_own() {
    let mut device = Device::named();
    device.write(0x1001, AREA, 4, b"left").unwrap();
    device.write(0x1002, AREA, 4, b"right").unwrap();
    assert_eq!(device.read(0x1001, AREA, 4, 5), Ok(b"left\0".to_vec()));
    assert_eq!(device.read(0x1002, AREA, 4, 5), Ok(b"right".to_vec()));
    assert_eq!(device.read(0x1002, AREA, 256, 1), Err(Ok(AdsError::INVALID_OFFSET)));
    assert_eq!(device.read(0x1002, AREA, 250, 7), Err(Ok(AdsError::INVALID_SIZE)));
    assert_eq!(device.read(0x1001, group::SDO, entry(0x12, 0), 64), Ok(b"port 0x1001".to_vec()));
    assert_eq!(device.write(0x1001, group::SDO, entry(0x12, 0), b"x"), Err(Ok(AdsError::INVALID_ACCESS)));
    device.write(0x1002, group::SDO, entry(0x18, 0), b"press 3").unwrap();
    assert_eq!(device.read(0x1002, group::SDO, entry(0x18, 0), 32), Ok(b"press 3".to_vec()));
    assert_eq!(device.read(0x1001, group::SDO, entry(0x18, 0), 32), Ok(b"***".to_vec()));
    assert_eq!(device.read(0x1001, group::SDO, entry(0x99, 0), 32), Err(Ok(AdsError::NOT_FOUND)));
    let both = AdsRequest::ReadWrite { group: AREA, offset: 0, len: 4, data: b"both" };
    assert_eq!(device.ask(0x1001, both), Ok(b"both".to_vec()));
    let info = DeviceInfo::parse(&device.ask(0x1002, AdsRequest::DeviceInfo).unwrap()).unwrap();
    assert_eq!(info.name(), b"port 0x1002");
}

#[test]
fn a_response_longer_than_a_mail_comes_in_fragments() {
    let mut device = Device::named();
    // 32 bytes of header and 8 of the response: 82 fit into a mail.
    for len in [81, 82, 83, 90, 172, 173, 256] {
        let read = device.read(0x1001, AREA, 0, len).unwrap();
        assert_eq!(read.len(), usize::try_from(len).unwrap());
    }
    let read = AdsRequest::Read { group: AREA, offset: 0, len: 83 };
    let asked = device.send(AmsAddress::new(GIVEN, 0x1001), CALLER, read);
    let body = device.fetch(AOE).unwrap();
    let (header, data) = AmsHeader::parse(&body).unwrap();
    assert_eq!((header.command.0, header.flags, header.invoke_id & 0xffff, data.len()), (0x902, 2, 0, 90));
    let response = [&[2, 0, 5, 0, 91, 0, 0, 0, 0, 0, 0, 0][..], &asked.invoke_id.to_le_bytes()].concat();
    assert_eq!(data[..16], response, "the header of the whole, behind its addresses");
}

#[test]
fn a_request_in_fragments_is_put_together_and_one_out_of_turn_is_forgotten() {
    let mut device = Device::named();
    let data: Vec<u8> = (0..=255).collect();
    let request = AdsRequest::Write { group: AREA, offset: 0, data: &data };
    let header = AmsHeader::request(AmsAddress::new(GIVEN, 0x1001), CALLER, request.command(), 7);
    let command = whole(header, request);
    let mails = |packet: u16, silent: bool| -> Vec<Vec<u8>> {
        let one = |(number, piece): (u16, &[u8])| {
            let fragment = Fragment { number, packet }.header(&header);
            let fragment = AmsHeader { flags: if silent { flags::NO_RETURN } else { 0 }, ..fragment };
            let mut body = vec![0; 32 + piece.len()];
            fragment.emit_with(piece, &mut body).unwrap();
            body
        };
        (0..).zip(pieces(&command, 90)).map(one).collect()
    };
    let sent = mails(1, true);
    let (last, before) = sent.split_last().unwrap();
    for mail in before {
        device.post(AOE, mail);
        assert_eq!(device.fetch(AOE), None);
    }
    device.post(AOE, last);
    assert_eq!(device.response(&header), Ok(Vec::new()));
    assert_eq!(device.read(0x1001, AREA, 0, 256), Ok(data.clone()));
    // With acknowledgements.
    let sent = mails(2, false);
    let (last, before) = sent.split_last().unwrap();
    for mail in before {
        device.post(AOE, mail);
        let (acknowledged, asked) = (device.fetch(AOE).unwrap(), AmsHeader::parse(mail).unwrap().0);
        assert!(AmsHeader::parse(&acknowledged).unwrap().0.answers(&asked));
    }
    device.post(AOE, last);
    assert_eq!(device.response(&header), Ok(Vec::new()));
    // Its second fragment is missing.
    let sent = mails(3, true);
    device.post(AOE, &sent[0]);
    device.post(AOE, &sent[2]);
    device.post(AOE, &sent[1]);
    assert_eq!(device.fetch(AOE), None);
    assert!(device.read(0x1001, AREA, 0, 1).is_ok());
}

#[test]
fn short_mails_and_responses_upset_nobody() {
    let mut device = Device::named();
    device.post(AOE, &[0; 31]);
    assert_eq!(device.fetch(0).unwrap(), [1, 0, 6, 0], "too short");
    let header = AmsHeader::request(AmsAddress::new(GIVEN, OWN_PORT), CALLER, AdsRequest::State.command(), 5);
    device.post(AOE, &AmsHeader { length: 4, ..header }.emit());
    assert_eq!(device.fetch(0).unwrap(), [1, 0, 6, 0], "less than the header says");
    device.post(AOE, &header.answered(AdsError::NONE).emit());
    assert_eq!(device.fetch(AOE), None, "a response isn't answered");
    let cut = AmsHeader { command: AdsRequest::Read { group: 0, offset: 0, len: 0 }.command(), length: 4, ..header };
    device.post(AOE, &[&cut.emit()[..], &[0; 4]].concat());
    assert_eq!(device.response(&cut), Err(Ok(AdsError::INVALID_SIZE)));
    let mut without = Device::new(&[MailboxProtocol::Coe]);
    without.post(AOE, &header.emit());
    assert_eq!(without.fetch(0).unwrap(), [1, 0, 2, 0], "no AoE");
}

/// Samples in the mail that waits: handle, time and bytes.
fn notified(device: &mut Device) -> Option<Vec<(u32, u64, Vec<u8>)>> {
    let body = device.fetch(AOE)?;
    let (header, data) = AmsHeader::parse(&body).unwrap();
    assert_eq!((header.command, header.flags, header.target), (AmsCommand::NOTIFICATION, flags::ADS, CALLER));
    let sample = |one: Sample<'_>| (one.handle, one.time, one.data.to_vec());
    Some(samples(data).map(|one| sample(one.unwrap())).collect())
}

fn pass(device: &mut Device, millis: u64) {
    device.rig.now += std::time::Duration::from_millis(millis);
    device.rig.segment.step(device.rig.now);
}

/// An order of two bytes of the area, looked at every 5 ms.
const ORDER: NotificationRequest =
    NotificationRequest { group: AREA, offset: 0, len: 2, mode: ON_CHANGE, delay: 0, cycle: 50_000 };
const CYCLIC: u32 = 3;
const ON_CHANGE: u32 = 4;

fn order(device: &mut Device, port: u16, what: NotificationRequest) -> Result<u32, Result<AdsError, AdsError>> {
    let handle = device.ask(port, AdsRequest::AddNotification(what))?;
    Ok(u32::from_le_bytes(handle.try_into().unwrap()))
}

#[test]
fn a_notification_is_literal_bytes() {
    let mut device = Device::named();
    device.rig.now = std::time::Duration::from_millis(1);
    let handle = order(&mut device, 0x1001, ORDER).unwrap();
    #[rustfmt::skip]
    assert_eq!(device.fetch(AOE).unwrap(), [
        &[127, 0, 0, 1, 1, 1, 0x01, 0x80, 172, 16, 17, 10, 2, 1, 0x01, 0x10][..],
        &[8, 0, 4, 0, 30, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
        // Length, stamps, and the first millisecond of the year 2000.
        &[26, 0, 0, 0, 1, 0, 0, 0], &(125_911_584_000_000_000_u64 + 10_000).to_le_bytes(), &[1, 0, 0, 0],
        &handle.to_le_bytes(), &[2, 0, 0, 0, 0, 0],
    ].concat());
}

#[test]
fn what_changes_is_notified_and_what_is_cyclic_in_each_cycle() {
    let mut device = Device::named();
    let changing = order(&mut device, 0x1001, ORDER).unwrap();
    assert_eq!(notified(&mut device).unwrap()[0].2, [0, 0], "the first at once");
    let cyclic = order(&mut device, 0x1001, NotificationRequest { mode: CYCLIC, offset: 2, ..ORDER }).unwrap();
    let first = notified(&mut device).unwrap();
    assert_eq!((first.len(), first[0].0), (1, cyclic));
    pass(&mut device, 4);
    assert_eq!(notified(&mut device), None, "not yet");
    pass(&mut device, 1);
    let again: Vec<_> = notified(&mut device).unwrap().into_iter().map(|one| (one.0, one.1 - first[0].1)).collect();
    assert_eq!(again, [(cyclic, 50_000)]);
    device.write(0x1001, AREA, 1, &[7, 8]).unwrap();
    pass(&mut device, 5);
    let both: Vec<_> = notified(&mut device).unwrap().into_iter().map(|one| (one.0, one.2)).collect();
    assert_eq!(both, [(changing, vec![0, 7]), (cyclic, vec![8, 0])], "of the same time in one mail");
    assert_eq!(device.ask(0x1001, AdsRequest::DeleteNotification { handle: cyclic }), Ok(Vec::new()));
    pass(&mut device, 50);
    assert_eq!(notified(&mut device), None);
    let ended = device.ask(0x1001, AdsRequest::DeleteNotification { handle: cyclic });
    assert_eq!(ended, Err(Ok(AdsError::INVALID_NOTIFICATION)));
}

#[test]
fn objects_are_notified_and_orders_end_with_the_mailbox() {
    let mut device = Device::named();
    let object = NotificationRequest { group: group::SDO, offset: entry(0x1018, 2), len: 4, ..ORDER };
    order(&mut device, OWN_PORT, object).unwrap();
    assert_eq!(notified(&mut device).unwrap()[0].2, [2, 4, 0, 0]);
    let cyclic = NotificationRequest { mode: CYCLIC, ..object };
    order(&mut device, OWN_PORT, cyclic).unwrap();
    device.rig.al(0, 1);
    device.rig.preop(0);
    pass(&mut device, 50);
    assert_eq!(device.fetch(AOE), None);
}

#[test]
fn requests_go_before_notifications_which_never_pile_up() {
    let mut device = Device::named();
    for _ in 0..4 {
        order(&mut device, 0x1001, NotificationRequest { mode: CYCLIC, cycle: 0, ..ORDER }).unwrap();
        assert!(notified(&mut device).is_some());
    }
    pass(&mut device, 100);
    assert_eq!(notified(&mut device).unwrap().len(), 4);
    assert_eq!(notified(&mut device), None, "what was not read has not piled up");
    pass(&mut device, 100);
    // A mail that waits is read first, then the request is answered.
    let asked = device.send(AmsAddress::new(GIVEN, 0x1001), CALLER, AdsRequest::State);
    assert!(notified(&mut device).is_some());
    assert!(device.response(&asked).is_ok());
}

#[test]
fn orders_that_cannot_be_kept_are_refused() {
    let mut device = Device::named();
    let refused = |device: &mut Device, port, what| order(device, port, what).unwrap_err();
    let mode = NotificationRequest { mode: 1, ..ORDER };
    assert_eq!(refused(&mut device, 0x1001, mode), Ok(AdsError::TRANSMISSION_MODE));
    let long = NotificationRequest { len: 63, ..ORDER };
    assert_eq!(refused(&mut device, 0x1001, long), Ok(AdsError::NOTIFICATION_SIZE));
    let nothing = NotificationRequest { group: 0x1234, ..ORDER };
    assert_eq!(refused(&mut device, 0x1001, nothing), Ok(AdsError::INVALID_GROUP));
    assert_eq!(refused(&mut device, 7, ORDER), Err(AdsError::TARGET_PORT_NOT_FOUND));
    for _ in 0..16 {
        order(&mut device, 0x1001, NotificationRequest { len: 62, ..ORDER }).unwrap();
        assert!(notified(&mut device).is_some());
    }
    assert_eq!(refused(&mut device, 0x1001, ORDER), Ok(AdsError::NO_NOTIFICATIONS));
}

#[test]
fn a_vendors_mail_comes_back_and_one_is_sent_on_command() {
    let mut device = Device::named();
    let header = VoeHeader { vendor_id: 0x1234, vendor_type: 7 };
    let mail = [&header.emit()[..], b"tool"].concat();
    device.post(VOE, &mail);
    assert_eq!(device.fetch(VOE), Some(mail));
    device.post(VOE, &[1, 2, 3]);
    assert_eq!(device.fetch(0).unwrap(), [1, 0, 6, 0], "too short");
    let action = Action::VendorMail { subdevice: 0, vendor_type: 9, data: *b"unasked!" };
    device.rig.segment.act(action, device.rig.now).unwrap();
    let mail = device.fetch(VOE).unwrap();
    let (header, data) = VoeHeader::parse(&mail).unwrap();
    assert_eq!((header.vendor_type, data), (9, &b"unasked!"[..]));
    let mut without = Device::new(&[MailboxProtocol::Coe]);
    assert_eq!(without.rig.segment.act(action, without.rig.now), Err(ActionError::NoMailbox(0)));
    without.post(VOE, &[0; 8]);
    assert_eq!(without.fetch(0).unwrap(), [1, 0, 2, 0], "no VoE");
}

#[test]
fn the_ports_of_devices_behind_are_those_of_the_file() {
    let mailbox = MailboxConfig {
        protocols: vec![MailboxProtocol::Aoe],
        aoe: AoeConfig { ports: vec![5] },
        ..MailboxConfig::default()
    };
    let servo = SubDeviceConfig { mailbox: Some(mailbox), ..SubDeviceConfig::new(ProfileKind::Servo) };
    let mut rig = Rig::new(&SegmentConfig::line(vec![servo]));
    rig.preop(0);
    let mut device = Device { rig, counter: 0, invoke_id: 0 };
    assert!(device.read(5, AREA, 0, 1).is_ok());
    assert_eq!(device.read(0x1001, AREA, 0, 1), Err(Err(AdsError::TARGET_PORT_NOT_FOUND)));
}

proptest! {
    #[test]
    fn no_ads_mail_upsets_the_mailbox(
        mails in prop::collection::vec((0u16..11, 0u32..5, prop::collection::vec(any::<u8>(), 0..90), any::<bool>()), 1..30),
    ) {
        let mut device = Device::named();
        for (command, group, data, fragment) in mails {
            let command = if fragment { 0x902 } else { command };
            let port = [OWN_PORT, 0x1001, STATION, 7, 0][usize::try_from(group).unwrap()];
            let mut header = AmsHeader::request(AmsAddress::new(GIVEN, port), CALLER, zerocat_wire::aoe::AmsCommand(command), 1);
            header.length = u32::try_from(data.len()).unwrap();
            device.post(AOE, &[&header.emit()[..], &data].concat());
            while device.rig.fetch(0).is_some() {}
        }
        prop_assert!(device.ask(OWN_PORT, AdsRequest::State).is_ok());
    }
}
