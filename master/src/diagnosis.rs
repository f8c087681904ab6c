//! Messages of diagnosis histories (object 0x10F3) that come up while the bus is in operation.

use std::fmt;
use std::time::Duration;
use zerocat_bus::named;
use zerocat_bus::{Label, ReceivedDiagnosis};
use zerocat_wire::coe::{DiagnosisKind, ErrorCode, diagnosis};

const SECONDS_OF_A_DAY: u64 = 24 * 60 * 60;
/// Days of 400, 100, 4 years and of one, of which the first has its leap day at the end (from a March on).
const DAYS: (u64, u64, u64, u64) = (146_097, 36_524, 1_461, 365);
/// From 2000-01-01 to 2000-03-01.
const TO_MARCH: u64 = 60;

/// A message of a SubDevice's diagnosis history (ETG.1020, 13), which was new.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Diagnosis {
    /// Who.
    pub who: Label,
    /// Its key in the rig file; `None` where it isn't named there.
    pub key: Option<String>,
    /// When it was read, on the clock of the session's cycles.
    pub at: Duration,
    /// How grave it is.
    pub kind: DiagnosisKind,
    /// Its code: what kind of code it is in the low word, the code in the high one.
    pub code: u32,
    /// The kind of code in words.
    pub class: &'static str,
    /// Number of its text in the vendor's description; 0: none.
    pub text_id: u16,
    /// When it came up, in ns since 2000-01-01, or of a clock of the SubDevice's own.
    pub time_ns: u64,
    /// Whether that is of a clock of its own.
    pub is_local_time: bool,
    /// Its parameters, as text.
    pub parameters: Vec<String>,
    /// Messages before it that were gone when they were to be read.
    pub missed: u8,
}

impl Diagnosis {
    pub(crate) fn of(who: &Label, key: Option<String>, received: ReceivedDiagnosis) -> Self {
        let ReceivedDiagnosis { at, kind, code, class, text_id, time_ns, is_local_time, parameters, missed } = received;
        let who = who.clone();
        Self { who, key, at, kind, code, class, text_id, time_ns, is_local_time, parameters, missed }
    }

    /// Its code in words: what an emergency with it says; of codes of vendors and profiles no more than that they are.
    #[must_use]
    pub fn words(&self) -> String {
        self.error_code().map_or_else(|| self.class.to_owned(), |code| code.words().to_string())
    }

    const fn error_code(&self) -> Option<ErrorCode> {
        diagnosis::error_code(self.code)
    }

    /// Whether it is a warning or an error.
    #[must_use]
    pub const fn is_trouble(&self) -> bool {
        !matches!(self.kind, DiagnosisKind::Info)
    }
}

impl fmt::Display for Diagnosis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { who, key, kind, code, class, text_id, time_ns, parameters, missed, .. } = self;
        write!(f, "{}: diagnosis {}, {class} {:#06x}", named(who, key.as_deref()), kind.name(), code >> 16)?;
        if let Some(code) = self.error_code() {
            write!(f, ": {}", code.words())?;
        }
        if *text_id != 0 {
            write!(f, ", text {text_id:#06x}")?;
        }
        if !parameters.is_empty() {
            write!(f, " ({})", parameters.join(", "))?;
        }
        let time = Duration::from_nanos(*time_ns);
        if self.is_local_time || *time_ns == 0 {
            write!(f, ", {time:?} by its own clock")?;
        } else {
            write!(f, ", at {}", Utc(time))?;
        }
        match missed {
            0 => Ok(()),
            missed => write!(f, "; {missed} before it are gone"),
        }
    }
}

/// A time since 2000-01-01, as date and time of day. Years begin in March, so that the leap day is their last.
struct Utc(Duration);

impl fmt::Display for Utc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (seconds, millis) = (self.0.as_secs(), self.0.subsec_millis());
        let (days, second) = (seconds / SECONDS_OF_A_DAY, seconds % SECONDS_OF_A_DAY);
        let (of_400, of_100, of_4, of_1) = DAYS;
        // From 1600-03-01 on.
        let days = days + of_400 - TO_MARCH;
        let (cycles, day) = (days / of_400, days % of_400);
        let centuries = (day / of_100).min(3);
        let day = day - centuries * of_100;
        let (fours, day) = (day / of_4, day % of_4);
        let years = (day / of_1).min(3);
        let day = day - years * of_1;
        let month = (5 * day + 2) / 153;
        let (day, late) = (day - (153 * month + 2) / 5 + 1, month >= 10);
        let year = 1600 + 400 * cycles + 100 * centuries + 4 * fours + years + u64::from(late);
        let month = if late { month - 9 } else { month + 3 };
        let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{millis:03}Z")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_told_as_dates() {
        let told = |unix: u64| Utc(Duration::from_secs(unix - 946_684_800)).to_string();
        assert_eq!(told(951_782_399), "2000-02-28T23:59:59.000Z");
        assert_eq!(told(951_782_400), "2000-02-29T00:00:00.000Z");
        assert_eq!(told(951_868_800), "2000-03-01T00:00:00.000Z");
        assert_eq!(told(1_735_689_599), "2024-12-31T23:59:59.000Z");
        assert_eq!(told(1_796_000_000), "2026-11-30T00:53:20.000Z");
        assert_eq!(told(4_107_542_400), "2100-03-01T00:00:00.000Z");
    }

    #[test]
    fn a_message_is_told_with_who_code_text_parameters_and_time() {
        let mut diagnosis = Diagnosis {
            who: Label { position: 3, name: "Drive".to_owned() },
            key: Some("axis".to_owned()),
            at: Duration::ZERO,
            kind: DiagnosisKind::Error,
            code: 0x3110_e800,
            class: "emergency code",
            text_id: 0x1234,
            time_ns: 1_000_000_000,
            is_local_time: false,
            parameters: vec!["-2".to_owned(), "axis1".to_owned()],
            missed: 2,
        };
        let told = diagnosis.to_string();
        let expected = "SubDevice 3 (Drive) `axis`: diagnosis error, emergency code 0x3110: mains voltage; in a drive: mains over-voltage, \
             text 0x1234 (-2, axis1), at 2000-01-01T00:00:01.000Z; 2 before it are gone";
        assert_eq!(told, expected);
        diagnosis.is_local_time = true;
        assert!(diagnosis.to_string().contains(", 1s by its own clock"), "{diagnosis}");
    }
}
