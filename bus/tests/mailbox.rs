//! SDO transfer against a SubDevice that answers as each test tells it to.
#![allow(clippy::unwrap_used, reason = "a test fails there")]

mod support;

use std::time::Duration;

use support::mailman::{Mailman, emergency, mailbox, response};
use support::{Loss, rig};
use zerocat_wire::coe::{
    self, AbortCode, CoeHeader, CoeService, InfoHeader, InfoOp, SdoAbort, SdoInitiate, SdoRequest, SdoResponse,
    SdoSegment, SdoTarget,
};
use zerocat_wire::mailbox::{self as mail, MailboxError, MailboxHeader, MailboxType};

fn value(target: SdoTarget, data: &[u8]) -> Vec<u8> {
    response(&SdoResponse::Upload(SdoInitiate::Expedited { target, data }))
}

fn echo(request: SdoRequest<'_>) -> Vec<Vec<u8>> {
    match request {
        SdoRequest::Upload { target } => vec![value(target, &[target.subindex])],
        SdoRequest::Download(initiate) => vec![response(&SdoResponse::Download { target: initiate.target() })],
        _ => vec![],
    }
}

#[test]
fn an_emergency_between_request_and_response_is_kept_and_disturbs_nothing() {
    let noisy = Mailman::sdo(|request| [vec![emergency(0x3110), emergency(0x8130)], echo(request)].concat());
    let (datagrams, mut pump) = rig::<4, _>(noisy);
    let mut mailbox = mailbox();
    assert_eq!(pump.run(mailbox.upload(&datagrams, 0x1018, 4)), Ok(vec![4]));
    let codes: Vec<_> = mailbox.take_emergencies().iter().map(|received| received.emergency.code).collect();
    assert_eq!(codes, [0x3110, 0x8130]);
}

#[test]
fn stale_mail_is_never_taken_for_the_answer() {
    let (datagrams, mut pump) = rig::<4, _>(Mailman::sdo(echo));
    // An answer of before, to the same question but with another value, and an emergency behind it.
    pump.segment.post(value(SdoTarget::entry(0x1018, 4), &[0xaa]));
    pump.segment.post(emergency(0x1000));
    let mut mailbox = mailbox();
    assert_eq!(pump.run(mailbox.upload(&datagrams, 0x1018, 4)), Ok(vec![4]));
    assert_eq!((mailbox.counters().stale, mailbox.counters().emergencies), (1, 1));
}

#[test]
fn an_answer_to_something_else_is_passed_over() {
    let confused = Mailman::sdo(|request| [vec![value(SdoTarget::entry(0x1018, 9), &[9])], echo(request)].concat());
    let (datagrams, mut pump) = rig::<4, _>(confused);
    assert_eq!(pump.run(mailbox().upload(&datagrams, 0x1018, 4)), Ok(vec![4]));
}

#[test]
fn an_abort_is_reported_with_index_subindex_and_words() {
    let refusing = Mailman::sdo(|request| {
        let SdoRequest::Upload { target } = request else { return vec![] };
        vec![response(&SdoResponse::Abort(SdoAbort { target, code: AbortCode::NO_SUCH_OBJECT }))]
    });
    let (datagrams, mut pump) = rig::<4, _>(refusing);
    let error = pump.run(mailbox().upload(&datagrams, 0x1c13, 0)).unwrap_err();
    let text = "SubDevice 3 (EL3002): SDO upload of 0x1c13:00: abort 0x06020000: Object doesn't exist in the object dictionary";
    assert_eq!(error.to_string(), text);
}

#[test]
fn a_mailbox_error_is_reported_in_words() {
    let refusing = Mailman::new(|_, _| {
        let mut bytes = vec![0; 16];
        let header = MailboxHeader::new(MailboxType::Error, 1, 0);
        let len = mail::emit(&mut bytes, header, |body| MailboxError::UNSUPPORTED_PROTOCOL.emit(body)).unwrap();
        bytes.truncate(len);
        vec![bytes]
    });
    let (datagrams, mut pump) = rig::<4, _>(refusing);
    let error = pump.run(mailbox().upload(&datagrams, 0x1000, 0)).unwrap_err().to_string();
    assert!(error.ends_with("mailbox error 0x0002: Mailbox protocol is not supported"), "{error}");
}

