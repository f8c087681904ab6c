//! EoE from the MainDevice's side: frames there and back in mailboxes of 128 bytes, beside SDOs, with losses; IP parameters, and what
//! becomes of frames that nobody takes.
#![allow(clippy::unwrap_used, reason = "a test fails there")]

mod support;

use std::time::Duration;

use support::Loss;
use support::simulated::{Simulated, prepare, segment};
use zerocat_bus::{
    Actors, Datagrams, EthernetCounters, FramePort, Inbox, IpError, IpSettings, Options, PortError, RequestError,
    Requests, SendError, requests,
};
use zerocat_sim::{MailboxConfig, MailboxProtocol, ProfileKind, SegmentConfig, SubDeviceConfig};
use zerocat_wire::eoe::EoeResult;

const SECOND: Duration = Duration::from_secs(1);
/// Status word of a CiA 402 drive.
const STATUS_WORD: u16 = 0x6041;

struct Bus {
    datagrams: &'static Datagrams,
    pump: Simulated,
    actors: Actors<'static>,
    requests: Requests,
    inbox: Inbox,
}

/// Two drives with EoE and one without, in PRE-OP.
fn bus() -> Bus {
    let protocols = vec![MailboxProtocol::Coe, MailboxProtocol::Eoe];
    let mailbox = Some(MailboxConfig { protocols, ..MailboxConfig::default() });
    let speaker = SubDeviceConfig { mailbox, ..SubDeviceConfig::new(ProfileKind::Servo) };
    let mute = SubDeviceConfig::new(ProfileKind::Servo);
    let (datagrams, mut pump) = segment(&SegmentConfig::line(vec![speaker.clone(), speaker, mute]));
    let datagrams: &'static Datagrams = Box::leak(Box::new(datagrams));
    let (mut network, _) = pump.run(prepare(datagrams, Options::default())).unwrap();
    let (requests, inbox) = requests();
    (0..2).for_each(|position| inbox.ethernet().admit(position, position == 1));
    Bus { datagrams, pump, actors: Actors::of(&mut network), requests, inbox }
}

impl Bus {
    /// Runs the actors beside what a test does.
    fn run<T>(&mut self, test: impl Future<Output = T>) -> T {
        let Self { pump, actors, inbox, .. } = self;
        let actors = async {
            actors.run(inbox, &()).await;
            std::future::pending().await
        };
        pump.run(futures_lite::future::or(test, actors))
    }

    /// Runs the actors for some virtual time.
    fn run_for(&mut self, time: Duration) {
        let datagrams = self.datagrams;
        self.run(datagrams.pause(time));
    }

    fn port(&self) -> FramePort {
        self.requests.ethernet().port(0).unwrap()
    }

    fn counters(&self, position: u16) -> EthernetCounters {
        self.requests.ethernet().counters()[usize::from(position)].1
    }
}

fn frame(len: usize, mark: u8) -> Vec<u8> {
    let mut frame = vec![mark; len];
    frame[..12].copy_from_slice(&[2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2]);
    frame
}

fn swapped(frame: &[u8]) -> Vec<u8> {
    [&frame[6..12], &frame[..6], &frame[12..]].concat()
}

fn all(port: &FramePort) -> Vec<Vec<u8>> {
    std::iter::from_fn(|| port.try_receive()).collect()
}

#[test]
fn frames_of_every_length_come_back_from_the_echo_in_their_order() {
    let mut bus = bus();
    let (port, datagrams) = (bus.port(), bus.datagrams);
    let sent: Vec<_> = [14, 60, 96, 118, 119, 128, 700, 1514, 1518, 42].map(|len| frame(len, 7)).to_vec();
    let first = bus.run(async {
        datagrams.pause(SECOND / 100).await;
        sent.iter().for_each(|frame| port.send(frame.clone()).unwrap());
        let first = port.receive().await;
        datagrams.pause(SECOND).await;
        first
    });
    let came: Vec<_> = std::iter::once(first).chain(all(&port)).collect();
    assert_eq!(came, sent.iter().map(|frame| swapped(frame)).collect::<Vec<_>>());
    let EthernetCounters { frames_sent, frames_received, send_dropped, receive_dropped, broken, ignored, .. } =
        port.counters();
    assert_eq!((frames_sent, frames_received), (10, 10));
    assert_eq!((send_dropped, receive_dropped, broken, ignored), (0, 0, 0, 0));
}

#[test]
fn objects_are_read_while_ethernet_is_busy_and_frames_go_while_objects_are_read() {
    let mut bus = bus();
    let (port, datagrams, requests) = (bus.port(), bus.datagrams, bus.requests.clone());
    let mut came = 0;
    let read = bus.run(async {
        let mut read = 0;
        datagrams.pause(SECOND / 100).await;
        for _ in 0..10 {
            while port.send(frame(1514, 1)).is_ok() {}
            let objects: Vec<_> = (0..4).map(|_| requests.upload(0, STATUS_WORD, 0, SECOND)).collect();
            datagrams.pause(SECOND / 25).await;
            read += objects.into_iter().filter(|asked| matches!(asked.try_take(), Some(Ok(_)))).count();
            came += all(&port).iter().inspect(|got| assert_eq!(got.len(), 1514)).count();
        }
        read
    });
    assert_eq!(read, 40, "each before the frames that waited when it was asked");
    let counters = port.counters();
    assert!(came >= 10 && counters.send_dropped > 0, "{came} came, {counters:?}");
    assert_eq!(counters.broken, 0);
}

