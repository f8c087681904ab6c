//! A session that did not come to OP: why not, and the report of how far it came.

use crate::bring_up::StartError;
use crate::report::{LinkReport, Report};
use crate::session::SessionError;
use zerocat_bus::BringUpError;
use zerocat_faults::chain;

/// Why a session did not start, with the report of the attempt. Everything that was begun has been undone.
#[derive(thiserror::Error)]
#[error("the session did not start: {}", chain(error))]
pub struct Unstarted {
    /// Why.
    #[source]
    pub error: SessionError,
    /// What is known of the attempt: host, link, the phase it came to, what was counted.
    pub report: Box<Report>,
}

impl std::fmt::Debug for Unstarted {
    /// In words: it is what a `main` prints that returns it.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Display::fmt(self, f)
    }
}

impl Unstarted {
    /// Before a link was looked at.
    pub(crate) fn before_all(error: SessionError) -> Self {
        Self { error, report: Box::new(Report::of_link(LinkReport::new("none", ""), Vec::new())) }
    }

    /// Where nobody answered: with what this host knows of why.
    pub(crate) fn with_reasons(mut self, why_silent: impl FnOnce() -> Vec<String>) -> Self {
        if let SessionError::Start(StartError::Silent | StartError::Bus(BringUpError::Nobody)) = self.error {
            let reasons = why_silent();
            if !reasons.is_empty() {
                self.error = SessionError::Start(StartError::Unheard(reasons));
            }
        }
        self
    }
}
