//! How mail is waited for and asked again: each strategy against mailboxes that are full, frozen or deceive, and what may be done
//! again.
#![allow(clippy::unwrap_used, reason = "a test fails there")]

mod support;

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use support::mailman::{Mailman, mailbox, response};
use support::{Loss, rig};
use zerocat_bus::{MailPolicy, Mailbox, Strategy};
use zerocat_wire::coe::{SdoInitiate, SdoRequest, SdoResponse, SdoTarget};
use zerocat_wire::mailbox::{self as mail, MailboxError, MailboxHeader, MailboxType};

const ALL: [Strategy; 3] = [Strategy::Strict, Strategy::Hybrid, Strategy::Poll];

fn with(strategy: Strategy) -> Mailbox {
    let mut mailbox = mailbox();
    mailbox.set_policy(MailPolicy { strategy, ..MailPolicy::default() });
    mailbox
}

fn echo(request: SdoRequest<'_>) -> Vec<Vec<u8>> {
    match request {
        SdoRequest::Upload { target } => {
            vec![response(&SdoResponse::Upload(SdoInitiate::Expedited { target, data: &[target.subindex] }))]
        }
        SdoRequest::Download(initiate) => vec![response(&SdoResponse::Download { target: initiate.target() })],
        _ => vec![],
    }
}

#[test]
fn each_strategy_reads_and_writes_whatever_is_lost_and_does_nothing_twice() {
    for strategy in ALL {
        for loss in [Loss::None, Loss::Outbound(7), Loss::Inbound(7), Loss::Both(5)] {
            let (datagrams, mut pump) = rig::<4, _>(Mailman::sdo(echo));
            pump.loss = loss;
            let mut mailbox = with(strategy);
            for subindex in 1..=30 {
                let got = pump.run(mailbox.upload(&datagrams, 0x1018, subindex));
                assert_eq!(got, Ok(vec![subindex]), "{strategy:?}, {loss:?}");
                assert_eq!(
                    pump.run(mailbox.download(&datagrams, 0x8000, subindex, &[1])),
                    Ok(()),
                    "{strategy:?}, {loss:?}"
                );
            }
            assert_eq!(pump.segment.requests, 60, "{strategy:?}, {loss:?}");
            let counted = mailbox.counters();
            assert_eq!((counted.started, counted.succeeded, counted.failed.total()), (60, 60, 0));
        }
    }
}

#[test]
fn poll_reads_no_status_and_the_others_do() {
    for strategy in ALL {
        let (datagrams, mut pump) = rig::<4, _>(Mailman::sdo(echo));
        assert_eq!(pump.run(with(strategy).upload(&datagrams, 0x1018, 4)), Ok(vec![4]));
        assert_eq!(pump.segment.statuses == 0, strategy == Strategy::Poll, "{strategy:?}");
    }
}

#[test]
fn strict_is_busy_after_a_few_looks_at_a_full_mailbox_and_the_others_wait_for_the_time_of_a_request() {
    for strategy in ALL {
        let (datagrams, mut pump) = rig::<4, _>(Mailman::sdo(echo));
        pump.segment.fill();
        pump.segment.frozen = true;
        let mut mailbox = with(strategy);
        let start = pump.now();
        let error = pump.run(mailbox.upload(&datagrams, 0x1018, 4)).unwrap_err().to_string();
        assert!(error.contains("mailbox still full after"), "{error}");
        assert_eq!(mailbox.counters().failed.busy, 1, "{strategy:?}");
        let (took, strict) = (pump.now() - start, strategy == Strategy::Strict);
        assert_eq!(took < Duration::from_millis(100), strict, "{strategy:?}: {took:?}");
        // A few looks, done again as often as the policy says.
        assert_eq!(mailbox.counters().retries, if strict { 2 } else { 0 }, "{strategy:?}");
        assert_eq!(pump.segment.requests, 0);
    }
}

#[test]
fn a_mailbox_that_is_emptied_soon_is_waited_for_by_each_strategy() {
    for strategy in [Strategy::Strict, Strategy::Hybrid] {
        let (datagrams, mut pump) = rig::<4, _>(Mailman::sdo(echo));
        pump.segment.fill();
        pump.segment.slow = 3;
        assert_eq!(pump.run(with(strategy).upload(&datagrams, 0x1018, 4)), Ok(vec![4]), "{strategy:?}");
    }
}

