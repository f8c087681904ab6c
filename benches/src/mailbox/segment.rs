//! The segment that is asked: servos in a line, whose mailboxes have what habits the seed draws.

use std::time::Duration;
use zerocat_sim::{
    FoeConfig, MailboxConfig, MailboxHabits, MailboxProtocol, Millis, ProfileKind, RepeatHabit, ReplyCounter,
    SegmentConfig, SizeHabit, SubDeviceConfig,
};

/// Bytes that the files of a SubDevice may have, where files are asked for.
const CAPACITY: u32 = 2 << 20;

/// A segment of so many SubDevices without habits.
pub(super) fn plain(subdevices: u16) -> SegmentConfig {
    line(subdevices, MailboxConfig::default)
}

/// The same, four at least, of which the first four have a file and go to BOOT: two with mailboxes of the usual length, and two
/// with mailboxes of so many bytes.
pub(super) fn with_files(subdevices: u16, file: (&str, &str), long: u16) -> SegmentConfig {
    let mut segment = plain(subdevices.max(4));
    let files = [(file.0.to_owned(), file.1.to_owned())];
    let foe = FoeConfig { capacity: CAPACITY, files: files.into(), ..FoeConfig::default() };
    let protocols = vec![MailboxProtocol::Coe, MailboxProtocol::Foe];
    for (subdevice, length) in segment.subdevices.iter_mut().zip([None, None, Some(long), Some(long)]) {
        let (protocols, foe) = (protocols.clone(), foe.clone());
        subdevice.mailbox = Some(MailboxConfig { protocols, foe, length, boot: true, ..MailboxConfig::default() });
    }
    segment
}

/// SubDevices that send Ethernet frames back, in turn with mailboxes of the usual length and of so many bytes.
pub(super) fn with_ethernet(subdevices: u16, long: u16) -> SegmentConfig {
    let mut lengths = [None, Some(long)].into_iter().cycle();
    line(subdevices, || {
        let protocols = vec![MailboxProtocol::Coe, MailboxProtocol::Eoe];
        MailboxConfig { protocols, length: lengths.next().flatten(), ..MailboxConfig::default() }
    })
}

/// A segment of so many SubDevices with habits.
pub(super) fn draw(subdevices: u16, random: &mut fastrand::Rng) -> SegmentConfig {
    line(subdevices, || MailboxConfig {
        reply_counter: if random.bool() { ReplyCounter::Own } else { ReplyCounter::Echo },
        habits: habits(random),
        ..MailboxConfig::default()
    })
}

fn line(subdevices: u16, mut mailbox: impl FnMut() -> MailboxConfig) -> SegmentConfig {
    let mut servo =
        |serial| SubDeviceConfig { serial, mailbox: Some(mailbox()), ..SubDeviceConfig::new(ProfileKind::Servo) };
    SegmentConfig::line((1..=u32::from(subdevices)).map(&mut servo).collect())
}

/// The habits of one mailbox: those of a common stack, and up to three others.
fn habits(random: &mut fastrand::Rng) -> MailboxHabits {
    let repeats = [RepeatHabit::Served, RepeatHabit::OnlyKept, RepeatHabit::Acknowledged, RepeatHabit::Ignored];
    let mut habits = MailboxHabits {
        // Nearly all serve it.
        repeat_request: repeats[if random.u8(..4) > 0 { random.usize(..2) } else { random.usize(2..4) }],
        checks_counter: random.u8(..4) > 0,
        stale_at_start: random.u8(..4),
        ..MailboxHabits::default()
    };
    for _ in 0..random.u8(..4) {
        add(&mut habits, random);
    }
    habits
}

fn add(habits: &mut MailboxHabits, random: &mut fastrand::Rng) {
    let time = Millis(Duration::from_millis(random.u64(1..=20)));
    match random.u8(..11) {
        0 => habits.lost_every = random.u32(500..2_000),
        1 => (habits.delay, habits.delay_every) = (time, random.u32(2..20)),
        2 => (habits.busy, habits.busy_every) = (time, random.u32(5..50)),
        3 => habits.answers_first = true,
        4 => habits.out_of_turn_every = random.u32(20..200),
        5 => habits.doubled_every = random.u32(20..200),
        6 => habits.emergency_every = random.u32(5..50),
        7 => habits.wrong_toggle_every = random.u32(100..500),
        8 => habits.abort_every = random.u32(20..200),
        9 => habits.upload_size = if random.bool() { SizeHabit::Zero } else { SizeHabit::Unsaid },
        _ => (habits.segment, habits.empty_initiate) = (random.u16(20..=119), random.bool()),
    }
}
