//! Habits of mailboxes as a MainDevice meets them: each one alone, against the same requests without it.

#![allow(clippy::unwrap_used, reason = "a test fails there")]

mod support;

use std::time::Duration;
use support::Rig;
use zerocat_sim::{
    MailboxConfig, MailboxHabits, Millis, ProfileKind, RepeatHabit, ReplyCounter, SegmentConfig, SizeHabit,
    SubDeviceConfig,
};

const VENDOR: [u8; 10] = [0x00, 0x20, 0x40, 0x18, 0x10, 0x01, 0, 0, 0, 0];
const PRODUCT: [u8; 10] = [0x00, 0x20, 0x40, 0x18, 0x10, 0x02, 0, 0, 0, 0];
/// A text longer than the mailbox.
const TEXT: [u8; 10] = [0x00, 0x20, 0x40, 0x00, 0x20, 0x00, 0, 0, 0, 0];
const TEXT_LEN: usize = 324;

/// A servo with these habits in PRE-OP.
fn servo(habits: MailboxHabits) -> Rig {
    with(MailboxConfig { habits, ..MailboxConfig::default() })
}

fn with(mailbox: MailboxConfig) -> Rig {
    let servo = SubDeviceConfig { mailbox: Some(mailbox), ..SubDeviceConfig::new(ProfileKind::Servo) };
    let mut rig = Rig::new(&SegmentConfig::line(vec![servo]));
    rig.preop(0);
    rig
}

fn pass(rig: &mut Rig, millis: u64) {
    rig.now += Duration::from_millis(millis);
    rig.segment.step(rig.now);
}

fn millis(millis: u64) -> Millis {
    Millis(Duration::from_millis(millis))
}

/// Subindex of 0x1018 that a reply is about.
fn about(mail: &[u8]) -> u8 {
    assert_eq!(mail[9..11], [0x18, 0x10]);
    mail[11]
}

fn counter(mail: &[u8]) -> u8 {
    mail[5] >> 4
}

fn ask(rig: &mut Rig, counter: u8, request: &[u8]) -> Option<Vec<u8>> {
    assert_eq!(rig.post(0, counter, 3, request), 1, "request mailbox");
    rig.fetch(0)
}

/// Uploads the text. Each answer's SDO bytes; the abort code in place of the text where there was one.
fn upload_text(rig: &mut Rig) -> (Result<Vec<u8>, u32>, Vec<usize>) {
    let mut number = 1;
    let first = rig.coe(0, number, &TEXT).unwrap();
    let (mut text, mut parts) = (first[10..].to_vec(), vec![first.len() - 10]);
    let mut toggle = 0;
    while text.len() < TEXT_LEN {
        number = number % 7 + 1;
        let reply = rig.coe(0, number, &[0x00, 0x20, 0x60 | toggle, 0, 0, 0, 0, 0, 0, 0]).unwrap();
        if reply[2] == 0x80 {
            return (Err(u32::from_le_bytes(reply[6..10].try_into().unwrap())), parts);
        }
        assert_eq!(reply[2] & 0x10, toggle, "toggle");
        let padding = if reply.len() == 10 { usize::from(reply[2] >> 1 & 7) } else { 0 };
        let part = &reply[3..reply.len() - padding];
        text.extend(part);
        parts.push(part.len());
        toggle ^= 0x10;
    }
    (Ok(text), parts)
}

#[test]
fn every_third_answer_is_lost_and_its_counter_with_it() {
    let mut rig = servo(MailboxHabits { lost_every: 3, ..MailboxHabits::default() });
    let counters: Vec<_> = (1..=6).map(|n| ask(&mut rig, n, &VENDOR).map(|mail| counter(&mail))).collect();
    assert_eq!(counters, [Some(1), Some(2), None, Some(4), Some(5), None]);
    assert_eq!(rig.segment.snapshot().subdevices[0].mailbox_requests, 6);
}

#[test]
fn every_second_answer_is_late() {
    let mut rig = servo(MailboxHabits { delay_every: 2, delay: millis(5), ..MailboxHabits::default() });
    assert!(ask(&mut rig, 1, &VENDOR).is_some());
    assert!(ask(&mut rig, 2, &PRODUCT).is_none());
    pass(&mut rig, 4);
    assert!(rig.fetch(0).is_none());
    pass(&mut rig, 1);
    assert_eq!(rig.fetch(0).map(|mail| about(&mail)), Some(2));
}

