//! The report as an HTML page in one file, which loads nothing else.

use super::report::CompareReport;

/// The page around the report: how it looks, and the script that draws what is in the report.
const TEMPLATE: &str = include_str!("page.html");
const PLACE: &str = "{{report}}";

/// The report as HTML.
///
/// # Errors
/// A report that is no JSON, which none is.
pub fn page(report: &CompareReport) -> Result<String, serde_json::Error> {
    Ok(around(&serde_json::to_string(report)?))
}

/// In a script element only `<` could end it or begin a comment, and in JSON it stands in strings alone.
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
