//! Whether a program that commands is still heard, as the realtime thread counts it: for those who are told.
//!
//! The realtime thread makes a silent program's outputs safe by itself. This only tells it.

use crate::bring_up::Planned;
use std::time::Duration;
use zerocat_engine::Counters;
use zerocat_tasks::SourceEvent;

/// The program beside the tasks of a rig file.
#[derive(Debug)]
pub(crate) struct Program {
    silence: Option<Duration>,
    before: Counters,
    gone: bool,
}

impl Program {
    /// What events call it.
    pub(crate) const NAME: &str = "program";

    pub(crate) fn of(planned: &Planned<'_>) -> Self {
        Self { silence: planned.silence, before: planned.before, gone: false }
    }

    /// What happened since the last look.
    pub(crate) fn look(&mut self, now: &Counters) -> impl Iterator<Item = SourceEvent> + use<> {
        let before = std::mem::replace(&mut self.before, *now);
        let after = self.silence.unwrap_or_default();
        let has = self.silence.is_some() && !self.gone;
        let silent = has && now.silent_writers > before.silent_writers;
        let heard = has && now.heard_writers > before.heard_writers;
        // Tasks hold their ends until the session is over.
        let ended = has && now.abandoned_writers > before.abandoned_writers;
        self.gone |= ended;
        let silent = silent.then_some(SourceEvent::Silent { after });
        let heard = heard.then_some(SourceEvent::HeardAgain { after });
        silent.into_iter().chain(heard).chain(ended.then_some(SourceEvent::Ended))
    }
}
