//! The FoE client against a SubDevice that answers by a script: packets in and out of turn, busy, errors, in mailboxes of any size.
#![no_main]

use libfuzzer_sys::fuzz_target;
use zerocat_bus::File;
use zerocat_wire::MailboxType;

mod scripted;

/// Longest file that is taken.
const LIMIT: usize = 1_000;

fuzz_target!(|input: &[u8]| {
    scripted::run(MailboxType::Foe, input, async |datagrams, mailbox, script| {
        let [what, len] = [0; 2].map(|_: u8| script.borrow_mut().byte().unwrap_or(0));
        let name = "n".repeat(usize::from(what >> 4));
        let file = File { times: scripted::FILE_TIMES, ..File::named(&name) };
        if what & 1 == 0 {
            if let Ok(read) = mailbox.read_file(datagrams, file, LIMIT, |_| {}).await {
                assert!(read.len() <= LIMIT);
            }
        } else {
            let content = vec![what; usize::from(len) * 4];
            let _ = mailbox.write_file(datagrams, file, &content, |_| {}).await;
        }
    });
});
