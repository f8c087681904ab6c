//! Ethernet over EtherCAT (ETG.1000.6, 5.7, tables 65 to 88): the body of a mail of type EoE.
//!
//! An Ethernet frame goes in fragments, each but the last a multiple of 32 bytes long. This module neither joins
//! fragments nor reads the masks of address filters.

use crate::WireError;
use crate::codes::coded_enum;
use crate::field;

/// Bytes of the header.
pub const HEADER_LEN: usize = 4;
/// Offsets and sizes in fragment headers are counted in blocks of this many bytes.
pub const BLOCK: usize = 32;
/// Bytes of a time stamp behind the data.
pub const TIME_LEN: usize = 4;

coded_enum! {
    /// What a mail is.
    pub enum EoeKind: u8 {
        /// A fragment of an Ethernet frame.
        Fragment = 0,
        /// The time at which a frame went out.
        TimeStamp = 1,
        /// Sets the IP parameter.
        SetIpRequest = 2,
        /// Answer to it: a result.
        SetIpResponse = 3,
        /// Sets the address filter.
        SetFilterRequest = 4,
        /// Answer to it: a result.
        SetFilterResponse = 5,
        /// Asks for the IP parameter.
        GetIpRequest = 6,
        /// The IP parameter.
        GetIpResponse = 7,
        /// Asks for the address filter.
        GetFilterRequest = 8,
        /// The address filter.
        GetFilterResponse = 9,
    }
}

/// The header of a mail (ETG.1000.6, table 66).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EoeHeader {
    /// What the mail is.
    pub kind: EoeKind,
    /// Port, 4 bits; 0: none in particular.
    pub port: u8,
    /// This fragment is the last.
    pub last: bool,
    /// The last four bytes are a time stamp.
    pub time_appended: bool,
    /// Asks for the time at which the frame goes out.
    pub time_requested: bool,
    /// A [`Fragment`] in fragments, a [`EoeResult`] in responses, else 0.
    pub detail: u16,
}

impl EoeHeader {
    /// A header of a mail that is all.
    #[must_use]
    pub const fn new(kind: EoeKind, detail: u16) -> Self {
        Self { kind, port: 0, last: true, time_appended: false, time_requested: false, detail }
    }

    /// Reads the bytes behind a mailbox header and gives those behind this one.
    ///
    /// # Errors
    /// `Truncated` below 4 bytes, `BadValue` for a reserved kind.
    pub fn parse(body: &[u8]) -> Result<(Self, &[u8]), WireError> {
        let [kind, flags] = field::array(body, 0)?;
        let header = Self {
            detail: field::u16_at(body, 2)?,
            kind: EoeKind::from_code(kind & 0x0f)?,
            port: kind >> 4,
            last: flags & 0x01 != 0,
            time_appended: flags & 0x02 != 0,
            time_requested: flags & 0x04 != 0,
        };
        Ok((header, body.get(HEADER_LEN..).unwrap_or_default()))
    }

    /// The header's 4 bytes.
    #[must_use]
    pub const fn emit(&self) -> [u8; HEADER_LEN] {
        let [d0, d1] = self.detail.to_le_bytes();
        let flags = self.last as u8 | (self.time_appended as u8) << 1 | (self.time_requested as u8) << 2;
        [self.kind as u8 | (self.port & 0x0f) << 4, flags, d0, d1]
    }

    /// Writes header and data, and returns their length.
    ///
    /// # Errors
    /// `NoRoom`.
    pub fn emit_with(&self, data: &[u8], body: &mut [u8]) -> Result<usize, WireError> {
        field::put(body, HEADER_LEN, data)?;
        field::put(body, 0, &self.emit())?;
        Ok(HEADER_LEN.saturating_add(data.len()))
    }
}

/// Which part of which frame a fragment is (ETG.1000.6, table 66).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fragment {
    /// 0 to 63.
    pub number: u8,
    /// Fragment 0: blocks of the whole frame, rounded up. Others: block at which this one starts. 0 to 63.
    pub blocks: u8,
    /// Number of the frame, 0 to 15.
    pub frame: u8,
}

impl Fragment {
    /// From a header's detail.
    #[must_use]
    pub const fn parse(detail: u16) -> Self {
        let [low, high] = detail.to_le_bytes();
        Self { number: low & 0x3f, blocks: low >> 6 | (high & 0x0f) << 2, frame: high >> 4 }
    }

    /// As a header's detail.
    #[must_use]
    pub const fn emit(self) -> u16 {
        (self.number & 0x3f) as u16 | ((self.blocks & 0x3f) as u16) << 6 | ((self.frame & 0x0f) as u16) << 12
    }
}

