//! Every parser on arbitrary bytes: it may refuse them but neither panics nor loops, and what it accepts can be written
//! and read again as the same value.
#![allow(clippy::unwrap_used, reason = "a test")]

use proptest::prelude::*;
use zerocat_wire::aoe::{self, AdsRequest, AdsResponse, AmsCommand, AmsHeader, Assembly, DeviceInfo, NetId};
use zerocat_wire::coe::{
    self, CoeHeader, Emergency, EntryAnswer, EntryQuery, InfoError, InfoHeader, ListAnswer, ListQuery, ObjectAnswer,
    ObjectQuery, SdoRequest, SdoResponse,
};
use zerocat_wire::ethernet::{self, MacAddress};
use zerocat_wire::fmmu::Fmmu;
use zerocat_wire::sii::{
    Categories, CategoryHeader, ClockMode, Fixed, FmmuUsage, General, Pdos, SiiControl, SiiOwner, SiiStatus, Strings,
    SyncManagerEntry, fixed,
};
use zerocat_wire::soe::{Attribute, Idn, List, SoeError, SoeHeader};
use zerocat_wire::sync_manager::SyncManager;
use zerocat_wire::{
    Datagram, DatagramView, DatagramViewMut, DlControl, DlStatus, FrameBuilder, FrameView, FrameViewMut, MailboxError,
    MailboxHeader, mailbox,
};

fn bytes() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(any::<u8>(), 0..600)
}

/// Bytes that get past the Ethernet and EtherCAT headers.
fn frames() -> impl Strategy<Value = Vec<u8>> {
    (bytes(), 0u16..0x800).prop_map(|(payload, length)| {
        let mut frame = vec![0xff; 12];
        frame.extend(ethernet::ETHERTYPE.to_be_bytes());
        frame.extend((length | 0x1000).to_le_bytes());
        frame.extend(payload);
        frame
    })
}

/// A chain of well-formed datagrams with arbitrary content, garbage behind them.
fn chains() -> impl Strategy<Value = Vec<u8>> {
    let datagram = (any::<u8>(), any::<u8>(), any::<u32>(), prop::collection::vec(any::<u8>(), 0..100), any::<u16>());
    prop::collection::vec(datagram, 1..10).prop_map(|datagrams| {
        let mut payload = Vec::new();
        let last = datagrams.len() - 1;
        for (n, (command, index, address, data, counter)) in datagrams.into_iter().enumerate() {
            let more = if n < last { 0x8000 } else { 0 };
            payload.extend([command % 16, index]);
            payload.extend(address.to_le_bytes());
            payload.extend((u16::try_from(data.len()).unwrap() | more).to_le_bytes());
            payload.extend([0, 0]);
            payload.extend(data);
            payload.extend(counter.to_le_bytes());
        }
        let mut frame = vec![0xff; 12];
        frame.extend(ethernet::ETHERTYPE.to_be_bytes());
        frame.extend((u16::try_from(payload.len()).unwrap() | 0x1000).to_le_bytes());
        frame.extend(payload);
        frame
    })
}

fn walk(frame: &[u8]) {
    let _ = (ethernet::source(frame), ethernet::ethertype(frame));
    if let Ok(view) = FrameView::new_checked(frame) {
        let good = view.datagrams().filter(|datagram| datagram.is_ok()).count();
        for datagram in view.datagrams().flatten() {
            let _ = (datagram.header(), datagram.data(), datagram.working_counter(), datagram.address());
        }
        let mut copy = frame.to_vec();
        let mut changed = FrameViewMut::new_checked(&mut copy).unwrap();
        changed.mark_returned();
        assert_eq!(changed.datagrams_mut().map(|mut datagram| datagram.add_working_counter(1)).count(), good);
    }
    let _ = (Datagram::parse(frame), DatagramView::new_checked(frame).map(|view| view.header()));
    let mut copy = frame.to_vec();
    if let Ok(mut view) = DatagramViewMut::new_checked(&mut copy) {
        view.data_mut().fill(0);
        view.set_working_counter(1);
    }
}

