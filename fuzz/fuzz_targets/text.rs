//! Files that people write: whatever they hold, in both formats, reading ends, an error's place is in the text, and a rig file that
//! is read has its rules checked. Start with files as seeds: `examples/*.json`, `examples/*.yaml`.
#![no_main]

use libfuzzer_sys::fuzz_target;
use zerocat_config::Rig;
use zerocat_text::{Document, Format};

/// Longest input: longer files only take longer.
const LONGEST: usize = 16 * 1024;

fuzz_target!(|bytes: &[u8]| {
    if bytes.len() > LONGEST {
        return;
    }
    for format in [Format::Json, Format::Yaml] {
        match Document::parse(bytes, format) {
            Ok(document) => _ = document.place("slaves[0].key"),
            Err(error) => {
                // A line ends in any of three ways, and one that is missing is looked for behind the last.
                let lines = 2 + bytes.iter().filter(|byte| matches!(byte, b'\n' | b'\r')).count();
                assert!(error.at.is_none_or(|place| (1..=lines).contains(&place.line)), "{error}");
                assert!(!error.to_string().is_empty());
            }
        }
    }
    let text = String::from_utf8_lossy(bytes);
    for rig in [Rig::from_json(&text), Rig::from_yaml(&text)].into_iter().flatten() {
        let _ = rig.problems();
        let _ = rig.warnings();
    }
});
