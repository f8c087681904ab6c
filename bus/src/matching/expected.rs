//! What a configuration says of a SubDevice: which values of its identity are accepted, and how it is found on the bus.

use std::fmt;

use crate::subdevice::Identity;

/// Which values of a number are accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Accepts {
    /// All of them.
    #[default]
    Any,
    /// This one.
    Exactly(u32),
    /// This one and all above it.
    AtLeast(u32),
}

impl Accepts {
    /// Whether a value is one of them.
    #[must_use]
    pub const fn accepts(self, value: u32) -> bool {
        match self {
            Self::Any => true,
            Self::Exactly(wanted) => value == wanted,
            Self::AtLeast(least) => value >= least,
        }
    }
}

/// A number of an identity as messages show it; a serial number is shown in decimal, as [`Accepts::decimal`] does.
impl fmt::Display for Accepts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => f.write_str("any"),
            Self::Exactly(wanted) => write!(f, "{wanted:#010x}"),
            Self::AtLeast(least) => write!(f, ">= {least:#010x}"),
        }
    }
}

impl Accepts {
    /// The same in decimal.
    #[must_use]
    pub fn decimal(self) -> String {
        match self {
            Self::Any => "any".to_owned(),
            Self::Exactly(wanted) => wanted.to_string(),
            Self::AtLeast(least) => format!(">= {least}"),
        }
    }
}

/// Which products are accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Product {
    /// By product code.
    Code(Accepts),
    /// By the order number or the name in the SII, such as `EL7211`; an order number may go on behind a hyphen
    /// (`EL7211-0010`).
    Named(String),
}

impl Default for Product {
    fn default() -> Self {
        Self::Code(Accepts::Any)
    }
}

impl Product {
    /// Whether what was found is one of them.
    #[must_use]
    pub fn accepts(&self, found: &Found) -> bool {
        match self {
            Self::Code(code) => code.accepts(found.identity.product_code),
            Self::Named(wanted) => [&found.name, &found.description].iter().any(|name| is_named(name, wanted)),
        }
    }
}

impl fmt::Display for Product {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Code(code) => code.fmt(f),
            Self::Named(name) => f.write_str(name),
        }
    }
}

/// Whether a name is the one that is wanted, with letters of either case, or an order number that goes on behind it.
fn is_named(name: &str, wanted: &str) -> bool {
    let (begin, rest) = match name.split_at_checked(wanted.len()) {
        Some(parts) if !wanted.is_empty() => parts,
        _ => return false,
    };
    begin.eq_ignore_ascii_case(wanted) && (rest.is_empty() || rest.starts_with('-'))
}

/// One SubDevice that the configuration names.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Expected {
    /// The configuration's key for it.
    pub key: String,
    /// Vendor.
    pub vendor: Accepts,
    /// Product.
    pub product: Product,
    /// Revision.
    pub revision: Accepts,
    /// Serial number. `Exactly` a number other than 0 finds it anywhere on the bus.
    pub serial: Accepts,
    /// Station alias.
    pub alias: Option<u16>,
    /// Explicit device ID.
    pub device_id: Option<u16>,
    /// Position, 0-based. Beside a serial number, an alias or a device ID it says only where it was when the configuration was written.
    pub position: Option<u16>,
}

impl Expected {
    /// The rule that finds it.
    #[must_use]
    pub const fn found_by(&self) -> FoundBy {
        match (self.serial, self.alias, self.device_id, self.position) {
            (Accepts::Exactly(1..), ..) => FoundBy::Serial,
            (_, Some(_), ..) => FoundBy::Alias,
            (_, None, Some(_), _) => FoundBy::DeviceId,
            (_, None, None, Some(_)) => FoundBy::Position,
            (_, None, None, None) => FoundBy::Identity,
        }
    }

    /// Whether what was found is of the vendor and the product that are accepted.
    #[must_use]
    pub fn same_kind(&self, found: &Found) -> bool {
        self.vendor.accepts(found.identity.vendor_id) && self.product.accepts(found)
    }

    /// Whether anything is demanded of vendor or product.
    #[must_use]
    pub fn says_kind(&self) -> bool {
        self.vendor != Accepts::Any || self.product != Product::default()
    }

    /// Whether what was found keeps all rules of identity, and has the alias, device ID or position that the SubDevice is found by.
    #[must_use]
    pub fn accepts(&self, found: &Found) -> bool {
        let Identity { revision, serial, .. } = found.identity;
        let at_place = match self.found_by() {
            FoundBy::Serial | FoundBy::Identity => true,
            FoundBy::Alias => self.alias == Some(found.alias),
            FoundBy::DeviceId => self.device_id == found.device_id,
            FoundBy::Position => self.position == Some(found.position),
        };
        at_place && self.same_kind(found) && self.revision.accepts(revision) && self.serial.accepts(serial)
    }
}

/// What was found at a position.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Found {
    /// Position, 0-based.
    pub position: u16,
    /// Identity from the SII.
    pub identity: Identity,
    /// Station alias; 0: none.
    pub alias: u16,
    /// Explicit device ID; `None` where it has none, or wasn't asked.
    pub device_id: Option<u16>,
    /// Short name: the order number from the SII where there is one.
    pub name: String,
    /// Name from the SII; empty where there is none.
    pub description: String,
    /// Why nothing is known of it, where its SII is empty or can't be read.
    pub unread: Option<String>,
}

/// The rule that a SubDevice is found by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FoundBy {
    /// Serial number.
    Serial,
    /// Station alias.
    Alias,
    /// Explicit device ID.
    DeviceId,
    /// Position.
    Position,
    /// The first in bus order with such an identity.
    Identity,
}

impl FoundBy {
    /// All, the strongest first.
    pub const ALL: [Self; 5] = [Self::Serial, Self::Alias, Self::DeviceId, Self::Position, Self::Identity];
}

impl fmt::Display for FoundBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Serial => "serial number",
            Self::Alias => "station alias",
            Self::DeviceId => "device ID",
            Self::Position => "position",
            Self::Identity => "identity, in bus order",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn at_least_takes_newer_ones_and_any_takes_all() {
        let all = [Accepts::Any, Accepts::Exactly(5), Accepts::AtLeast(5)];
        assert_eq!(
            all.map(|rule| [4, 5, 6].map(|value| rule.accepts(value))),
            [[true, true, true], [false, true, false], [false, true, true]]
        );
    }

    #[test]
    fn a_product_goes_by_its_order_number_or_its_name() {
        let found = |name: &str, description: &str| Found {
            name: name.to_owned(),
            description: description.to_owned(),
            ..Found::default()
        };
        let wanted = |name: &str| Product::Named(name.to_owned());
        assert!(wanted("EL7211").accepts(&found("EL7211", "")));
        assert!(wanted("el7211").accepts(&found("EL7211-0010", "")));
        assert!(wanted("Servo terminal").accepts(&found("EL7211", "Servo terminal")));
        assert!(!wanted("EL721").accepts(&found("EL7211", "")));
        assert!(!wanted("").accepts(&found("", "")));
        assert!(!wanted("EL7211").accepts(&found("ELé", "")));
    }
}
