//! The EoE client against a SubDevice that answers by a script: IP parameters set and read, with fragments of frames in between.
#![no_main]

use libfuzzer_sys::fuzz_target;
use zerocat_bus::IpSettings;
use zerocat_wire::MailboxType;

mod scripted;

fuzz_target!(|input: &[u8]| {
    scripted::run(MailboxType::Eoe, input, async |datagrams, mailbox, script| {
        let what = script.borrow_mut().byte().unwrap_or(0);
        let [a, b] = script.borrow_mut().word().to_le_bytes();
        if what & 1 == 0 {
            let address = Some([192, 168, a, b].into());
            let _ = mailbox.set_ip(datagrams, &IpSettings { address, ..IpSettings::default() }).await;
        } else if let Ok(settings) = mailbox.ip(datagrams).await {
            assert!(settings.to_string().len() < 1_000);
        }
        assert!(mailbox.take_unasked().len() <= zerocat_bus::mailbox::UNASKED);
    });
});
