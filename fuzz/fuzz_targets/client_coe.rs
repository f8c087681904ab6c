//! The CoE client against a SubDevice that answers by a script: expedited, normal, segmented, complete access, SDO information,
//! with emergencies and mails of others in between.
#![no_main]

use libfuzzer_sys::fuzz_target;
use zerocat_wire::MailboxType;

mod scripted;

fuzz_target!(|input: &[u8]| {
    scripted::run(MailboxType::Coe, input, async |datagrams, mailbox, script| {
        let [what, sub, len] = [0; 3].map(|_: u8| script.borrow_mut().byte().unwrap_or(0));
        let index = script.borrow_mut().word();
        let data = vec![what; usize::from(len) * 3];
        match what % 8 {
            0 | 1 => drop(mailbox.upload(datagrams, index, sub).await),
            2 => drop(mailbox.upload_complete(datagrams, index).await),
            3 => drop(mailbox.download(datagrams, index, sub, &data).await),
            4 => drop(mailbox.download_complete(datagrams, index, sub & 1, &data).await),
            5 => drop(mailbox.list_objects(datagrams).await),
            6 => drop(mailbox.describe_object(datagrams, index).await),
            _ => drop(mailbox.describe_entry(datagrams, index, sub).await),
        }
        assert!(mailbox.take_emergencies().len() <= zerocat_bus::mailbox::EMERGENCIES);
    });
});
