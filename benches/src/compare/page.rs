//! The report as an HTML page in one file.

use super::report::CompareReport;
use crate::html;

/// The report as HTML.
///
/// # Errors
/// The report can't be written as JSON, which doesn't happen.
pub fn page(report: &CompareReport) -> Result<String, serde_json::Error> {
    html::page(include_str!("page.html"), report)
}
