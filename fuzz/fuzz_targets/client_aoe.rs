//! The AoE client against a SubDevice that answers by a script: ADS answers whole and in fragments, errors, with notifications
//! and stamps in between.
#![no_main]

use libfuzzer_sys::fuzz_target;
use zerocat_bus::AoeTarget;
use zerocat_wire::MailboxType;

mod scripted;

fuzz_target!(|input: &[u8]| {
    scripted::run(MailboxType::Aoe, input, async |datagrams, mailbox, script| {
        let [what, len, asked] = [0; 3].map(|_: u8| script.borrow_mut().byte().unwrap_or(0));
        let port = script.borrow_mut().word();
        let place = (0xf302, u32::from(script.borrow_mut().word()) << 16);
        let (target, data) = (AoeTarget::from(port), vec![what; usize::from(len) * 3]);
        match what % 7 {
            0 | 1 => drop(mailbox.ads_read(datagrams, target, place, u32::from(asked) * 4).await),
            2 => drop(mailbox.ads_write(datagrams, target, place, &data).await),
            3 => drop(mailbox.ads_read_write(datagrams, target, place, u32::from(asked), &data).await),
            4 => drop(mailbox.ads_device_info(datagrams, target).await),
            5 => drop(mailbox.ads_state(datagrams, target).await),
            _ => drop(mailbox.give_net_id(datagrams).await),
        }
        assert!(mailbox.take_unasked().len() <= zerocat_bus::mailbox::UNASKED);
    });
});
