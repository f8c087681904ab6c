//! Mails: a mail that is opened and written again is the same mail.
#![no_main]

use libfuzzer_sys::fuzz_target;
use zerocat_wire::coe::{self, CoeHeader, InfoHeader, InfoOp, SdoRequest, SdoResponse};
use zerocat_wire::soe::{self, Attribute, List, SoeError, SoeHeader};
use zerocat_wire::{MailboxError, MailboxType, mailbox};

fuzz_target!(|mail: &[u8]| {
    let Ok((header, body)) = mailbox::open(mail) else { return };
    let mut buffer = vec![0; mail.len()];
    let len = mailbox::emit(&mut buffer, header, |room| {
        room[..body.len()].copy_from_slice(body);
        Ok(body.len())
    })
    .expect("the buffer takes the mail");
    assert_eq!(mailbox::open(&buffer[..len]), Ok((header, body)));
    match header.kind {
        MailboxType::Error => {
            if let Ok(error) = MailboxError::parse(body) {
                let mut again = [0; MailboxError::LEN];
                error.emit(&mut again).expect("the buffer takes the reply");
                assert_eq!(again, body[..MailboxError::LEN]);
                assert!(!error.to_string().is_empty());
            }
        }
        MailboxType::Coe => through_the_services(body),
        MailboxType::Soe => elements(body),
        _ => {}
    }
});

fn elements(body: &[u8]) {
    let Ok((header, data)) = SoeHeader::parse(body) else { return };
    assert_eq!(header.emit(), body[..soe::HEADER_LEN]);
    let _ = (SoeError::of(data), Attribute::parse(data), List::parse(data).map(|list| list.words().count()));
}

fn through_the_services(body: &[u8]) {
    let Ok((header, rest)) = CoeHeader::parse(body) else { return };
    match header.service {
        coe::CoeService::Emergency => {
            let _ = coe::Emergency::parse(rest).map(|emergency| emergency.to_string());
        }
        coe::CoeService::SdoRequest => {
            let _ = SdoRequest::parse(rest);
        }
        coe::CoeService::SdoResponse => {
            let _ = SdoResponse::parse(rest);
        }
        coe::CoeService::SdoInformation => information(rest),
        _ => {}
    }
}

fn information(bytes: &[u8]) {
    let Ok((header, rest)) = InfoHeader::parse(bytes) else { return };
    match header.op {
        InfoOp::ListResponse => {
            let _ = coe::ListAnswer::parse(rest).map(|list| list.words().count());
        }
        InfoOp::ObjectResponse => {
            let _ = coe::ObjectAnswer::parse(rest);
        }
        InfoOp::EntryResponse => {
            let _ = coe::EntryAnswer::parse(rest).map(|entry| entry.name());
        }
        InfoOp::Error => {
            let _ = coe::InfoError::parse(rest);
        }
        InfoOp::ListRequest | InfoOp::ObjectRequest | InfoOp::EntryRequest => {
            let _ = (coe::ListQuery::parse(rest), coe::ObjectQuery::parse(rest), coe::EntryQuery::parse(rest));
        }
    }
}
