//! Why an entry that a program asked for is not to be had, in words that name it and what the bus maps instead.

use super::field::Shape;
use crate::bind::MappedPdo;
use std::fmt;
use std::time::Duration;
use zerocat_config::Place;
use zerocat_pdi::DataType;

/// Names that a message lists.
const LISTED: usize = 12;

/// Entries that a program asked for and that the bus doesn't have as it wants them.
///
/// ```
/// # #[cfg(feature = "testing")] {
/// use zerocat::testing::{Bench, BenchError, ProfileKind, line};
/// use zerocat::{EntryProblem, LifeError};
/// let mut bus = Bench::bus();
/// let _ = bus.input::<i16>(0, 0x6064);
/// let _ = bus.input::<i32>("axis", 0x6064);
/// match Bench::start(bus, &line(&[ProfileKind::Servo])) {
///     Err(BenchError::Life(LifeError::Entries(errors))) => {
///         let [length, whose] = errors.each() else { panic!("{errors}") };
///         assert!(matches!(&whose.why, EntryProblem::NoSubDevice { keys } if keys == &["zc_servo_0"]));
///         println!("{length}");
///     }
///     other => panic!("{other:?}"),
/// }
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntryErrors(Vec<EntryError>);

impl EntryErrors {
    pub(super) const fn new(errors: Vec<EntryError>) -> Self {
        Self(errors)
    }

    /// Each of them, in the order in which they were asked for, inputs first.
    #[must_use]
    pub fn each(&self) -> &[EntryError] {
        &self.0
    }
}

impl fmt::Display for EntryErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines: Vec<String> = self.0.iter().map(ToString::to_string).collect();
        match &lines[..] {
            [one] => f.write_str(one),
            several => {
                write!(f, "{} of what the program asked for:\n  {}", several.len(), several.join("\n  "))
            }
        }
    }
}

impl std::error::Error for EntryErrors {}

/// One of them.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{asked}: {why}")]
pub struct EntryError {
    /// What was asked for: direction, SubDevice, entry, type.
    pub asked: String,
    /// Why it can't be had.
    pub why: EntryProblem,
}

/// Why an entry can't be had.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum EntryProblem {
    /// There is no such SubDevice.
    NoSubDevice {
        /// The keys of those that are there.
        keys: Vec<String>,
    },
    /// The rig file has no such channel in that direction.
    NoChannel {
        /// The names of those that it has.
        names: Vec<String>,
    },
    /// The SubDevice doesn't map the entry.
    NotMapped {
        /// What it maps in that direction, by PDO.
        mapped: Vec<MappedPdo>,
    },
    /// It maps several of that index and subindex.
    Ambiguous {
        /// What names each of them, and its bits.
        candidates: Vec<(Place, u8)>,
    },
    /// It is mapped with another length.
    Width {
        /// Bits in the SubDevice.
        mapped: u8,
        /// The type that was asked for.
        wanted: Shape,
    },
    /// It is mapped, and not in the PDO, or at the place, that was asked for.
    OtherPdo {
        /// PDOs that map it.
        pdos: Vec<u16>,
    },
    /// The rig file says that it is of another type.
    Type {
        /// The type.
        is: DataType,
    },
    /// Not enough entries of that length follow one another.
    Row {
        /// How many do.
        found: usize,
        /// The type that was asked for.
        wanted: Shape,
    },
    /// It has no such bit, or a bit was asked for as something else than a `bool`.
    Bit {
        /// Bits in the SubDevice.
        mapped: u8,
    },
    /// A task of the rig file commands it.
    Commanded {
        /// Name of the task.
        task: String,
        /// Name of the channel.
        channel: String,
    },
    /// No command could be sent within the time that the program says.
    ShortTime {
        /// The call that says it.
        call: &'static str,
        /// The time.
        time: Duration,
        /// The shortest that can be met.
        least: Duration,
    },
    /// Outputs without a statement of how long they may stand without a commit.
    NoSilence,
}

impl fmt::Display for EntryProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoSubDevice { keys } => write!(f, "there is no such SubDevice; on the bus are {}", listed(keys)),
            Self::NoChannel { names } => {
                write!(f, "the rig file has no channel of that name in that direction; it has {}", listed(names))
            }
            Self::NotMapped { mapped } if mapped.is_empty() => {
                f.write_str("the SubDevice maps nothing in that direction")
            }
            Self::NotMapped { mapped } => {
                let mapped: Vec<String> = mapped.iter().map(ToString::to_string).collect();
                write!(f, "the SubDevice does not map it; it maps {}", mapped.join("; "))
            }
            Self::Ambiguous { candidates } => {
                let each: Vec<String> = candidates.iter().map(|(place, bits)| call(*place, *bits)).collect();
                write!(f, "the SubDevice maps it {} times; say which one: {}", candidates.len(), each.join(", "))
            }
            Self::OtherPdo { pdos } => {
                let pdos: Vec<String> = pdos.iter().map(|pdo| format!("{pdo:#06x}")).collect();
                write!(f, "the SubDevice maps it in PDO {}, not where it was asked for", pdos.join(" and "))
            }
            Self::Width { mapped, wanted } => {
                write!(f, "the SubDevice maps it with {mapped} bits, {wanted} has {}", wanted.all_bits())
            }
            Self::Type { is } => write!(f, "the rig file says that it is {is}"),
            Self::Row { found, wanted } => {
                write!(
                    f,
                    "{found} entries of {} bits follow one another there, {wanted} wants {}",
                    wanted.bits,
                    wanted.count()
                )
            }
            Self::Bit { mapped } => {
                write!(f, "the SubDevice maps it with {mapped} bits; a bit of it is a bool, and counts from 0")
            }
            Self::Commanded { task, channel } => write!(
                f,
                "task `{task}` of the rig file commands it by channel `{channel}`; leave it to the task, or set `enabled: \
                 false` on that channel"
            ),
            Self::ShortTime { call, time, least } => {
                write!(f, "`Bus::{call}` says {time:?}; no command is sent so soon: give {least:?} at least")
            }
            Self::NoSilence => f.write_str(
                "the program doesn't say how long its outputs may stand without a commit; say it by \
                 `Bus::silent_after`, they are safe after that",
            ),
        }
    }
}

/// As it is called in a program.
fn call(place: Place, bits: u8) -> String {
    let mut text = match (place.pdo_index, place.pdo_nth) {
        (Some(pdo), Some(nth)) => format!("in_nth_pdo({pdo:#06x}, {nth})"),
        (Some(pdo), None) => format!("in_pdo({pdo:#06x})"),
        (None, _) => String::new(),
    };
    if let Some(nth) = place.nth {
        text = if text.is_empty() { format!("nth({nth})") } else { format!("{text}.nth({nth})") };
    }
    format!("`{text}` ({bits} bits)")
}

fn listed(names: &[String]) -> String {
    if names.is_empty() {
        return "none".to_owned();
    }
    let shown: Vec<String> = names.iter().take(LISTED).map(|name| format!("`{name}`")).collect();
    let more = names.len().saturating_sub(LISTED);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("{}{more}", shown.join(", "))
}
