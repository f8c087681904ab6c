//! The report as an HTML page in one file, which loads nothing else: phase over time, with holes and losses.

use super::SyncReport;

/// The page around the report: its style, and the script that draws it.
const TEMPLATE: &str = include_str!("page.html");
const PLACE: &str = "{{report}}";

/// The report as HTML.
///
/// # Errors
/// The report can't be written as JSON, which doesn't happen.
pub fn page(report: &SyncReport) -> Result<String, serde_json::Error> {
    Ok(around(&serde_json::to_string(report)?))
}

/// Only `<` can end a script element or begin a comment in it, and in JSON `<` occurs only within strings.
fn around(json: &str) -> String {
    TEMPLATE.replace(PLACE, &json.replace('<', "\\u003c"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_report_can_leave_its_script() {
        let page = around(r#"{"why":"</script><b>"}"#);
        assert!(page.contains(r#"{"why":"\u003c/script>\u003cb>"}"#));
        assert!(!page.contains(PLACE));
    }

    #[test]
    fn the_page_fetches_nothing() {
        for foreign in ["http://", "https://", "src=", "href=", "@import", "url("] {
            assert!(!TEMPLATE.contains(foreign), "{foreign}");
        }
    }
}
