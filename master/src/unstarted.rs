//! A session that did not come to OP: why not, and the report of how far it came.

use crate::report::Report;
use crate::session::SessionError;

/// Why a session did not start, with the report of the attempt. Everything that was begun has been undone.
#[derive(Debug, thiserror::Error)]
#[error("the session did not start")]
pub struct Unstarted {
    /// Why.
    #[source]
    pub error: SessionError,
    /// What is known of the attempt: host, link, the phase it came to, what was counted.
    pub report: Box<Report>,
}