/// A device that gives a value in segments of 100 bytes, behind the first `first` bytes, which are in the answer that `initiate`
/// makes of them.
fn in_segments(whole: Vec<u8>, first: usize, initiate: impl Fn(SdoTarget, &[u8]) -> Vec<u8> + 'static) -> Mailman {
    let mut sent = 0;
    Mailman::sdo(move |request| match request {
        SdoRequest::Upload { target } => {
            sent = first;
            vec![initiate(target, &whole[..first])]
        }
        SdoRequest::UploadSegment { toggle } => {
            let end = (sent + 100).min(whole.len());
            let data = &whole[sent..end];
            sent = end;
            vec![response(&SdoResponse::UploadSegment(SdoSegment { toggle, last: end == whole.len(), data }))]
        }
        _ => vec![],
    })
}

#[test]
fn a_long_value_comes_in_segments() {
    let text: Vec<u8> = (0..=u8::MAX).collect();
    let device = in_segments(text.clone(), 20, |target, data| {
        response(&SdoResponse::Upload(SdoInitiate::Normal { target, size: 256, data }))
    });
    let (datagrams, mut pump) = rig::<4, _>(device);
    assert_eq!(pump.run(mailbox().upload(&datagrams, 0x1008, 0)), Ok(text));
}

/// The first answer to an upload, which says nothing of the length: 0, and the bit that says that it is given clear or not.
fn without_length(target: SdoTarget, data: &[u8], given: bool) -> Vec<u8> {
    let size = u32::try_from(data.len()).unwrap();
    let mut mail = response(&SdoResponse::Upload(SdoInitiate::Normal { target, size, data }));
    mail[12..16].fill(0);
    mail[8] &= if given { 0xff } else { 0xfe };
    mail
}

#[test]
fn a_value_whose_length_is_not_said_is_read_to_its_last_segment() {
    let text: Vec<u8> = (0..=u8::MAX).collect();
    for (given, first) in [(true, 20), (true, 0), (false, 20), (false, 0)] {
        let device = in_segments(text.clone(), first, move |target, data| without_length(target, data, given));
        let (datagrams, mut pump) = rig::<4, _>(device);
        assert_eq!(pump.run(mailbox().upload(&datagrams, 0x1008, 0)), Ok(text.clone()), "{given} {first}");
    }
}

#[test]
fn a_value_whose_length_is_not_said_and_that_has_no_segments_is_what_came_first() {
    // A segment bears no index, and some put none into its abort.
    for (value, of) in [(&b"short"[..], SdoTarget::entry(0, 0)), (&[], SdoTarget::entry(0x1008, 0))] {
        let device = Mailman::sdo(move |request| match request {
            SdoRequest::Upload { target } => vec![without_length(target, value, true)],
            SdoRequest::UploadSegment { .. } => {
                vec![response(&SdoResponse::Abort(SdoAbort { target: of, code: AbortCode::COMMAND }))]
            }
            _ => vec![],
        });
        let (datagrams, mut pump) = rig::<4, _>(device);
        assert_eq!(pump.run(mailbox().upload(&datagrams, 0x1008, 0)), Ok(value.to_vec()));
    }
}

#[test]
fn a_long_value_goes_in_segments() {
    use std::sync::{Arc, Mutex};
    let got = Arc::new(Mutex::new(Vec::new()));
    let store = Arc::clone(&got);
    let device = Mailman::sdo(move |request| match request {
        SdoRequest::Download(SdoInitiate::Normal { target, size, data }) => {
            assert_eq!(size, 300);
            store.lock().unwrap().extend_from_slice(data);
            vec![response(&SdoResponse::Download { target })]
        }
        SdoRequest::DownloadSegment(SdoSegment { toggle, data, .. }) => {
            store.lock().unwrap().extend_from_slice(data);
            vec![response(&SdoResponse::DownloadSegment { toggle })]
        }
        _ => vec![],
    });
    let (datagrams, mut pump) = rig::<4, _>(device);
    let value: Vec<u8> = (0..300u16).map(|n| n.to_le_bytes()[0]).collect();
    assert_eq!(pump.run(mailbox().download(&datagrams, 0x8000, 1, &value)), Ok(()));
    assert_eq!(*got.lock().unwrap(), value);
}

