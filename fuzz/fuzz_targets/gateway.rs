//! What clients send to the mailbox gateway: read, and refused in its own protocol, with the address that it came with.
#![no_main]

use libfuzzer_sys::fuzz_target;
use zerocat_bus::relay::{self, ForeignMail, NoAsk, Refused};
use zerocat_wire::{gateway, mailbox};

fuzz_target!(|message: &[u8]| {
    let Ok(mail) = gateway::open(message) else { return };
    assert!(gateway::header(mail).is_ok());
    let address = match mailbox::open(mail) {
        Ok((header, _)) => header.address,
        Err(_) => return assert_eq!(ForeignMail::parse(mail), Err(NoAsk::Damaged)),
    };
    let refused = match ForeignMail::parse(mail) {
        Ok(mail) => {
            let _ = (mail.ask.turn(), mail.ask.writes(), mail.ask.begins_transfer());
            [Refused::ReadOnly, Refused::NoTransfer].into_iter().filter_map(|why| mail.refusal(why)).collect()
        }
        Err(NoAsk::Protocol) => relay::unsupported(mail).into_iter().collect::<Vec<_>>(),
        Err(_) => return,
    };
    for answer in refused {
        let (header, _) = mailbox::open(&answer).expect("a refusal is a mail");
        assert_eq!(header.address, address);
        assert!(gateway::header(&answer).is_ok());
    }
});
