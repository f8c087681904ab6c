//! Habits of a mailbox: what real SubDevices do other than a MainDevice likes, and some do that no document allows.
//!
//! Each is off unless the file has it. What happens now and then happens in every n-th case, counted from power-on, so the same
//! requests get the same answers.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{ConfigProblem, Millis};

/// What is done about a repeat request, the toggled bit 1 of the sync manager's activation (ETG.1000.4, 6.7.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RepeatHabit {
    /// It is acknowledged, and the mail that was read last comes again, once.
    #[default]
    Served,
    /// The same, but where there is no mail to repeat it isn't acknowledged.
    OnlyKept,
    /// It is acknowledged, and nothing comes.
    Acknowledged,
    /// Nothing happens.
    Ignored,
}

/// What the first answer to an upload of more than four bytes says of the length of the whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SizeHabit {
    /// It says it.
    #[default]
    Given,
    /// It says 0.
    Zero,
    /// It says that it says none: bit 0 of the command is clear, and the length 0.
    Unsaid,
}

/// Habits of a mailbox.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct MailboxHabits {
    /// Every n-th answer is lost in the SubDevice; 0: none.
    pub lost_every: u32,
    /// Every n-th mail is handed over later, by `delay`; 0: none.
    pub delay_every: u32,
    /// How much later.
    pub delay: Millis,
    /// Every n-th request stays in its mailbox for the time `busy` before it is taken; 0: none.
    pub busy_every: u32,
    /// How long.
    pub busy: Millis,
    /// Whether a request stays in its mailbox until its answer was read: the answer comes before the request is taken.
    pub answers_first: bool,
    /// Answers to nothing that wait from the start on, whenever the mailbox opens; at most 8.
    pub stale_at_start: u8,
    /// Before every n-th answer the one before comes once more; 0: before none.
    pub out_of_turn_every: u32,
    /// Every n-th answer comes twice; 0: none.
    pub doubled_every: u32,
    /// An emergency comes before every n-th answer, where there is CoE; 0: before none.
    pub emergency_every: u32,
    /// Every n-th answer to a segment of an SDO has the wrong toggle bit; 0: none.
    pub wrong_toggle_every: u32,
    /// Every n-th segment of an SDO is answered with an abort; 0: none.
    pub abort_every: u32,
    /// Bytes in each part of an upload that is longer than four bytes, at most; 0: as many as the mailbox has room for.
    pub segment: u16,
    /// Whether the first answer to an upload that is longer than four bytes has none of them.
    pub empty_initiate: bool,
    /// What the first answer to an upload that is longer than four bytes says of the length of the whole.
    pub upload_size: SizeHabit,
    /// What is done about a repeat request.
    pub repeat_request: RepeatHabit,
    /// Whether a request with the counter of the one before is a repetition, and dropped.
    pub checks_counter: bool,
}

impl Default for MailboxHabits {
    fn default() -> Self {
        Self {
            lost_every: 0,
            delay_every: 0,
            delay: Millis::default(),
            busy_every: 0,
            busy: Millis::default(),
            answers_first: false,
            stale_at_start: 0,
            out_of_turn_every: 0,
            doubled_every: 0,
            emergency_every: 0,
            wrong_toggle_every: 0,
            abort_every: 0,
            segment: 0,
            empty_initiate: false,
            upload_size: SizeHabit::Given,
            repeat_request: RepeatHabit::Served,
            checks_counter: true,
        }
    }
}

/// Answers that may wait from the start on.
const MOST_STALE: u8 = 8;

impl MailboxHabits {
    /// Whether it has none.
    pub(crate) fn are_none(&self) -> bool {
        *self == Self::default()
    }

    /// Checks what types can't say: the key that is wrong, and why.
    pub(super) fn check(&self) -> Result<(), (&'static str, ConfigProblem)> {
        if self.stale_at_start > MOST_STALE {
            let got = usize::from(self.stale_at_start);
            let problem = ConfigProblem::Number { what: "mails", got, least: 0, most: usize::from(MOST_STALE) };
            return Err((".habits.stale_at_start", problem));
        }
        Ok(())
    }
}
