//! AoE and VoE from the MainDevice's side: NetIDs, devices behind ports, fragments both ways, refusals in words, late answers of
//! requests that were given up, and mails nobody asked for, against the simulated segment and against devices without manners.

mod support;

use std::time::Duration;

use support::mailman::{Mailman, mailbox};
use support::rig;
use support::simulated::segment;
use zerocat_bus::{AoeError, AoeTarget, CALLER, MailError, Network, Options};
use zerocat_sim::{MailboxConfig, MailboxProtocol, ProfileKind, SegmentConfig, SubDeviceConfig};
use zerocat_wire::aoe::{
    self, AdsError, AdsRequest, AdsResponse, AdsState, AmsAddress, AmsHeader, Fragment, NetId, group, pieces,
};
use zerocat_wire::mailbox::MailboxType;
use zerocat_wire::voe::{self, VoeHeader};

const AREA: u32 = 0x4020;

fn servo(protocols: &[MailboxProtocol]) -> SubDeviceConfig {
    let mailbox = MailboxConfig { protocols: protocols.to_vec(), ..MailboxConfig::default() };
    SubDeviceConfig { mailbox: Some(mailbox), ..SubDeviceConfig::new(ProfileKind::Servo) }
}

/// Does something with a simulated SubDevice with AoE in PRE-OP.
fn with_device<T>(work: impl AsyncFn(&zerocat_bus::Datagrams, &mut zerocat_bus::Mailbox) -> T) -> T {
    let config = servo(&[MailboxProtocol::Coe, MailboxProtocol::Aoe, MailboxProtocol::Voe]);
    let (datagrams, mut pump) = segment(&SegmentConfig::line(vec![config]));
    let mut network = pump.run(Network::discover(&datagrams, Options::default())).expect("found");
    pump.run(network.to_pre_op()).expect("PRE-OP");
    pump.run(work(&datagrams, network.mailbox(0).expect("a mailbox")))
}

fn mail(header: AmsHeader, data: &[u8]) -> Vec<u8> {
    let mut mail = vec![0; 128];
    let len = aoe::emit(&mut mail, 5, header, data).expect("fits");
    mail.truncate(len);
    mail
}

/// The response to a read.
fn response(request: &AmsHeader, data: &[u8]) -> Vec<u8> {
    let mut bytes = [0; 96];
    let answer = AdsResponse { result: AdsError::NONE, data };
    let len = answer.emit(request.command, &mut bytes).expect("fits");
    mail(request.answered(AdsError::NONE), &bytes[..len])
}