#[test]
fn a_lost_answer_is_asked_for_again_and_the_request_is_not_done_twice() {
    for loss in [Loss::Outbound(3), Loss::Inbound(3), Loss::Both(3), Loss::Inbound(4), Loss::Both(7)] {
        let (datagrams, mut pump) = rig::<4, _>(Mailman::sdo(echo));
        pump.loss = loss;
        let mut mailbox = mailbox();
        for subindex in 1..=50 {
            let got = pump.run(mailbox.upload(&datagrams, 0x1018, subindex));
            assert_eq!(got, Ok(vec![subindex]), "{loss:?}");
        }
        assert!(pump.lost > 0);
        assert_eq!(pump.segment.requests, 50, "{loss:?}");
    }
}

#[test]
fn without_repeat_a_lost_answer_costs_a_second_request_and_no_more() {
    let mut device = Mailman::sdo(echo);
    device.repeats = false;
    let (datagrams, mut pump) = rig::<4, _>(device);
    pump.loss = Loss::Inbound(12);
    let mut mailbox = mailbox();
    for subindex in 1..=50 {
        assert_eq!(pump.run(mailbox.upload(&datagrams, 0x1018, subindex)), Ok(vec![subindex]));
    }
    assert!(mailbox.counters().repeats > 0);
    assert!(pump.segment.requests > 50);
}

#[test]
fn no_answer_ends_with_the_time_that_was_waited() {
    let (datagrams, mut pump) = rig::<4, _>(Mailman::sdo(|_| vec![]));
    let error = pump.run(mailbox().upload(&datagrams, 0x1018, 1)).unwrap_err().to_string();
    assert!(error.starts_with("SubDevice 3 (EL3002): SDO upload of 0x1018:01: no answer in 2."), "{error}");
}

/// A mail of a protocol that nobody asked for: a fragment of an Ethernet frame.
fn eoe(counter: u8) -> Vec<u8> {
    let mut bytes = vec![0; 64];
    let header = MailboxHeader::new(MailboxType::Eoe, counter, 0);
    let fragment = |body: &mut [u8]| {
        body[..8].copy_from_slice(&[0x00, 0x01, 0, 0, 0xff, 0xff, 0xff, 0xff]);
        Ok(8)
    };
    let len = mail::emit(&mut bytes, header, fragment).unwrap();
    bytes.truncate(len);
    bytes
}

#[test]
fn ethernet_between_request_and_response_disturbs_nothing_whatever_is_lost() {
    for loss in [Loss::None, Loss::Outbound(3), Loss::Inbound(3), Loss::Both(7)] {
        let noisy = Mailman::sdo(|request| [vec![eoe(1), eoe(2), eoe(3)], echo(request), vec![eoe(4)]].concat());
        let (datagrams, mut pump) = rig::<4, _>(noisy);
        (pump.loss, pump.lost_after) = (loss, Duration::from_millis(20));
        pump.segment.post(eoe(7));
        let mut mailbox = mailbox();
        for subindex in 1..=20 {
            assert_eq!(pump.run(mailbox.upload(&datagrams, 0x1018, subindex)), Ok(vec![subindex]), "{loss:?}");
        }
        assert!(mailbox.counters().unasked >= 60, "{:?}", mailbox.counters());
    }
}

#[test]
fn mails_without_end_do_not_make_a_wait_longer() {
    // Whatever is asked: more mails than can be read in the time of an answer.
    let (datagrams, mut pump) = rig::<4, _>(Mailman::sdo(|_| vec![eoe(1); 200_000]));
    let start = pump.now();
    let error = pump.run(mailbox().upload(&datagrams, 0x1018, 1)).unwrap_err().to_string();
    assert!(error.contains("no answer in 2.") && error.contains("other mails came"), "{error}");
    assert!(pump.now() - start < std::time::Duration::from_secs(3));
}