/// Result in a response (ETG.1000.6, table 74).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct EoeResult(pub u16);

impl EoeResult {
    /// It worked.
    pub const SUCCESS: Self = Self(0x0000);
    /// It failed without a particular reason.
    pub const UNSPECIFIED: Self = Self(0x0001);
    /// The kind of mail is not supported.
    pub const UNSUPPORTED_KIND: Self = Self(0x0002);
    /// IP parameters are not supported.
    pub const NO_IP_SUPPORT: Self = Self(0x0201);
    /// DHCP is not supported.
    pub const NO_DHCP_SUPPORT: Self = Self(0x0202);
    /// Address filters are not supported.
    pub const NO_FILTER_SUPPORT: Self = Self(0x0401);

    /// What it means.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::SUCCESS => "It worked",
            Self::UNSPECIFIED => "It failed without a particular reason",
            Self::UNSUPPORTED_KIND => "This kind of EoE mail is not supported",
            Self::NO_IP_SUPPORT => "IP parameters are not supported",
            Self::NO_DHCP_SUPPORT => "DHCP is not supported",
            Self::NO_FILTER_SUPPORT => "Address filters are not supported",
            _ => "unknown EoE result",
        }
    }
}

impl core::fmt::Display for EoeResult {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{:#06x}: {}", self.0, self.text())
    }
}

/// The IP parameter (ETG.1000.6, table 72). Addresses are kept as their bytes on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct IpParameter<'a> {
    /// MAC address.
    pub mac: Option<[u8; 6]>,
    /// IP address.
    pub address: Option<[u8; 4]>,
    /// Subnet mask.
    pub mask: Option<[u8; 4]>,
    /// Default gateway.
    pub gateway: Option<[u8; 4]>,
    /// DNS server.
    pub dns: Option<[u8; 4]>,
    /// DNS name, without the zeros that fill its 32 bytes.
    pub name: Option<&'a [u8]>,
}

/// An address filter (ETG.1000.6, 5.7): which frames a SubDevice takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AddressFilter<'a> {
    /// Destinations that are taken, six bytes each, at most 15; none: all are.
    pub addresses: &'a [u8],
    /// Masks that it has, at most 3.
    pub masks: u8,
    /// Broadcasts are not taken.
    pub no_broadcasts: bool,
}

impl<'a> AddressFilter<'a> {
    /// Reads the bytes behind the header.
    ///
    /// # Errors
    /// `Truncated`.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, WireError> {
        let options = field::u16_at(bytes, 0)?;
        let len = usize::from(options & 0x0f).saturating_mul(6);
        let got = bytes.len();
        let addresses = bytes.get(2..).and_then(|rest| rest.get(..len));
        let addresses = addresses.ok_or(WireError::Truncated { needed: len.saturating_add(2), got })?;
        let [options, _] = options.to_le_bytes();
        Ok(Self { addresses, masks: options >> 4 & 0x03, no_broadcasts: options & 0x80 != 0 })
    }

    /// Whether a frame to a destination is taken.
    #[must_use]
    pub fn takes(&self, destination: &[u8]) -> bool {
        if destination.iter().all(|byte| *byte == 0xff) {
            return !self.no_broadcasts;
        }
        self.addresses.is_empty() || self.addresses.chunks(6).any(|address| address == destination)
    }
}

/// Bytes of the flags that say which parts are there.
const FLAGS_LEN: usize = 4;
/// Bytes of a DNS name.
pub const NAME_LEN: usize = 32;
/// Bytes of an IP parameter with all parts.
pub const IP_PARAMETER_LEN: usize = FLAGS_LEN + 6 + 4 * 4 + NAME_LEN;

