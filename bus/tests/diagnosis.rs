//! Diagnosis histories (object 0x10F3) of SubDevices with good and with bad habits.
#![allow(clippy::unwrap_used, reason = "a test fails there")]

mod support;

use std::cell::RefCell;
use std::rc::Rc;

use support::mailman::{Mailman, mailbox, response};
use support::rig;
use zerocat_bus::{MOST_MESSAGES, ReceivedDiagnosis};
use zerocat_wire::coe::diagnosis::{FIRST, HEADER_LEN, INDEX, MAXIMUM, NEWEST};
use zerocat_wire::coe::{
    AbortCode, DiagnosisKind, DiagnosisMessage, SdoAbort, SdoInitiate, SdoRequest, SdoResponse, SdoTarget,
};

/// What a SubDevice says of its history.
struct Said {
    maximum: Vec<u8>,
    newest: Vec<u8>,
    /// From subindex 6 on; what isn't there is refused.
    messages: Vec<Vec<u8>>,
}

type Shared = Rc<RefCell<Said>>;

fn message(code: u16) -> Vec<u8> {
    let mut bytes = vec![0; HEADER_LEN];
    let code = u32::from(code) << 16 | 0xe800;
    let message = DiagnosisMessage { code, flags: 1, text_id: 7, time_ns: 5, raw_parameters: &[] };
    message.emit(&mut bytes).unwrap();
    bytes
}

fn device(said: &Shared) -> Mailman {
    let said = Rc::clone(said);
    Mailman::sdo(move |request| {
        let SdoRequest::Upload { target } = request else {
            // Of a value without bytes there is no segment.
            let target = SdoTarget::entry(0, 0);
            return vec![response(&SdoResponse::Abort(SdoAbort { target, code: AbortCode::NO_SUCH_SUBINDEX }))];
        };
        assert_eq!(target.index, INDEX, "nothing else is read, and nothing is written");
        let said = said.borrow();
        let data = match target.subindex {
            MAXIMUM => Some(&said.maximum),
            NEWEST => Some(&said.newest),
            subindex => said.messages.get(usize::from(subindex.wrapping_sub(FIRST))),
        };
        let response_of = |data: &Vec<u8>| {
            let size = u32::try_from(data.len()).unwrap();
            match data.len() {
                1..=4 => response(&SdoResponse::Upload(SdoInitiate::Expedited { target, data })),
                _ => response(&SdoResponse::Upload(SdoInitiate::Normal { target, size, data })),
            }
        };
        let refused = || response(&SdoResponse::Abort(SdoAbort { target, code: AbortCode::NO_SUCH_SUBINDEX }));
        vec![data.map_or_else(refused, response_of)]
    })
}

/// What the looks after the first give, each behind a change.
fn looks(said: Said, changes: &[&dyn Fn(&mut Said)]) -> Vec<Vec<ReceivedDiagnosis>> {
    let said: Shared = Rc::new(RefCell::new(said));
    let (datagrams, mut pump) = rig::<4, _>(device(&said));
    let mut mailbox = mailbox();
    assert_eq!(pump.run(mailbox.new_diagnosis(&datagrams)).unwrap(), [], "of before");
    let mut all = Vec::new();
    for change in changes {
        change(&mut said.borrow_mut());
        all.push(pump.run(mailbox.new_diagnosis(&datagrams)).unwrap());
    }
    all
}

fn codes(messages: &[ReceivedDiagnosis]) -> Vec<u32> {
    messages.iter().map(|message| message.code >> 16).collect()
}

fn history(maximum: u8, newest: u8, messages: Vec<Vec<u8>>) -> Said {
    Said { maximum: vec![maximum], newest: vec![newest], messages }
}