#[test]
fn an_older_mail_that_is_repeated_in_vain_is_not_taken_for_the_answer() {
    let (datagrams, mut pump) = rig::<4, _>(Mailman::sdo(echo));
    let mut mailbox = mailbox();
    assert_eq!(pump.run(mailbox.upload(&datagrams, 0x1018, 4)), Ok(vec![4]));
    // The answer is lost on its way, and the SubDevice repeats the one before, whose counter shows it.
    pump.segment.forgets = true;
    pump.loss = Loss::Inbound(12);
    for _ in 0..50 {
        assert_eq!(pump.run(mailbox.upload(&datagrams, 0x1018, 4)), Ok(vec![4]));
    }
    assert!(mailbox.counters().repeats > 0);
}

fn described(index: u16, subindex: u8, parts: &[&[u8]]) -> Vec<Vec<u8>> {
    let [low, high] = index.to_le_bytes();
    let head = [low, high, subindex, 0, 7, 0, 32, 0, 7, 0];
    let count = parts.len();
    let mail = |(n, part): (usize, &&[u8])| {
        let left = count - 1 - n;
        let header = InfoHeader {
            op: InfoOp::EntryResponse,
            incomplete: left > 0,
            fragments_left: u16::try_from(left).unwrap(),
        };
        let body = [&header.emit()[..], if n == 0 { &head } else { &[] }, part].concat();
        let mut bytes = vec![0; 128];
        let len = coe::emit(&mut bytes, 1, CoeService::SdoInformation, |room| {
            room[..body.len()].copy_from_slice(&body);
            Ok(body.len())
        });
        bytes.truncate(len.unwrap());
        bytes
    };
    parts.iter().enumerate().map(mail).collect()
}

#[test]
fn a_description_in_fragments_is_put_together_among_other_mails() {
    let device = Mailman::new(|_, body| {
        let (header, _) = CoeHeader::parse(body).unwrap();
        assert_eq!(header.service, CoeService::SdoInformation);
        let mut mails = described(0x6064, 0, &[b"Position ", b"actual ", b"value\0\0"]);
        mails.insert(1, eoe(3));
        mails.insert(0, emergency(0x8130));
        // An answer of before to another question.
        mails.insert(0, described(0x6041, 0, &[b"Status word"]).remove(0));
        mails
    });
    let (datagrams, mut pump) = rig::<4, _>(device);
    let entry = pump.run(mailbox().describe_entry(&datagrams, 0x6064, 0)).unwrap();
    assert_eq!((entry.name.as_str(), entry.data_type, entry.bit_length), ("Position actual value", 7, 32));
}

#[test]
fn fragments_without_end_are_an_error() {
    let device = Mailman::new(|_, _| {
        let one = described(0x6064, 0, &[b"a", b"b"]).remove(0);
        vec![one; 300]
    });
    let (datagrams, mut pump) = rig::<4, _>(device);
    let error = pump.run(mailbox().describe_entry(&datagrams, 0x6064, 0)).unwrap_err().to_string();
    assert!(error.starts_with("SubDevice 3 (EL3002): SDO information of 0x6064:00:"), "{error}");
    assert!(error.contains("more than 128 fragments"), "{error}");
}

#[test]
fn what_cannot_be_described_is_an_abort_with_its_code() {
    let device = Mailman::new(|_, _| {
        let mut bytes = vec![0; 32];
        let len = coe::emit(&mut bytes, 1, CoeService::SdoInformation, |room| {
            coe::InfoError(AbortCode::NO_SUCH_OBJECT).emit(room)
        });
        bytes.truncate(len.unwrap());
        vec![bytes]
    });
    let (datagrams, mut pump) = rig::<4, _>(device);
    assert!(pump.run(mailbox().describe_object(&datagrams, 0x6064)).unwrap_err().says_absent());
}
