//! Where to look first when a SubDevice refuses or leaves an AL state over its synchronization, by AL status code
//! (ETG.1000.6, table 11; what lies behind each is from the practice of other MainDevices).

use zerocat_wire::al::AlStatusCode;

/// What to look at; `None` where the code isn't about synchronization.
#[must_use]
pub const fn where_to_look(code: AlStatusCode) -> Option<&'static str> {
    Some(match code.0 {
        0x001a => {
            "outputs come too late for SYNC0: raise `engine.dc.lead`, and look at the phase error and at late wake-ups"
        }
        0x0027 | 0x0028 => {
            "it works only by its distributed clock: give it a `dc` with an operation mode in the rig file"
        }
        0x002c => "SYNC0 has vanished: look whether somebody else writes its clock, or whether it was restarted",
        0x002d => "no SYNC0 came, or not where outputs are: look at `engine.dc.lead`, `sync0.shift_ns` and late frames",
        0x0030 => {
            "it wants another SYNC than it has: give it a `dc` in the rig file with a mode that its description names, where none \
             is known `dc: { assign_activate: \"0x0300\" }`, and leave `engine.dc` at \"auto\"; some want SYNC1 as well (0x0700)"
        }
        0x0031 => "its latch units are set as it doesn't want them: look at the low byte of `assign_activate`",
        0x0032 => {
            "its control loop doesn't hold SYNC0: look at `engine.dc.lead` and `sync0.shift_ns`, at the differences of clocks and at late frames"
        }
        0x0033 => "outputs come too late for SYNC0: raise `engine.dc.lead`, and look at late frames",
        0x0034 => "it expects SYNC and none came: give it a `dc` in the rig file",
        0x0035 => "it can't do this cycle: choose another rate, or another cycle in its `dc`",
        0x0036 => "it can't do this cycle of SYNC0: look at what its description and object 0x1C32:05 allow",
        0x0037 => "it can't do this cycle of SYNC1: look at `sync1` of its `dc`, which is a delay after SYNC0",
        _ => return None,
    })
}

/// The same, to be added to a sentence.
pub(crate) fn hint(code: AlStatusCode) -> String {
    where_to_look(code).map_or_else(String::new, |hint| format!("; {hint}"))
}