#[test]
fn every_second_request_stays_where_it_is_while_the_subdevice_is_busy() {
    let mut rig = servo(MailboxHabits { busy_every: 2, busy: millis(3), ..MailboxHabits::default() });
    assert!(ask(&mut rig, 1, &VENDOR).is_some());
    assert!(ask(&mut rig, 2, &PRODUCT).is_none());
    assert_eq!(rig.post(0, 3, 3, &VENDOR), 0, "full");
    pass(&mut rig, 3);
    assert_eq!(rig.fetch(0).map(|mail| about(&mail)), Some(2));
    assert!(ask(&mut rig, 3, &VENDOR).is_some());
}

#[test]
fn an_answer_comes_before_its_request_is_taken() {
    let mut rig = servo(MailboxHabits { answers_first: true, ..MailboxHabits::default() });
    assert_eq!(rig.post(0, 1, 3, &VENDOR), 1);
    assert_eq!((rig.read(0, 0x0805, 1)[0] & 8, rig.read(0, 0x080d, 1)[0] & 8), (8, 8), "both are full");
    assert_eq!(rig.post(0, 2, 3, &PRODUCT), 0);
    assert_eq!(rig.fetch(0).map(|mail| about(&mail)), Some(1));
    assert_eq!(ask(&mut rig, 2, &PRODUCT).map(|mail| about(&mail)), Some(2));
}

#[test]
fn a_request_whose_answer_is_lost_does_not_stay_for_it() {
    let habits = MailboxHabits { answers_first: true, lost_every: 1, ..MailboxHabits::default() };
    let mut rig = servo(habits);
    assert!(ask(&mut rig, 1, &VENDOR).is_none());
    assert!(ask(&mut rig, 2, &VENDOR).is_none());
}

#[test]
fn stale_answers_wait_whenever_the_mailbox_opens() {
    let mut rig = servo(MailboxHabits { stale_at_start: 2, ..MailboxHabits::default() });
    for _ in 0..2 {
        let mails: Vec<_> = std::iter::from_fn(|| rig.fetch(0)).collect();
        assert_eq!(mails.len(), 2);
        assert_eq!(mails[0][12..16], [0xef, 0xbe, 0xad, 0xde]);
        assert!(ask(&mut rig, 1, &VENDOR).is_some());
        assert_eq!(rig.al(0, 1), (1, 0));
        rig.preop(0);
    }
}

#[test]
fn before_every_second_answer_the_one_before_comes_once_more() {
    for reply_counter in [ReplyCounter::Own, ReplyCounter::Echo] {
        let habits = MailboxHabits { out_of_turn_every: 2, ..MailboxHabits::default() };
        let mut rig = with(MailboxConfig { habits, reply_counter, ..MailboxConfig::default() });
        let first = ask(&mut rig, 1, &VENDOR).unwrap();
        assert_eq!(ask(&mut rig, 2, &PRODUCT).unwrap(), first);
        let second = rig.fetch(0).unwrap();
        assert_eq!((about(&second), counter(&second)), (2, 2));
        assert_eq!(rig.fetch(0), None);
    }
}

#[test]
fn every_second_answer_comes_twice_with_the_same_counter() {
    let mut rig = servo(MailboxHabits { doubled_every: 2, ..MailboxHabits::default() });
    assert!(ask(&mut rig, 1, &VENDOR).is_some());
    assert_eq!(rig.fetch(0), None);
    let second = ask(&mut rig, 2, &PRODUCT);
    assert_eq!(rig.fetch(0), second);
    assert_eq!(rig.fetch(0), None);
}

#[test]
fn an_emergency_comes_before_every_second_answer() {
    let mut rig = servo(MailboxHabits { emergency_every: 2, ..MailboxHabits::default() });
    assert!(ask(&mut rig, 1, &VENDOR).is_some());
    let emergency = ask(&mut rig, 2, &PRODUCT).unwrap();
    assert_eq!((emergency[7] >> 4, &emergency[8..10]), (1, [0x00, 0x50].as_slice()));
    assert_eq!(rig.fetch(0).map(|mail| about(&mail)), Some(2));
}

#[test]
fn segments_are_as_short_as_the_file_says_and_make_the_same_text() {
    let (whole, parts) = upload_text(&mut servo(MailboxHabits::default()));
    assert_eq!(parts, [112, 119, 93], "as many as the mailbox has room for");
    for segment in [1, 5, 7, 60] {
        let (text, parts) = upload_text(&mut servo(MailboxHabits { segment, ..MailboxHabits::default() }));
        assert_eq!(text, whole);
        assert!(parts.iter().all(|part| *part <= usize::from(segment)), "{parts:?}");
    }
    let (text, parts) = upload_text(&mut servo(MailboxHabits { empty_initiate: true, ..MailboxHabits::default() }));
    assert_eq!((text, parts[0]), (whole, 0));
}