/// A device that answers each request with what `answer` gives.
fn device(mut answer: impl FnMut(AmsHeader, AdsRequest<'_>) -> Vec<Vec<u8>> + 'static) -> Mailman {
    Mailman::new(move |_, body| {
        let (header, data) = AmsHeader::parse(body).expect("AoE");
        answer(header, AdsRequest::parse(header.command, data).expect("a request"))
    })
}

#[test]
fn objects_and_devices_behind_ports_are_reached() {
    with_device(async |datagrams, mailbox| {
        assert_eq!(mailbox.net_id(), NetId([127, 0, 0, 1, 0x10, 0x01]), "derived");
        mailbox.give_net_id(datagrams).await.expect("taken");
        let own = AoeTarget::SUBDEVICE;
        let vendor = mailbox.ads_read(datagrams, own, (group::SDO, group::entry(0x1018, 1)), 4).await;
        assert_eq!(vendor.expect("read").len(), 4);
        mailbox.ads_write(datagrams, 0x1001.into(), (AREA, 8), b"left").await.expect("written");
        mailbox.ads_write(datagrams, 0x1002.into(), (AREA, 8), b"else").await.expect("written");
        assert_eq!(mailbox.ads_read(datagrams, 0x1001.into(), (AREA, 8), 4).await, Ok(b"left".to_vec()));
        let both = mailbox.ads_read_write(datagrams, 0x1002.into(), (AREA, 0), 12, b"both").await;
        assert_eq!(both, Ok(b"both\0\0\0\0else".to_vec()));
        let info = mailbox.ads_device_info(datagrams, 0x1002.into()).await.expect("info");
        assert_eq!(info.name(), b"port 0x1002");
        let state = mailbox.ads_state(datagrams, own).await.expect("state");
        assert_eq!(state, AdsState { ads: AdsState::STOP, device: 2 });
    });
}

#[test]
fn what_is_refused_is_said_in_words() {
    with_device(async |datagrams, mailbox| {
        mailbox.give_net_id(datagrams).await.expect("taken");
        let error = mailbox.ads_read(datagrams, 0x2000.into(), (AREA, 0), 4).await.expect_err("no such port");
        assert_eq!(error.code(), Some(AdsError::TARGET_PORT_NOT_FOUND));
        let said = "ADS read at 127.0.0.1.16.1:0x2000, 0x4020:0x00000000: error 0x0006: Target port not found";
        assert!(error.to_string().ends_with(said), "{error}");
        let error = mailbox.ads_read(datagrams, 0x1001.into(), (7, 0), 4).await.expect_err("no such group");
        assert_eq!(error.code(), Some(AdsError::INVALID_GROUP));
        let other = AmsAddress::new(NetId([9; 6]), 0x1001);
        let error = mailbox.ads_state(datagrams, other.into()).await.expect_err("another NetID");
        assert_eq!(error.code(), Some(AdsError::TARGET_NOT_FOUND));
        mailbox.set_net_id(other.net_id);
        mailbox.give_net_id(datagrams).await.expect("a new one");
        assert!(mailbox.ads_state(datagrams, 0x1001.into()).await.is_ok());
        let run = AdsState { ads: AdsState::RUN, device: 0 };
        let error = mailbox.ads_write_control(datagrams, AoeTarget::SUBDEVICE, run, &[]).await.expect_err("not served");
        assert_eq!(error.code(), Some(AdsError::SERVICE_NOT_SUPPORTED));
    });
}

#[test]
fn what_is_longer_than_a_mail_goes_in_fragments_both_ways() {
    with_device(async |datagrams, mailbox| {
        mailbox.give_net_id(datagrams).await.expect("taken");
        for len in [77u8, 78, 79, 168, 169, 255] {
            let data: Vec<u8> = (0..len).map(|n| n ^ len).collect();
            mailbox.ads_write(datagrams, 0x1001.into(), (AREA, 0), &data).await.expect("written");
            let read = mailbox.ads_read(datagrams, 0x1001.into(), (AREA, 0), len.into()).await;
            assert_eq!(read, Ok(data), "{len} bytes");
        }
        let list = mailbox.ads_read(datagrams, AoeTarget::SUBDEVICE, (group::SDO_LIST, 1 << 16), 1000).await;
        assert!(list.expect("a list").len() > 100);
    });
}

#[test]
fn a_late_answer_to_a_request_that_was_given_up_answers_no_other() {
    let mut asked = 0u8;
    let mut late = None;
    let slow = device(move |header, _| {
        asked += 1;
        match asked {
            // It comes with the answer to the next one.
            1 => {
                late = Some(response(&header, b"late"));
                Vec::new()
            }
            _ => late.take().into_iter().chain([response(&header, b"next")]).collect(),
        }
    });
    let (datagrams, mut pump) = rig::<4, _>(slow);
    let mut mailbox = mailbox();
    let target = AoeTarget::SUBDEVICE;
    let end = Duration::from_millis(50);
    let given_up = pump.run(datagrams.by(end, mailbox.ads_read(&datagrams, target, (AREA, 0), 4)));
    assert_eq!(given_up, None);
    assert_eq!(pump.run(mailbox.ads_read(&datagrams, target, (AREA, 0), 4)), Ok(b"next".to_vec()));
    assert_eq!(mailbox.counters().stale, 1);
    assert_eq!(mailbox.take_unasked(), [], "an answer doesn't come unasked");
}

#[test]
fn fragments_of_a_late_answer_are_passed_over() {
    let fragments = |header: &AmsHeader, packet: u16, bytes: &[u8]| -> Vec<Vec<u8>> {
        let mut data = vec![0; 300];
        let answer = AdsResponse { result: AdsError::NONE, data: bytes };
        let len = answer.emit(header.command, &mut data).expect("fits");
        let (whole, mut command) = (header.answered(AdsError::NONE), vec![0; 400]);
        let len = whole.emit_with(&data[..len], &mut command).expect("fits");
        let one = |(number, piece): (u16, &[u8])| mail(Fragment { number, packet }.header(&whole), piece);
        (0..).zip(pieces(&command[..len], 80)).map(one).collect()
    };
    let drive = device(move |header, _| {
        let before = AmsHeader { invoke_id: header.invoke_id.wrapping_sub(1), ..header };
        let (old, new) = (fragments(&before, 8, &[1; 150]), fragments(&header, 9, &[2; 150]));
        let notification = AmsHeader::request(CALLER, CALLER, aoe::AmsCommand::NOTIFICATION, 0);
        let mut all = old;
        all.extend(new[..1].iter().cloned());
        all.push(mail(notification, &[0; 8]));
        all.extend(new[1..].iter().cloned());
        all
    });
    let (datagrams, mut pump) = rig::<4, _>(drive);
    let mut mailbox = mailbox();
    let read = pump.run(mailbox.ads_read(&datagrams, AoeTarget::SUBDEVICE, (AREA, 0), 150));
    assert_eq!(read, Ok(vec![2; 150]));
    assert_eq!(mailbox.counters().stale, 3);
    let unasked = mailbox.take_unasked();
    assert_eq!((unasked.len(), unasked[0].header.kind), (1, MailboxType::Aoe));
}

#[test]
fn an_answer_to_something_else_is_none_and_a_short_one_makes_no_sense() {
    let rude = device(|header, _| {
        let right = header.answered(AdsError::NONE);
        vec![
            mail(AmsHeader { invoke_id: 77, ..right }, &[0; 8]),
            mail(AmsHeader { target: AmsAddress::default(), ..right }, &[0; 8]),
            mail(AmsHeader { command: aoe::AmsCommand::WRITE, ..right }, &[0; 8]),
            mail(header, &[0; 8]),
            mail(right, &[0, 0, 0]),
        ]
    });
    let (datagrams, mut pump) = rig::<4, _>(rude);
    let mut mailbox = mailbox();
    let error = pump.run(mailbox.ads_read(&datagrams, AoeTarget::SUBDEVICE, (AREA, 0), 4)).expect_err("cut");
    assert!(matches!(error, AoeError::Answer { .. }), "{error}");
    assert!(error.to_string().contains("answer makes no sense: truncated: 3 bytes of 4"), "{error}");
    assert_eq!(mailbox.counters().stale, 3);
    let unasked = mailbox.take_unasked();
    assert_eq!(unasked.len(), 1, "a request of its own");
}

#[test]
fn a_read_whose_answer_was_lost_is_done_again_and_a_write_is_not() {
    let mut forgetful = device(|header, _| vec![response(&header, b"data")]);
    forgetful.repeats = false;
    let (datagrams, mut pump) = rig::<4, _>(forgetful);
    let mut mailbox = mailbox();
    let target = AoeTarget::SUBDEVICE;
    pump.loss = support::Loss::Random(6);
    let (mut reads, mut lost) = (0, 0);
    for _ in 0..30 {
        let before = pump.segment.requests;
        reads += u32::from(pump.run(mailbox.ads_read(&datagrams, target, (AREA, 0), 4)).is_ok());
        assert!(pump.segment.requests - before <= 3);
        let before = pump.segment.requests;
        if let Err(error) = pump.run(mailbox.ads_write(&datagrams, target, (AREA, 0), &[1])) {
            assert!(matches!(error, AoeError::Mail { source: MailError::Lost, .. }), "{error}");
            lost += 1;
        }
        assert_eq!(pump.segment.requests - before, 1, "a write is sent once");
    }
    assert!(reads > 20 && lost > 0, "{reads} reads, {lost} writes lost");
}

#[test]
fn vendors_mails_go_both_ways_and_disturb_no_answer() {
    let header = VoeHeader { vendor_id: 2, vendor_type: 0x55 };
    with_device(async |datagrams, mailbox| {
        mailbox.send_voe(datagrams, header, b"one").await.expect("sent");
        mailbox.send_voe(datagrams, header, b"two").await.expect("sent");
        let vendor = mailbox.upload(datagrams, 0x1018, 1).await.expect("read");
        assert_eq!(vendor.len(), 4);
        mailbox.drain(datagrams).await.expect("drained");
        let came = mailbox.take_unasked();
        let texts: Vec<&[u8]> = came.iter().map(|mail| VoeHeader::parse(&mail.body).expect("VoE").1).collect();
        assert_eq!(texts, [b"one", b"two"]);
        let long = mailbox.send_voe(datagrams, header, &[0; 117]).await.expect_err("too long");
        assert!(long.to_string().contains("VoE mail: mail does not fit into the mailbox of 128 bytes"), "{long}");
    });
    assert_eq!(voe::HEADER_LEN, 6);
}
