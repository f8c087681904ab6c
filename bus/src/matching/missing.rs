//! A configured SubDevice that isn't on the bus as the configuration wants it: what is there instead, and the line of the
//! rig file that accepts it.

use std::fmt;

use super::expected::{Accepts, Expected, Found, FoundBy, Product};
use zerocat_esi::vendor_name;

/// A configured SubDevice that was not found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Missing {
    /// The one that is missing.
    pub expected: Expected,
    /// Why.
    pub why: Why,
}

impl Missing {
    /// Whether another SubDevice is in its place, so that waiting doesn't bring it.
    #[must_use]
    pub const fn differs(&self) -> bool {
        matches!(self.why, Why::Differs { .. })
    }
}

/// Why a configured SubDevice was not found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Why {
    /// One that may be meant breaks these rules, at least one.
    Differs {
        /// That one.
        found: Found,
        /// What differs.
        differences: Vec<Difference>,
    },
    /// Its position belongs to another SubDevice of the configuration.
    Taken {
        /// The key of that one.
        by: String,
        /// One of the same kind that the configuration doesn't name.
        elsewhere: Option<Found>,
    },
    /// Nothing is there that may be meant.
    Nowhere {
        /// SubDevices on the bus.
        count: usize,
        /// One of the same kind that the configuration doesn't name.
        elsewhere: Option<Found>,
    },
}

/// A rule that what was found breaks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Difference {
    /// Another vendor or product, so that nothing else is compared; where there is one, a SubDevice of the right kind that
    /// the configuration doesn't name.
    Kind {
        /// One of the right kind.
        elsewhere: Option<Found>,
    },
    /// Another revision.
    Revision,
    /// Another serial number.
    Serial,
    /// Another alias.
    Alias,
    /// Another device ID.
    DeviceId,
}

impl Difference {
    /// What differs between a SubDevice that is expected and one that was found.
    pub(super) fn between(expected: &Expected, found: &Found, elsewhere: impl Fn() -> Option<Found>) -> Vec<Self> {
        if !expected.same_kind(found) {
            return vec![Self::Kind { elsewhere: elsewhere() }];
        }
        let by_id = expected.found_by() == FoundBy::DeviceId;
        let by_alias = expected.found_by() == FoundBy::Alias;
        let all = [
            (!expected.revision.accepts(found.identity.revision), Self::Revision),
            (!expected.serial.accepts(found.identity.serial), Self::Serial),
            (by_alias && expected.alias != Some(found.alias), Self::Alias),
            (by_id && expected.device_id != found.device_id, Self::DeviceId),
        ];
        all.into_iter().filter(|(differs, _)| *differs).map(|(_, what)| what).collect()
    }

    fn write(&self, f: &mut fmt::Formatter<'_>, expected: &Expected, found: &Found) -> fmt::Result {
        match self {
            Self::Kind { elsewhere } => write_kind(f, expected, found, elsewhere.as_ref()),
            Self::Revision => write_revision(f, expected.revision, found.identity.revision),
            Self::Serial => write_serial(f, expected.serial, found.identity.serial),
            Self::DeviceId => write_device_id(f, expected.device_id.unwrap_or_default(), found.device_id),
            Self::Alias => write_alias(f, expected.alias.unwrap_or_default(), found.alias),
        }
    }
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { expected, why } = self;
        write!(f, "`{}`: ", expected.key)?;
        match why {
            Why::Differs { found, differences } => {
                write!(f, "{} at position {} ", found.name, found.position)?;
                for (n, difference) in differences.iter().enumerate() {
                    f.write_str(if n == 0 { "" } else { ", and " })?;
                    difference.write(f, expected, found)?;
                }
                Ok(())
            }
            Why::Taken { by, elsewhere } => {
                write!(f, "position {} is that of `{by}`", expected.position.unwrap_or_default())?;
                write_elsewhere(f, elsewhere.as_ref())
            }
            Why::Nowhere { count, elsewhere } => {
                write_nowhere(f, expected, *count)?;
                write_elsewhere(f, elsewhere.as_ref())
            }
        }
    }
}

