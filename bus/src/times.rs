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

    /// Times of its mailbox. A longer answer makes the MainDevice wait as long for the mailbox to be free.
    #[must_use]
    pub fn mail(&self, times: MailTimes) -> MailTimes {
        self.mailbox.map_or(times, |response| MailTimes { response, request: times.request.max(response), ..times })
    }
}