#[test]
fn hybrid_and_poll_get_along_with_a_status_that_is_never_full_and_strict_does_not() {
    for strategy in ALL {
        let (datagrams, mut pump) = rig::<4, _>(Mailman::sdo(echo));
        pump.segment.hides = true;
        let mut mailbox = with(strategy);
        let got = pump.run(mailbox.upload(&datagrams, 0x1018, 4));
        assert_eq!(got.is_ok(), strategy != Strategy::Strict, "{strategy:?}");
        assert_eq!(mailbox.counters().failed.timeout, u64::from(strategy == Strategy::Strict));
    }
}

/// Refuses the first mails with "no memory".
fn without_memory(times: u32) -> Mailman {
    let left = Rc::new(Cell::new(times));
    Mailman::new(move |_, body| {
        if left.get() == 0 {
            return echo(SdoRequest::parse(&body[2..]).unwrap());
        }
        left.set(left.get() - 1);
        let mut bytes = vec![0; 16];
        let header = MailboxHeader::new(MailboxType::Error, 1, 0);
        let len = mail::emit(&mut bytes, header, |body| MailboxError(7).emit(body)).unwrap();
        bytes.truncate(len);
        vec![bytes]
    })
}

#[test]
fn who_has_no_memory_is_asked_again_after_pauses_until_that_was_often_enough() {
    for (refusals, succeeds) in [(2, true), (3, false)] {
        let (datagrams, mut pump) = rig::<4, _>(without_memory(refusals));
        let mut mailbox = mailbox();
        let start = pump.now();
        let done = pump.run(mailbox.download(&datagrams, 0x8000, 1, &[7]));
        assert_eq!(done.is_ok(), succeeds, "{done:?}");
        let counted = mailbox.counters();
        assert_eq!((counted.started, counted.retries, counted.failed.mailbox_error), (1, 2, u64::from(!succeeds)));
        assert!(pump.now() - start >= Duration::from_millis(30), "10 ms and 20 ms");
    }
}

#[test]
fn no_retries_means_none() {
    let (datagrams, mut pump) = rig::<4, _>(without_memory(1));
    let mut mailbox = mailbox();
    mailbox.set_policy(MailPolicy { retries: 0, ..MailPolicy::default() });
    assert!(pump.run(mailbox.upload(&datagrams, 0x1018, 4)).is_err());
    assert_eq!((mailbox.counters().retries, pump.segment.requests), (0, 1));
}

#[test]
fn a_mail_that_comes_twice_is_dropped_and_counted_once_the_subdevice_is_known_to_count() {
    let counter = Cell::new(0u8);
    let twice = Mailman::sdo(move |request| {
        counter.set(mail::next_counter(counter.get()));
        let mut one = echo(request).remove(0);
        one[5] = one[5] & 0x0f | counter.get() << 4;
        vec![one.clone(), one]
    });
    let (datagrams, mut pump) = rig::<4, _>(twice);
    let mut mailbox = mailbox();
    for _ in 0..10 {
        // The same question, so that the second mail would be taken for the next answer.
        assert_eq!(pump.run(mailbox.upload(&datagrams, 0x1018, 4)), Ok(vec![4]));
    }
    let counted = mailbox.counters();
    assert!(counted.duplicates >= 8, "{counted:?}");
    assert_eq!(counted.duplicates + counted.stale, 9, "the last one waits still");
}

#[test]
fn a_subdevice_that_never_counts_may_say_the_same_twice() {
    let (datagrams, mut pump) = rig::<4, _>(Mailman::sdo(echo));
    let mut mailbox = mailbox();
    for _ in 0..5 {
        assert_eq!(pump.run(mailbox.upload(&datagrams, 0x1018, 4)), Ok(vec![4]));
    }
    assert_eq!(mailbox.counters().duplicates, 0);
}

