//! How long one SubDevice may take, where that is not how long others may.

use std::time::Duration;

use zerocat_wire::AlState;

use crate::al::AlPolicy;
use crate::mailbox::MailTimes;

/// Times of one SubDevice. What is `None` is as for all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Times {
    /// To PRE-OP.
    pub pre_op: Option<Duration>,
    /// To SAFE-OP.
    pub safe_op: Option<Duration>,
    /// To OP.
    pub op: Option<Duration>,
    /// Until a mail is answered.
    pub mailbox: Option<Duration>,
    /// Until a mail is taken; `None`: as for all, and as long as the answer may take.
    pub mailbox_request: Option<Duration>,
}

impl Times {
    /// A policy for the way to a state, with this SubDevice's deadline.
    #[must_use]
    pub fn policy(&self, state: AlState, policy: AlPolicy) -> AlPolicy {
        let own = match state {
            AlState::PreOp => self.pre_op,
            AlState::SafeOp => self.safe_op,
            AlState::Op => self.op,
            AlState::Init | AlState::Boot => None,
        };
        AlPolicy { deadline: own.unwrap_or(policy.deadline), ..policy }
    }

    /// Times of its mailbox. Where only the answer's is given and longer than usual, the MainDevice waits as long for the mailbox to
    /// be free.
    #[must_use]
    pub fn mail(&self, times: MailTimes) -> MailTimes {
        let response = self.mailbox.unwrap_or(times.response);
        let usual = self.mailbox.map_or(times.request, |response| times.request.max(response));
        MailTimes { response, request: self.mailbox_request.unwrap_or(usual), ..times }
    }
}