impl<'a> IpParameter<'a> {
    /// Reads the bytes behind the header. Parts that are not announced take no room. A name may be cut.
    ///
    /// # Errors
    /// `Truncated`.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, WireError> {
        let flags = field::u8_at(bytes, 0)?;
        let mut at = FLAGS_LEN;
        let mut parameter = Self { mac: part(flags, 0x01, bytes, &mut at)?, ..Self::default() };
        parameter.address = part(flags, 0x02, bytes, &mut at)?;
        parameter.mask = part(flags, 0x04, bytes, &mut at)?;
        parameter.gateway = part(flags, 0x08, bytes, &mut at)?;
        parameter.dns = part(flags, 0x10, bytes, &mut at)?;
        if flags & 0x20 != 0 {
            let rest = bytes.get(at..).unwrap_or_default();
            let rest = rest.get(..NAME_LEN).unwrap_or(rest);
            parameter.name = rest.split(|byte| *byte == 0).next();
        }
        Ok(parameter)
    }

    /// Writes the bytes behind the header and returns their number.
    ///
    /// # Errors
    /// `NoRoom`; `BadLength` for a name of more than 32 bytes.
    pub fn emit(&self, bytes: &mut [u8]) -> Result<usize, WireError> {
        let mut flags = 0;
        let mut at = FLAGS_LEN;
        put_part(self.mac.as_ref().map(<[u8; 6]>::as_slice), 0x01, &mut flags, bytes, &mut at)?;
        for (part, bit) in [(self.address, 0x02), (self.mask, 0x04), (self.gateway, 0x08), (self.dns, 0x10)] {
            put_part(part.as_ref().map(<[u8; 4]>::as_slice), bit, &mut flags, bytes, &mut at)?;
        }
        if let Some(name) = self.name {
            let mut filled = [0; NAME_LEN];
            filled.get_mut(..name.len()).ok_or(WireError::BadLength)?.copy_from_slice(name);
            put_part(Some(&filled), 0x20, &mut flags, bytes, &mut at)?;
        }
        field::put(bytes, 0, &[flags, 0, 0, 0])?;
        Ok(at)
    }
}

fn part<const N: usize>(flags: u8, bit: u8, bytes: &[u8], at: &mut usize) -> Result<Option<[u8; N]>, WireError> {
    if flags & bit == 0 {
        return Ok(None);
    }
    let value = field::array(bytes, *at)?;
    *at = at.saturating_add(N);
    Ok(Some(value))
}

fn put_part(part: Option<&[u8]>, bit: u8, flags: &mut u8, bytes: &mut [u8], at: &mut usize) -> Result<(), WireError> {
    if let Some(part) = part {
        field::put(bytes, *at, part)?;
        *at = at.saturating_add(part.len());
        *flags |= bit;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fragment_header_is_four_literal_bytes() {
        let fragment = Fragment { number: 2, blocks: 6, frame: 9 };
        let header = EoeHeader { port: 3, time_requested: true, ..EoeHeader::new(EoeKind::Fragment, fragment.emit()) };
        let bytes = [0x30, 0x05, 0x82, 0x91, 0xaa];
        assert_eq!(header.emit(), bytes[..4]);
        assert_eq!(EoeHeader::parse(&bytes), Ok((header, &bytes[4..])));
        assert_eq!(Fragment::parse(header.detail), fragment);
        assert_eq!(EoeHeader::parse(&[0x0a, 0, 0, 0]), Err(WireError::BadValue(10)));
        assert!(EoeHeader::parse(&bytes[..3]).is_err());
    }

    #[test]
    fn a_response_carries_its_result() {
        let mut body = [0xee; 6];
        let header = EoeHeader::new(EoeKind::SetFilterResponse, EoeResult::NO_FILTER_SUPPORT.0);
        assert_eq!(header.emit_with(&[7], &mut body), Ok(5));
        assert_eq!(body, [0x05, 0x01, 0x01, 0x04, 7, 0xee]);
        assert_eq!(header.emit_with(&[7], &mut body[..4]), Err(WireError::NoRoom));
    }

    #[test]
    fn an_ip_parameter_holds_what_its_flags_announce() {
        let parameter = IpParameter {
            mac: Some([2, 0, 0, 0, 0, 1]),
            gateway: Some([1, 0, 168, 192]),
            name: Some(b"axis"),
            ..IpParameter::default()
        };
        let mut bytes = [0xee; IP_PARAMETER_LEN];
        let len = parameter.emit(&mut bytes).unwrap();
        assert_eq!(bytes[..18], [0x29, 0, 0, 0, 2, 0, 0, 0, 0, 1, 1, 0, 168, 192, b'a', b'x', b'i', b's']);
        assert_eq!(len, 46);
        assert_eq!(IpParameter::parse(&bytes[..len]), Ok(parameter));
        assert!(IpParameter::parse(&bytes[..9]).is_err(), "the MAC address is cut");
        assert!(IpParameter::parse(&[]).is_err());
        assert_eq!(parameter.emit(&mut bytes[..40]), Err(WireError::NoRoom));
        let long = IpParameter { name: Some(&[b'x'; 33]), ..IpParameter::default() };
        assert_eq!(long.emit(&mut bytes), Err(WireError::BadLength));
    }
}