proptest! {
    #[test]
    fn frames_and_datagrams(garbage in bytes(), frame in frames(), chain in chains()) {
        walk(&garbage);
        walk(&frame);
        walk(&chain);
    }

    #[test]
    fn a_frame_that_was_read_is_built_anew_from_its_values(chain in chains()) {
        let view = FrameView::new_checked(&chain).unwrap();
        let mut buffer = [0; ethernet::MAX_FRAME];
        let mut builder = FrameBuilder::new(&mut buffer, MacAddress::CYCLIC).unwrap();
        let mut headers = Vec::new();
        for datagram in view.datagrams() {
            let Ok(header) = datagram.unwrap().header() else { return Ok(()) };
            builder.push(header).unwrap();
            headers.push(header);
        }
        let len = builder.finish().unwrap();
        let built = FrameView::new_checked(&buffer[..len]).unwrap();
        let read: Vec<_> = built.datagrams().map(|datagram| datagram.unwrap().header().unwrap()).collect();
        prop_assert_eq!(read, headers);
    }

    #[test]
    fn registers(bytes in bytes()) {
        if let Ok(fmmu) = Fmmu::parse(&bytes) {
            prop_assert_eq!(Fmmu::parse(&fmmu.emit()), Ok(fmmu));
        }
        if let Ok(channel) = SyncManager::parse(&bytes) {
            prop_assert_eq!(SyncManager::parse(&channel.emit()), Ok(channel));
        }
        if let Ok(control) = DlControl::parse(&bytes) {
            prop_assert_eq!(DlControl::parse(&control.emit()), Ok(control));
        }
        if let Ok(status) = DlStatus::parse(&bytes) {
            for port in 0..=255 {
                let (link, closed, communication) = (status.link(port), status.loop_closed(port), status.communication(port));
                prop_assert_eq!(status.with_port(port, link, closed, communication), status);
            }
        }
        if let Ok(owner) = SiiOwner::parse(&bytes) {
            prop_assert_eq!(SiiOwner::parse(&owner.emit()), Ok(owner));
        }
        if let Ok(control) = SiiControl::parse(&bytes) {
            prop_assert_eq!(SiiControl::parse(&control.emit()), Ok(control));
        }
        if let Ok(status) = SiiStatus::parse(&bytes) {
            let _ = (status.error(), status.busy(), status.read_len());
        }
    }

    #[test]
    fn sii_categories(mut image in prop::collection::vec(any::<u8>(), 0..1200), kind in 0u16..70, words in 0u16..300) {
        if let Some(header) = image.get_mut(fixed::LEN..fixed::LEN + 4) {
            header.copy_from_slice(&[kind.to_le_bytes(), words.to_le_bytes()].concat());
        }
        let walked = Categories::new(&image).count();
        prop_assert!(walked <= image.len() / 4 + 1);
        let _ = (fixed::checksum_holds(&image), CategoryHeader::parse(&image));
        for category in Categories::new(&image).flatten() {
            each_category(category.data);
        }
        each_category(&image);
    }

    #[test]
    fn the_fixed_area_parses_to_what_was_emitted(image in prop::collection::vec(any::<u8>(), 128..140)) {
        let read = Fixed::parse(&image).unwrap();
        let mut emitted = [0; 128];
        read.emit(&mut emitted).unwrap();
        let checksum = fixed::checksum(&emitted).unwrap();
        prop_assert_eq!(Fixed::parse(&emitted), Ok(Fixed { checksum, ..read }));
    }

    #[test]
    fn mailboxes(bytes in bytes()) {
        if let Ok(header) = MailboxHeader::parse(&bytes) {
            prop_assert_eq!(MailboxHeader::parse(&header.emit()), Ok(header));
        }
        if let Ok((header, body)) = mailbox::open(&bytes) {
            prop_assert_eq!(body.len(), usize::from(header.length));
        }
        if let Ok(error) = MailboxError::parse(&bytes) {
            let mut emitted = [0; 4];
            prop_assert_eq!(error.emit(&mut emitted), Ok(4));
            prop_assert_eq!(MailboxError::parse(&emitted), Ok(error));
        }
        if let Ok((header, rest)) = CoeHeader::parse(&bytes) {
            prop_assert_eq!(rest.len(), bytes.len() - 2);
            prop_assert_eq!(CoeHeader::parse(&header.emit()).map(|(header, _)| header), Ok(header));
        }
    }

    #[test]
    fn sdo_services(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
        let mut emitted = [0; 64];
        if let Ok(request) = SdoRequest::parse(&bytes) {
            let len = request.emit(&mut emitted).unwrap();
            prop_assert_eq!(SdoRequest::parse(&emitted[..len]), Ok(request));
        }
        if let Ok(response) = SdoResponse::parse(&bytes) {
            let len = response.emit(&mut emitted).unwrap();
            prop_assert_eq!(SdoResponse::parse(&emitted[..len]), Ok(response));
        }
        if let Ok(emergency) = Emergency::parse(&bytes) {
            let len = emergency.emit(&mut emitted).unwrap();
            prop_assert_eq!(Emergency::parse(&emitted[..len]), Ok(emergency));
        }
    }

    #[test]
    fn ads_over_ethercat(bytes in prop::collection::vec(any::<u8>(), 0..120), command in 0u16..12, text in "[0-9.]{0,24}") {
        if let Ok((header, data)) = AmsHeader::parse(&bytes) {
            let mut emitted = [0; 128];
            let len = header.emit_with(data, &mut emitted).unwrap();
            prop_assert_eq!(AmsHeader::parse(&emitted[..len]), Ok((header, data)));
            prop_assert!(!header.answers(&header));
            let fragment = AmsHeader { command: AmsCommand::FRAGMENT, ..header };
            let _ = Assembly::new([0; 100]).take(&fragment, data);
        }
        let command = AmsCommand(command);
        let mut emitted = [0; 128];
        if let Ok(request) = AdsRequest::parse(command, &bytes) {
            let len = request.emit(&mut emitted).unwrap();
            prop_assert_eq!(AdsRequest::parse(command, &emitted[..len]), Ok(request));
        }
        if let Ok(response) = AdsResponse::parse(command, &bytes)
            && !response.result.is_error()
        {
            let len = response.emit(command, &mut emitted).unwrap();
            prop_assert_eq!(AdsResponse::parse(command, &emitted[..len]), Ok(response));
        }
        if let Ok(info) = DeviceInfo::parse(&bytes) {
            prop_assert_eq!(DeviceInfo::parse(&info.emit()), Ok(info));
        }
        prop_assert!(aoe::samples(&bytes).count() <= bytes.len() + 1);
        if let Ok(id) = text.parse::<NetId>() {
            prop_assert_eq!(id.to_string().parse(), Ok(id));
        }
    }

    #[test]
    fn servo_profile(bytes in prop::collection::vec(any::<u8>(), 0..40), text in "[SPsp]?-?[0-9]{0,2}-?[0-9]{0,6}") {
        if let Ok((header, rest)) = SoeHeader::parse(&bytes) {
            prop_assert_eq!(&header.emit()[..], &bytes[..4]);
            prop_assert_eq!(rest.len(), bytes.len() - 4);
        }
        if let Ok(list) = List::parse(&bytes) {
            let mut emitted = [0; 64];
            let len = list.emit(&mut emitted).unwrap();
            prop_assert_eq!(List::parse(&emitted[..len]), Ok(list));
            prop_assert_eq!(list.words().count(), list.items.len() / 2);
        }
        if let Ok(attribute) = Attribute::parse(&bytes) {
            let _ = (attribute.size(), attribute.display(), attribute.decimals());
        }
        if let Ok(idn) = text.parse::<Idn>() {
            prop_assert_eq!(idn.to_string().parse(), Ok(idn));
        }
        let _ = SoeError::of(&bytes);
    }

    #[test]
    fn information_services(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
        let mut emitted = [0; 64];
        let behind = coe::info::HEADER_LEN;
        if let Ok((header, _)) = InfoHeader::parse(&bytes) {
            prop_assert_eq!(InfoHeader::parse(&header.emit()).map(|(header, _)| header), Ok(header));
        }
        if let Ok(list) = ListAnswer::parse(&bytes) {
            let len = ListAnswer::emit(list.kind, list.words(), &mut emitted).unwrap();
            let again = ListAnswer::parse(&emitted[..len]).unwrap();
            prop_assert!(again.words().eq(list.words()));
        }
        if let Ok(object) = ObjectAnswer::parse(&bytes) {
            let len = object.emit(&mut emitted).unwrap();
            prop_assert_eq!(ObjectAnswer::parse(&emitted[behind..len]), Ok(object));
        }
        if let Ok(entry) = EntryAnswer::parse(&bytes) {
            let _ = entry.name();
            let len = entry.emit(&mut emitted).unwrap();
            prop_assert_eq!(EntryAnswer::parse(&emitted[behind..len]), Ok(entry));
        }
        let _ = (ListQuery::parse(&bytes), ObjectQuery::parse(&bytes), EntryQuery::parse(&bytes));
        let _ = InfoError::parse(&bytes);
    }
}

fn each_category(data: &[u8]) {
    let strings = Strings::new(data);
    assert!(strings.iter().count() <= usize::from(strings.count()));
    for index in 0..=255 {
        let _ = strings.get(index);
    }
    if let Ok(general) = General::parse(data) {
        let mut emitted = [0; 32];
        general.emit(&mut emitted).unwrap();
        assert_eq!(General::parse(&emitted), Ok(general));
    }
    assert_eq!(FmmuUsage::walk(data).count(), data.len());
    for (entry, raw) in SyncManagerEntry::walk(data).zip(data.chunks_exact(8)) {
        assert_eq!(entry.emit(), raw);
    }
    for (mode, raw) in ClockMode::walk(data).zip(data.chunks_exact(24)) {
        let mut emitted = [0; 24];
        mode.emit(&mut emitted).unwrap();
        assert_eq!(emitted[..20], raw[..20]);
    }
    let pdos: Vec<_> = Pdos::new(data).collect();
    assert!(pdos.len() <= data.len() / 8 + 1);
    for pdo in pdos.into_iter().flatten() {
        assert_eq!(pdo.entries().count(), usize::from(pdo.header().entries));
    }
}
