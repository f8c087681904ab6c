//! Mailbox headers, and mails that nobody asked for: whatever a SubDevice sends, the mailbox is read empty and keeps no more than
//! its bounds.
#![no_main]

use libfuzzer_sys::fuzz_target;
use zerocat_bus::mailbox::{EMERGENCIES, UNASKED};
use zerocat_wire::MailboxType;
use zerocat_wire::mailbox::{MailboxHeader, emit};

mod scripted;

/// Requests at most.
const REQUESTS: u8 = 16;

fuzz_target!(|input: &[u8]| {
    let kind = match input.first().map_or(0, |byte| byte % 4) {
        0 => MailboxType::Eoe,
        1 => MailboxType::Voe,
        2 => MailboxType::Aoe,
        _ => MailboxType::Error,
    };
    scripted::run(kind, input, async |datagrams, mailbox, script| {
        let requests = script.borrow_mut().byte().unwrap_or(0) % REQUESTS;
        for _ in 0..requests {
            let wanted = script.borrow_mut().byte().unwrap_or(0);
            let request = |mail: &mut [u8], counter: u8| {
                emit(mail, MailboxHeader::new(MailboxType::Voe, counter, 0), |body| {
                    body.iter_mut().zip((0..=u8::MAX).cycle()).for_each(|(byte, n)| *byte = n);
                    Ok(body.len().min(12))
                })
            };
            let answers = |header: &MailboxHeader, body: &[u8]| {
                header.kind == MailboxType::Voe && body.first().is_some_and(|byte| *byte == wanted)
            };
            let _ = mailbox.exchange(datagrams, request, answers).await;
            let _ = mailbox.drain(datagrams).await;
        }
        assert!(mailbox.take_unasked().len() <= UNASKED && mailbox.take_emergencies().len() <= EMERGENCIES);
    });
});