#[test]
fn lost_frames_of_the_bus_cost_some_ethernet_frames_and_never_change_one() {
    let mut bus = bus();
    let (port, datagrams) = (bus.port(), bus.datagrams);
    bus.pump.loss = Loss::Random(20);
    let mut came = Vec::new();
    bus.run(async {
        datagrams.pause(SECOND / 100).await;
        for n in 0..100 {
            port.send(frame(500, n)).unwrap();
            datagrams.pause(SECOND / 25).await;
            came.extend(all(&port));
        }
    });
    let marks: Vec<_> = came.iter().map(|frame| frame[12]).collect();
    assert!(marks.is_sorted() && marks.len() > 50, "{marks:?}");
    assert!(came.iter().all(|got| *got == swapped(&frame(500, got[12]))));
}

#[test]
fn an_ip_parameter_is_set_whole_and_read_and_a_refusal_is_said_in_words() {
    let mut bus = bus();
    let settings = IpSettings {
        address: Some([192, 168, 0, 9].into()),
        mask: Some([255, 255, 255, 0].into()),
        name: Some("axis".into()),
        ..IpSettings::default()
    };
    let set = |position, settings: &IpSettings| {
        let settings = settings.clone();
        bus.requests.mail(position, SECOND, async move |at| {
            let (datagrams, mailbox) = at.with_eoe()?;
            mailbox.set_ip(datagrams, &settings).await?;
            Ok(mailbox.ip(datagrams).await?)
        })
    };
    let (done, mute) = (set(0, &settings), set(2, &settings));
    let long = set(0, &IpSettings { name: Some("x".repeat(33)), ..settings.clone() });
    bus.run_for(SECOND);
    let got = done.wait().unwrap();
    let nothing = Some([0, 0, 0, 0].into());
    let whole = IpSettings { mac: Some([2, b'z', b'c', 0, 0, 0]), gateway: nothing, dns: nothing, ..settings };
    assert_eq!(got, whole);
    assert_eq!(
        got.to_string(),
        "address 192.168.0.9, mask 255.255.255.0, gateway 0.0.0.0, DNS 0.0.0.0, name axis, MAC 02:7a:63:00:00:00"
    );
    assert!(matches!(mute.wait(), Err(RequestError::Ip(IpError::NoEoe { .. }))));
    assert!(matches!(long.wait(), Err(RequestError::Ip(IpError::Answer { .. }))));
    let refused = IpError::Refused { who: Default::default(), result: EoeResult::NO_IP_SUPPORT };
    assert!(refused.to_string().ends_with("refused: 0x0201: IP parameters are not supported"), "{refused}");
}

#[test]
fn a_port_is_one_owner_s_and_there_is_none_without_eoe_or_where_it_is_switched_off() {
    let bus = bus();
    let ethernet = bus.requests.ethernet().clone();
    let port = bus.port();
    let by = "a port of the program".to_owned();
    assert_eq!(ethernet.port(0).err(), Some(PortError::Taken { position: 0, by }));
    assert_eq!(ethernet.port(1).err(), Some(PortError::SwitchedOff { position: 1 }));
    assert_eq!(ethernet.port(2).err(), Some(PortError::NoEoe { position: 2 }));
    assert_eq!(port.send(vec![0; 13]), Err(SendError::Length(13)));
    assert_eq!(port.send(vec![0; 1519]), Err(SendError::Length(1519)));
    (0..64).for_each(|_| port.send(frame(60, 0)).unwrap());
    assert_eq!(port.send(frame(60, 0)), Err(SendError::Full));
    drop(port);
    assert_eq!(bus.counters(0).send_dropped, 67);
    assert!(ethernet.port(0).is_ok());
}

#[test]
fn frames_that_nobody_takes_are_read_dropped_and_counted() {
    let mut bus = bus();
    let (port, datagrams) = (bus.port(), bus.datagrams);
    bus.run(async {
        datagrams.pause(SECOND / 100).await;
        for _ in 0..66 {
            port.send(frame(60, 0)).unwrap();
            datagrams.pause(SECOND / 50).await;
        }
    });
    let counters = port.counters();
    assert_eq!((counters.receive_dropped, counters.frames_received), (2, 66), "the program takes none, and 64 wait");
    let requests = bus.requests.clone();
    let object = bus.run(async {
        datagrams.pause(SECOND / 100).await;
        port.send(frame(60, 0)).unwrap();
        while port.counters().frames_sent < 67 {
            datagrams.pause(Duration::from_micros(50)).await;
        }
        drop(port);
        datagrams.pause(SECOND).await;
        requests.upload(0, STATUS_WORD, 0, SECOND)
    });
    bus.run_for(SECOND);
    assert!(object.wait().is_ok());
    assert_eq!(bus.counters(0).receive_dropped, 3);
}

#[test]
fn what_waits_from_before_an_outage_is_dropped() {
    let mut bus = bus();
    let port = bus.port();
    port.send(frame(60, 0)).unwrap();
    bus.run_for(SECOND);
    assert_eq!((port.counters().send_dropped, port.counters().frames_sent), (0, 1), "before the first operation");
    port.send(frame(60, 0)).unwrap();
    bus.run_for(SECOND);
    assert_eq!((port.counters().send_dropped, port.counters().frames_sent), (1, 1));
}
