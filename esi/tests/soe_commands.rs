//! Commands by SoE that a description has (ETG.2000, InitCmd of SoE).
#![allow(clippy::unwrap_used, reason = "a test fails there")]

use zerocat_esi::{DeviceQuery, IdnStartup};

fn commands(soe: &str) -> Vec<IdnStartup> {
    let text = format!(
        "<EtherCATInfo><Vendor><Id>1</Id></Vendor><Descriptions><Devices><Device Physics='YY'><Type ProductCode='#x1' \
         RevisionNo='#x1'>D</Type><Name>D</Name><Sm DefaultSize='128' StartAddress='#x1000' ControlByte='#x26' \
         Enable='1'>MBoxOut</Sm><Sm DefaultSize='128' StartAddress='#x1080' ControlByte='#x22' Enable='1'>MBoxIn</Sm>\
         <Mailbox><SoE>{soe}</SoE></Mailbox></Device></Devices></Descriptions></EtherCATInfo>"
    );
    let query = DeviceQuery { device: "D", revision: None, product: None, modules: None };
    zerocat_esi::read_bytes(text.as_bytes(), query).unwrap().idn_startup
}

#[test]
fn commands_have_drive_idn_and_bytes() {
    let all = commands(
        "<InitCmd><Transition>PS</Transition><Comment>telegram type 7</Comment><IDN>15</IDN><Data>0700</Data></InitCmd>\
         <InitCmd Chn='1'><Transition>IP</Transition><Transition>PS</Transition><IDN>#x8035</IDN>\
         <Data AdaptAutomatically='1'>00000800</Data></InitCmd>",
    );
    let short: Vec<_> = all.iter().map(|one| (one.drive, one.idn.to_string(), &one.data[..], one.adapted)).collect();
    assert_eq!(short, [(0, "S-0-0015".into(), &[7, 0][..], false), (1, "P-0-0053".into(), &[0, 0, 8, 0][..], true)]);
    assert_eq!((all[0].comment.as_str(), all[1].transitions.len()), ("telegram type 7", 2));
}

#[test]
fn commands_that_cant_be_read_are_left_out() {
    let all = commands(
        "<InitCmd Chn='abc'><IDN>5</IDN><Data>00</Data></InitCmd><InitCmd><IDN>x</IDN><Data>00</Data></InitCmd>\
         <InitCmd><IDN>5</IDN></InitCmd><InitCmd><IDN>5</IDN><Data>0</Data></InitCmd>",
    );
    assert_eq!(all, []);
}
