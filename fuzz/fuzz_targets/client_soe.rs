//! The SoE client against a drive that answers by a script: values and lists in fragments, errors, with notifications and
//! emergencies in between.
#![no_main]

use libfuzzer_sys::fuzz_target;
use zerocat_wire::MailboxType;
use zerocat_wire::soe::{Elements, Idn};

mod scripted;

fuzz_target!(|input: &[u8]| {
    scripted::run(MailboxType::Soe, input, async |datagrams, mailbox, script| {
        let [what, drive, len] = [0; 3].map(|_: u8| script.borrow_mut().byte().unwrap_or(0));
        let idn = Idn(script.borrow_mut().word());
        let data = vec![what; usize::from(len) * 3];
        match what % 4 {
            0 => drop(mailbox.read_idn(datagrams, drive & 7, idn, Elements::VALUE).await),
            1 => drop(mailbox.read_attribute(datagrams, drive & 7, idn).await),
            2 => drop(mailbox.read_idn_list(datagrams, drive & 7, idn).await),
            _ => drop(mailbox.write_idn(datagrams, drive & 7, idn, &data).await),
        }
        assert!(mailbox.take_notifications().len() <= zerocat_bus::mailbox::EMERGENCIES);
    });
});
