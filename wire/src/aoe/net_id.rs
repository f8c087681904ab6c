//! The NetID of a device, six bytes written as `172.16.17.10.2.1`.

use core::fmt;
use core::str::FromStr;

/// A NetID.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct NetId(pub [u8; Self::LEN]);

impl NetId {
    /// Its bytes.
    pub const LEN: usize = 6;
    /// No NetID.
    pub const NONE: Self = Self([0; Self::LEN]);

    /// The NetID of a SubDevice with a station address, below that of this host, `127.0.0.1`: its last two bytes are the station
    /// address.
    #[must_use]
    pub const fn of_station(station: u16) -> Self {
        let [low, high] = station.to_le_bytes();
        Self([127, 0, 0, 1, high, low])
    }
}

impl fmt::Display for NetId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e, f] = self.0;
        write!(out, "{a}.{b}.{c}.{d}.{e}.{f}")
    }
}

/// A text that is no NetID.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotANetId;

impl fmt::Display for NotANetId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no NetID: six numbers from 0 to 255, such as 172.16.17.10.2.1")
    }
}

impl core::error::Error for NotANetId {}

impl FromStr for NetId {
    type Err = NotANetId;

    fn from_str(text: &str) -> Result<Self, NotANetId> {
        let mut bytes = [0; Self::LEN];
        let mut parts = text.split('.');
        for byte in &mut bytes {
            let part = parts.next().filter(|part| part.bytes().all(|digit| digit.is_ascii_digit()));
            *byte = part.and_then(|part| part.parse().ok()).ok_or(NotANetId)?;
        }
        if parts.next().is_some() { Err(NotANetId) } else { Ok(Self(bytes)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::ToString;

    #[test]
    fn six_numbers_are_a_net_id_and_nothing_else_is() {
        let id: NetId = "172.16.17.10.2.1".parse().unwrap();
        assert_eq!((id, id.to_string().as_str()), (NetId([172, 16, 17, 10, 2, 1]), "172.16.17.10.2.1"));
        for wrong in ["", "1.2.3.4.5", "1.2.3.4.5.6.7", "1.2.3.4.5.256", "1.2.3.4.5.+6", "1.2.3.4..6", "a.b.c.d.e.f"] {
            assert_eq!(wrong.parse::<NetId>(), Err(NotANetId), "{wrong}");
        }
    }

    #[test]
    fn stations_have_net_ids_of_their_own() {
        assert_eq!(NetId::of_station(0x1001).to_string(), "127.0.0.1.16.1");
    }
}