#[test]
fn the_late_answer_to_a_request_that_was_given_up_answers_no_other() {
    let target = SdoTarget::entry(0x1018, 4);
    let value = move |data| response(&SdoResponse::Upload(SdoInitiate::Expedited { target, data }));
    let first = Cell::new(true);
    let forgetful = Mailman::sdo(move |_| if first.replace(false) { vec![] } else { vec![value(&[2])] });
    let (datagrams, mut pump) = rig::<4, _>(forgetful);
    pump.segment.later = Some((Duration::from_millis(300), value(&[1])));
    let mut mailbox = mailbox();
    let given_up = async {
        let end = datagrams.now() + Duration::from_millis(50);
        datagrams.by(end, mailbox.upload(&datagrams, 0x1018, 4)).await
    };
    assert!(pump.run(given_up).is_none());
    assert_eq!(pump.run(mailbox.upload(&datagrams, 0x1018, 4)), Ok(vec![2]));
    assert_eq!((mailbox.counters().stale, pump.segment.requests), (1, 2));
    assert!(pump.now() >= Duration::from_millis(300), "the late one was waited for");
}

/// A mailbox whose first answer doesn't come, or comes after a time, and the others at once: the value is the question's number.
fn late_at_first(by: Option<Duration>, asked: &Rc<Cell<u8>>) -> (Mailman, Mailbox) {
    let value = |target, number: u8| response(&SdoResponse::Upload(SdoInitiate::Expedited { target, data: &[number] }));
    let asked = Rc::clone(asked);
    let mut mailman = Mailman::sdo(move |request| {
        asked.set(asked.get() + 1);
        let SdoRequest::Upload { target } = request else { panic!("{request:?}") };
        if asked.get() == 1 { vec![] } else { vec![value(target, asked.get())] }
    });
    mailman.later = by.map(|by| (by, value(SdoTarget::entry(0x1018, 4), 1)));
    let mut mailbox = mailbox();
    mailbox.set_policy(MailPolicy { retries: 0, ..MailPolicy::default() });
    (mailman, mailbox)
}

#[test]
fn an_answer_that_comes_too_late_answers_no_other_question() {
    let asked = Rc::new(Cell::new(0));
    let (mailman, mut mailbox) = late_at_first(Some(Duration::from_millis(2_600)), &asked);
    let (datagrams, mut pump) = rig::<4, _>(mailman);
    let error = pump.run(mailbox.upload(&datagrams, 0x1018, 4)).unwrap_err().to_string();
    assert!(error.contains("no answer in 2."), "{error}");
    // Another question needn't wait, and the same one is remembered meanwhile.
    assert_eq!(pump.run(mailbox.upload(&datagrams, 0x1018, 1)), Ok(vec![2]));
    assert!(pump.now() < Duration::from_millis(2_500));
    assert_eq!(pump.run(mailbox.upload(&datagrams, 0x1018, 4)), Ok(vec![3]));
    assert_eq!((mailbox.counters().stale, asked.get()), (1, 3));
    // Once it has come nothing is waited for.
    let before = pump.now();
    assert_eq!(pump.run(mailbox.upload(&datagrams, 0x1018, 4)), Ok(vec![4]));
    assert!(pump.now() < before + Duration::from_millis(100));
}

#[test]
fn an_answer_that_never_comes_is_waited_for_twice_its_time_and_no_longer() {
    let asked = Rc::new(Cell::new(0));
    let (mailman, mut mailbox) = late_at_first(None, &asked);
    let (datagrams, mut pump) = rig::<4, _>(mailman);
    pump.run(mailbox.upload(&datagrams, 0x1018, 4)).unwrap_err();
    assert_eq!(pump.run(mailbox.upload(&datagrams, 0x1018, 4)), Ok(vec![2]));
    let took = pump.now();
    assert!((4_000..4_400).contains(&took.as_millis()), "{took:?}");
}

#[test]
fn mails_are_counted_by_protocol() {
    let (datagrams, mut pump) = rig::<4, _>(Mailman::sdo(echo));
    let mut mailbox = mailbox();
    pump.run(mailbox.upload(&datagrams, 0x1018, 4)).unwrap();
    let protocols = mailbox.counters().protocols;
    assert_eq!((protocols.coe.written, protocols.coe.read), (1, 1));
    assert_eq!((protocols.foe.written, protocols.eoe.read), (0, 0));
}
