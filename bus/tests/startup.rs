//! Startup commands: order, verification, and SubDevices that refuse, say nothing or keep another value.

mod support;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use support::mailman::{Mailman, mailbox, response};
use support::rig;
use zerocat_bus::{SdoError, Startup, StartupProblem, StartupWrite};
use zerocat_wire::coe::{AbortCode, SdoAbort, SdoInitiate, SdoRequest, SdoResponse};

/// What was written: index, subindex, value.
type Writes = Vec<(u16, u8, Vec<u8>)>;

type Written = Rc<RefCell<Writes>>;

/// Keeps what is written; 0x2000 is absent, 0x3000 keeps 9 whatever is written, 0x4000 is never answered.
fn keeper(written: &Written) -> Mailman {
    let written = Rc::clone(written);
    let mut values: BTreeMap<(u16, u8), Vec<u8>> = BTreeMap::new();
    Mailman::sdo(move |request| {
        let (target, data) = match request {
            SdoRequest::Upload { target } => (target, None),
            SdoRequest::Download(
                SdoInitiate::Expedited { target, data } | SdoInitiate::Normal { target, data, .. },
            ) => (target, Some(data.to_vec())),
            _ => return vec![],
        };
        let place = (target.index, target.subindex);
        if target.index == 0x4000 {
            return vec![];
        }
        if target.index == 0x2000 {
            return vec![response(&SdoResponse::Abort(SdoAbort { target, code: AbortCode::NO_SUCH_OBJECT }))];
        }
        if let Some(data) = data {
            written.borrow_mut().push((target.index, target.subindex, data.clone()));
            values.insert(place, if target.index == 0x3000 { vec![9, 0] } else { data });
            return vec![response(&SdoResponse::Download { target })];
        }
        let Some(data) = values.get(&place) else { return vec![] };
        vec![response(&SdoResponse::Upload(SdoInitiate::Expedited { target, data }))]
    })
}

fn object(index: u16, subindex: u8, complete: bool, data: Vec<u8>) -> Startup {
    let write = StartupWrite::Object { index, subindex, complete, data };
    Startup { write, verify: true, may_fail: false, named: None }
}

fn command(index: u16, value: u8) -> Startup {
    object(index, 1, false, vec![value, 0])
}

fn write(command: &Startup) -> (Result<(), StartupProblem>, Writes) {
    let written = Written::default();
    let (datagrams, mut pump) = rig::<4, _>(keeper(&written));
    let result = pump.run(command.send(&datagrams, &mut mailbox()));
    (result, written.take())
}

#[test]
fn a_value_is_written_and_read_back() {
    assert_eq!(write(&command(0x8010, 5)), (Ok(()), vec![(0x8010, 1, vec![5, 0])]));
}

#[test]
fn all_subindexes_are_written_in_one_transfer_and_read_back() {
    let command = object(0x8010, 0, true, vec![1, 0, 5, 0]);
    assert_eq!(write(&command), (Ok(()), vec![(0x8010, 0, vec![1, 0, 5, 0])]));
}

#[test]
fn a_refusal_names_object_and_abort_in_words() {
    let error = write(&command(0x2000, 5)).0.expect_err("refused");
    assert!(error.to_string().contains("abort 0x06020000: Object doesn't exist"), "{error}");
}

#[test]
fn a_value_that_the_subdevice_does_not_keep_is_told_where_it_is_verified() {
    assert_eq!(write(&command(0x3000, 5)).0, Err(StartupProblem::ReadBack(vec![9, 0])));
    assert_eq!(write(&Startup { verify: false, ..command(0x3000, 5) }).0, Ok(()));
}

#[test]
fn a_subdevice_that_says_nothing_ends_the_command() {
    let error = write(&command(0x4000, 5)).0.expect_err("no answer");
    assert!(matches!(error, StartupProblem::Sdo(SdoError::Mail { .. })), "{error}");
}