#[test]
fn the_length_of_an_upload_may_be_0_or_unsaid_and_the_segments_make_the_same_text() {
    let (whole, _) = upload_text(&mut servo(MailboxHabits::default()));
    for (upload_size, command) in [(SizeHabit::Given, 0x41), (SizeHabit::Zero, 0x41), (SizeHabit::Unsaid, 0x40)] {
        let habits = MailboxHabits { upload_size, ..MailboxHabits::default() };
        let first = servo(habits.clone()).coe(0, 1, &TEXT).unwrap();
        let size = if upload_size == SizeHabit::Given { TEXT_LEN } else { 0 };
        assert_eq!((first[2], first[6..10].to_vec()), (command, u32::try_from(size).unwrap().to_le_bytes().to_vec()));
        assert_eq!(upload_text(&mut servo(habits)).0, whole);
    }
}

#[test]
fn every_second_segment_has_the_wrong_toggle_and_the_transfer_goes_on() {
    let mut rig = servo(MailboxHabits { wrong_toggle_every: 2, segment: 100, ..MailboxHabits::default() });
    rig.coe(0, 1, &TEXT).unwrap();
    let toggles: Vec<_> = [(2, 0x60), (3, 0x70)]
        .map(|(n, command)| rig.coe(0, n, &[0x00, 0x20, command, 0, 0, 0, 0, 0, 0, 0]).unwrap()[2] & 0x10)
        .to_vec();
    assert_eq!(toggles, [0x00, 0x00]);
}

#[test]
fn a_transfer_is_aborted_in_its_middle_with_its_index_and_the_next_one_is_not() {
    let mut rig = servo(MailboxHabits { abort_every: 2, ..MailboxHabits::default() });
    let (text, parts) = upload_text(&mut rig);
    assert_eq!((text, parts), (Err(0x0800_0000), vec![112, 119]));
    let reply = rig.coe(0, 0, &[0x00, 0x20, 0x60, 0, 0, 0, 0, 0, 0, 0]).unwrap();
    assert_eq!(reply[2], 0x80, "no transfer goes on");
}

#[test]
fn a_repeat_request_is_served_acknowledged_or_ignored() {
    let after = |repeat_request, asked: bool| {
        let mut rig = servo(MailboxHabits { repeat_request, ..MailboxHabits::default() });
        if asked {
            assert!(ask(&mut rig, 1, &VENDOR).is_some());
        }
        rig.write(0, 0x080e, &[0x03]);
        (rig.read(0, 0x080f, 1)[0] & 2, rig.fetch(0).is_some())
    };
    for (habit, read, unread) in [
        (RepeatHabit::Served, (2, true), (2, false)),
        (RepeatHabit::OnlyKept, (2, true), (0, false)),
        (RepeatHabit::Acknowledged, (2, false), (2, false)),
        (RepeatHabit::Ignored, (0, false), (0, false)),
    ] {
        assert_eq!((after(habit, true), after(habit, false)), (read, unread), "{habit:?}");
    }
}

#[test]
fn who_does_not_check_the_counter_answers_a_repetition() {
    let mut rig = servo(MailboxHabits { checks_counter: false, ..MailboxHabits::default() });
    assert!(ask(&mut rig, 1, &VENDOR).is_some() && ask(&mut rig, 1, &VENDOR).is_some());
    let mut rig = servo(MailboxHabits::default());
    assert!(ask(&mut rig, 1, &VENDOR).is_some() && ask(&mut rig, 1, &VENDOR).is_none());
}

#[test]
fn habits_are_read_from_a_file_and_more_stale_mails_than_wait_are_refused() {
    let file = |stale: u32| {
        let text = r#"{"subdevices": [{"profile": "servo", "mailbox": {"habits": {
            "stale_at_start": STALE, "delay_every": 3, "delay": "2ms", "repeat_request": "only_kept"}}}]}"#;
        SegmentConfig::from_json(&text.replace("STALE", &stale.to_string())).and_then(|config| {
            config.check()?;
            Ok(config)
        })
    };
    let habits = file(8).unwrap().subdevices[0].mailbox.clone().unwrap().habits;
    assert_eq!((habits.delay, habits.repeat_request), (millis(2), RepeatHabit::OnlyKept));
    let refused = file(9).unwrap_err().to_string();
    assert!(refused.contains("subdevices[0].mailbox.habits.stale_at_start"), "{refused}");
}