#[test]
fn each_new_message_is_given_once_oldest_first_round_the_ring() {
    let said = history(3, FIRST, vec![message(1), vec![], vec![]]);
    let looks = looks(
        said,
        &[
            &|_| {},
            &|said| (said.newest, said.messages[1], said.messages[2]) = (vec![FIRST + 2], message(2), message(3)),
            &|said| (said.newest, said.messages[0]) = (vec![FIRST], message(4)),
            &|_| {},
        ],
    );
    let codes: Vec<_> = looks.iter().map(|look| codes(look)).collect();
    assert_eq!(codes, [vec![], vec![2, 3], vec![4], vec![]]);
    let two = &looks[1][0];
    assert_eq!((two.kind, two.class, two.text_id, two.time_ns), (DiagnosisKind::Warning, "emergency code", 7, 5));
}

#[test]
fn a_history_that_went_round_as_a_whole_is_read_again() {
    let said = history(2, FIRST + 1, vec![message(1), message(2)]);
    let looks = looks(said, &[&|said| said.messages = vec![message(3), message(4)]]);
    assert_eq!(codes(&looks[0]), [3, 4]);
}

#[test]
fn a_burst_that_went_round_is_given_as_far_as_it_is_there_and_says_that_there_were_more() {
    let of = |codes: [u16; 4]| codes.map(message).to_vec();
    let burst = |said: &mut Said| (said.newest, said.messages) = (vec![FIRST + 1], of([14, 15, 12, 13]));
    let looks = looks(history(4, FIRST, of([1, 0, 0, 0])), &[&burst]);
    assert_eq!((codes(&looks[0]), looks[0][0].missed), (vec![12, 13, 14, 15], 1));
    // From an empty one, and from one that was cleared meanwhile.
    let looks = self::looks(history(4, 0, vec![]), &[&burst]);
    assert_eq!((codes(&looks[0]), looks[0][0].missed), (vec![12, 13, 14, 15], 2));
    let cleared = |said: &mut Said| (said.newest, said.messages) = (vec![FIRST], vec![message(9)]);
    let looks = self::looks(history(4, FIRST + 2, of([1, 2, 3, 0])), &[&cleared]);
    assert_eq!((codes(&looks[0]), looks[0][0].missed), (vec![9], 0));
}

#[test]
fn who_has_no_history_is_asked_once() {
    // A value without bytes is asked for its segment, too.
    for (maximum, requests) in [(vec![], 2), (vec![0], 1)] {
        let said = Rc::new(RefCell::new(Said { maximum, newest: vec![], messages: vec![] }));
        let (datagrams, mut pump) = rig::<4, _>(device(&said));
        let mut mailbox = mailbox();
        for _ in 0..3 {
            assert_eq!(pump.run(mailbox.new_diagnosis(&datagrams)), Ok(vec![]));
        }
        assert_eq!(pump.segment.requests, requests);
    }
}

#[test]
fn a_newest_message_that_cannot_be_is_none() {
    let said = history(3, 0, vec![message(1)]);
    let looks = looks(
        said,
        &[&|said| said.newest = vec![3], &|said| said.newest = vec![200], &|said| said.newest = vec![], &|said| {
            said.newest = vec![FIRST];
        }],
    );
    assert_eq!(looks.iter().map(Vec::len).collect::<Vec<_>>(), [0, 0, 0, 1]);
}

#[test]
fn messages_that_are_gone_or_cut_short_are_counted_with_the_next_one() {
    let said = history(4, 0, vec![]);
    let change = |said: &mut Said| {
        (said.newest, said.messages) = (vec![FIRST + 3], vec![message(1), vec![1, 2, 3, 4, 5], vec![], message(4)]);
    };
    let looks = looks(said, &[&change]);
    assert_eq!(codes(&looks[0]), [1, 4]);
    assert_eq!(looks[0][1].missed, 2);
}

#[test]
fn a_flood_of_messages_is_read_up_to_a_bound_and_the_rest_told() {
    let said = history(240, 0, vec![]);
    let change = |said: &mut Said| {
        (said.newest, said.messages) = (vec![FIRST + 99], (0..100).map(message).collect());
    };
    let looks = looks(said, &[&change]);
    assert_eq!((looks[0].len(), looks[0][0].missed), (MOST_MESSAGES.into(), 100 - MOST_MESSAGES));
    assert_eq!(codes(&looks[0]).last(), Some(&99));
}
