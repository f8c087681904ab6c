//! Reports as HTML pages, each in one file that loads nothing else.

use serde::Serialize;

/// Where a page has its report.
const PLACE: &str = "{{report}}";

/// The page that a template makes of a report.
///
/// # Errors
/// The report can't be written as JSON, which doesn't happen.
pub(crate) fn page(template: &str, report: &impl Serialize) -> Result<String, serde_json::Error> {
    Ok(around(template, &serde_json::to_string(report)?))
}

/// Only `<` can end a script element or begin a comment in it, and in JSON `<` occurs only within strings.
fn around(template: &str, json: &str) -> String {
    template.replace(PLACE, &json.replace('<', "\\u003c"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEMPLATES: [&str; 2] = [include_str!("compare/page.html"), include_str!("sync/page.html")];

    #[test]
    fn nothing_in_a_report_can_leave_its_script() {
        for template in TEMPLATES {
            let page = around(template, r#"{"why":"</script><b>"}"#);
            assert!(page.contains(r#"{"why":"\u003c/script>\u003cb>"}"#));
            assert!(!page.contains(PLACE));
        }
    }

    #[test]
    fn the_pages_fetch_nothing() {
        for template in TEMPLATES {
            for foreign in ["http://", "https://", "src=", "href=", "@import", "url("] {
                assert!(!template.contains(foreign), "{foreign}");
            }
        }
    }
}