fn write_kind(f: &mut fmt::Formatter<'_>, expected: &Expected, found: &Found, right: Option<&Found>) -> fmt::Result {
    let Found { identity, unread, .. } = found;
    match unread {
        Some(why) => write!(f, "says nothing of itself ({why}), the rig file wants {}", kind(expected))?,
        None => write!(
            f,
            "is another device (vendor {:#010x}, product {:#010x}), the rig file wants {}",
            identity.vendor_id,
            identity.product_code,
            kind(expected)
        )?,
    }
    if right.is_some() {
        return write_elsewhere(f, right);
    }
    f.write_str(match unread {
        Some(_) => "; replace it, or, to leave it in INIT without process data, write ",
        None => "; put the right one there, or write ",
    })?;
    let vendor = !expected.vendor.accepts(identity.vendor_id);
    let product = !expected.product.accepts(found);
    if vendor {
        write!(f, "\"vendor_id\": \"{:#010x}\"", identity.vendor_id)?;
    }
    if vendor && product {
        f.write_str(", ")?;
    }
    if product {
        write!(f, "\"product_code\": \"{:#010x}\"", identity.product_code)?;
    }
    Ok(())
}

fn write_revision(f: &mut fmt::Formatter<'_>, wanted: Accepts, found: u32) -> fmt::Result {
    let least = match wanted {
        Accepts::Exactly(wanted) if wanted < found => wanted,
        _ => found,
    };
    let age = if least == found { "older" } else { "newer" };
    write!(
        f,
        "has revision {found:#010x}, which is {age}; the rig file wants {wanted}; to accept it write \
         \"revision\": \">= {least:#010x}\""
    )
}

fn write_serial(f: &mut fmt::Formatter<'_>, wanted: Accepts, found: u32) -> fmt::Result {
    let wanted = wanted.decimal();
    if found == 0 {
        return write!(
            f,
            "has no serial number (0), the rig file wants {wanted}; to accept it write \"serial\": \"any\""
        );
    }
    write!(
        f,
        "has serial number {found}, the rig file wants {wanted}: another unit of the same kind; if it is a replacement, \
         write \"serial\": {found}"
    )
}

fn write_alias(f: &mut fmt::Formatter<'_>, wanted: u16, found: u16) -> fmt::Result {
    match found {
        0 => write!(
            f,
            "has no station alias (0), the rig file wants {wanted}; give it that alias, or find it by `position`, without `alias`"
        ),
        _ => write!(
            f,
            "has the station alias {found}, the rig file wants {wanted}; to accept it write \"alias\": {found}"
        ),
    }
}

fn write_device_id(f: &mut fmt::Formatter<'_>, wanted: u16, found: Option<u16>) -> fmt::Result {
    match found {
        Some(id) => {
            write!(f, "has the device ID {id}, the rig file wants {wanted}; to accept it write \"device_id\": {id}")
        }
        None => write!(f, "shows no device ID, the rig file wants {wanted}; set its switch, or find it by `position`"),
    }
}

fn write_nowhere(f: &mut fmt::Formatter<'_>, expected: &Expected, count: usize) -> fmt::Result {
    let kind = if expected.says_kind() { format!(" ({})", kind(expected)) } else { String::new() };
    let position = expected.position;
    let place = position.map_or_else(String::new, |position| format!("; the rig file has it at position {position}"));
    match (expected.found_by(), expected.alias, position) {
        (FoundBy::Serial, ..) => {
            write!(f, "no SubDevice has serial number {}{kind}{place}", expected.serial.decimal())
        }
        (FoundBy::Alias, Some(alias), _) => write!(f, "no SubDevice has the station alias {alias}{kind}{place}"),
        (FoundBy::DeviceId, ..) => {
            write!(f, "no SubDevice has the device ID {}{kind}{place}", expected.device_id.unwrap_or_default())
        }
        (FoundBy::Position, _, Some(position)) => {
            let last = count.saturating_sub(1);
            write!(f, "nothing is at position {position}{kind}; the last SubDevice is at position {last}")
        }
        _ => write!(f, "no SubDevice on the bus is left for it{kind}"),
    }
}

fn write_elsewhere(f: &mut fmt::Formatter<'_>, elsewhere: Option<&Found>) -> fmt::Result {
    let Some(Found { position, name, .. }) = elsewhere else { return Ok(()) };
    write!(
        f,
        "; {name} at position {position} is such a one and not in the rig file, to take it write \"position\": {position}"
    )
}

fn kind(expected: &Expected) -> String {
    let product = match &expected.product {
        Product::Named(name) => name.clone(),
        code => format!("product {code}"),
    };
    let name = match expected.vendor {
        Accepts::Exactly(id) => vendor_name(id),
        _ => None,
    };
    let name = name.map_or_else(String::new, |name| format!(" ({name})"));
    format!("vendor {}{name}, {product}", expected.vendor)
}
