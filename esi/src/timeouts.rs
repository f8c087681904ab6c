//! How long a device may take (ETG.2000, StateMachine/Timeout and Mailbox/Timeout).

use std::time::Duration;

use crate::element::Element;

/// Time-outs of a device; `None` where the file says nothing, or nothing that can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Timeouts {
    /// From INIT to PRE-OP.
    pub pre_op: Option<Duration>,
    /// From PRE-OP to SAFE-OP, and from SAFE-OP to OP.
    pub safe_op_and_op: Option<Duration>,
    /// Back to INIT.
    pub back_to_init: Option<Duration>,
    /// From OP back to SAFE-OP.
    pub back_to_safe_op: Option<Duration>,
    /// Until a mail is answered.
    pub mail: Option<Duration>,
    /// Until a mail is taken.
    pub mail_request: Option<Duration>,
}

impl Timeouts {
    pub(crate) fn read(device: &Element<'_>) -> Self {
        let info = device.child("Info");
        let states = millis(info.as_ref(), "StateMachine");
        let mailbox = millis(info.as_ref(), "Mailbox");
        Self {
            pre_op: states("PreopTimeout"),
            safe_op_and_op: states("SafeopOpTimeout"),
            back_to_init: states("BackToInitTimeout"),
            back_to_safe_op: states("BackToSafeopTimeout"),
            mail: mailbox("ResponseTimeout"),
            mail_request: mailbox("RequestTimeout"),
        }
    }
}

/// Reads a time in milliseconds from the time-outs of a part of `Info`. 0 says nothing.
fn millis<'a>(info: Option<&'a Element<'a>>, part: &'a str) -> impl Fn(&str) -> Option<Duration> + 'a {
    move |name| {
        let part = info?.child(part)?;
        let times = part.child("Timeout")?;
        let millis: u32 = times.child_number(name).ok()??;
        (millis > 0).then(|| Duration::from_millis(millis.into()))
    }
}
