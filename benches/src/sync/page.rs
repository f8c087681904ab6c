//! The report as an HTML page in one file: phase over time, with holes and losses.

use super::SyncReport;
use crate::html;

/// The report as HTML.
///
/// # Errors
/// The report can't be written as JSON, which doesn't happen.
pub fn page(report: &SyncReport) -> Result<String, serde_json::Error> {
    html::page(include_str!("page.html"), report)
}
