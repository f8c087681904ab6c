//! IP addresses as text: what is none is named with an example.

use serde::Deserialize;
use serde::de::{Deserializer, Error, Unexpected};
use std::net::IpAddr;
use std::str::FromStr;

/// An address of this kind is read from a text.
pub(crate) trait Address: FromStr {
    /// What it is, with an example.
    const EXPECTED: &'static str;
}

impl Address for std::net::Ipv4Addr {
    const EXPECTED: &'static str = "an IPv4 address, four numbers from 0 to 255 such as \"192.168.5.10\"";
}

impl Address for IpAddr {
    const EXPECTED: &'static str = "an IP address such as \"127.0.0.1\" or \"::1\", without a name or a port";
}

fn parsed<A: Address, E: Error>(text: &str) -> Result<A, E> {
    text.parse().map_err(|_| E::invalid_value(Unexpected::Str(text), &A::EXPECTED))
}

/// Reads an address.
pub(crate) fn deserialize<'de, A: Address, D: Deserializer<'de>>(deserializer: D) -> Result<A, D::Error> {
    parsed(&String::deserialize(deserializer)?)
}

/// An address that may be missing or null.
pub(crate) fn optional<'de, A: Address, D: Deserializer<'de>>(deserializer: D) -> Result<Option<A>, D::Error> {
    Option::<String>::deserialize(deserializer)?.map(|text| parsed(&text)).transpose()
}
