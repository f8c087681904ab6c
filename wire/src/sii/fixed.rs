//! The SII's fixed area, words 0x00 to 0x3f (ETG.1000.6, table 16; ETG.2010, table 2).

use crate::WireError;
use crate::field;

/// Bytes of the fixed area.
pub const LEN: usize = 0x80;
/// Word at which the categories start.
pub const CATEGORIES: u32 = 0x0040;

/// Word addresses of the fixed area.
pub mod word {
    /// PDI control, for 0x0140.
    pub const PDI_CONTROL: u32 = 0x00;
    /// PDI configuration, for 0x0150.
    pub const PDI_CONFIG: u32 = 0x01;
    /// Length of the sync impulse in 10 ns.
    pub const SYNC_IMPULSE: u32 = 0x02;
    /// Second PDI configuration, for 0x0152.
    pub const PDI_CONFIG_2: u32 = 0x03;
    /// Station alias, for 0x0012.
    pub const ALIAS: u32 = 0x04;
    /// Checksum of words 0 to 6, in the low byte.
    pub const CHECKSUM: u32 = 0x07;
    /// Vendor, two words.
    pub const VENDOR: u32 = 0x08;
    /// Product code, two words.
    pub const PRODUCT: u32 = 0x0A;
    /// Revision, two words.
    pub const REVISION: u32 = 0x0C;
    /// Serial number, two words.
    pub const SERIAL: u32 = 0x0E;
    /// Mailboxes in BOOT: receive offset and size, send offset and size, four words.
    pub const BOOT_MAILBOX: u32 = 0x14;
    /// Mailboxes else: receive offset and size, send offset and size, four words.
    pub const MAILBOX: u32 = 0x18;
    /// Mailbox protocols.
    pub const PROTOCOLS: u32 = 0x1C;
    /// Size in Kibit, less 1.
    pub const SIZE: u32 = 0x3E;
    /// Version, 1.
    pub const VERSION: u32 = 0x3F;
}

/// Bits of the mailbox protocols (ETG.1000.6, table 18).
pub mod protocol {
    /// ADS over EtherCAT.
    pub const AOE: u16 = 1 << 0;
    /// Ethernet over EtherCAT.
    pub const EOE: u16 = 1 << 1;
    /// CAN application protocol over EtherCAT.
    pub const COE: u16 = 1 << 2;
    /// File access over EtherCAT.
    pub const FOE: u16 = 1 << 3;
    /// Servo drive profile over EtherCAT.
    pub const SOE: u16 = 1 << 4;
    /// Vendor specific protocol over EtherCAT.
    pub const VOE: u16 = 1 << 5;
}

/// What kind of device it is, and which one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Identity {
    /// Vendor, as given by the ETG.
    pub vendor: u32,
    /// Product code, given by the vendor.
    pub product: u32,
    /// Revision; the high half is the major one.
    pub revision: u32,
    /// Serial number; 0 where it has none.
    pub serial: u32,
}

/// A pair of mailboxes, as the SubDevice sees them. All 0 where there is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Mailboxes {
    /// First byte of the one that the MainDevice writes.
    pub receive_offset: u16,
    /// Bytes of the one that the MainDevice writes.
    pub receive_size: u16,
    /// First byte of the one that the MainDevice reads.
    pub send_offset: u16,
    /// Bytes of the one that the MainDevice reads.
    pub send_size: u16,
}

impl Mailboxes {
    /// Whether both mailboxes are there.
    #[must_use]
    pub const fn are_there(&self) -> bool {
        self.receive_size != 0 && self.send_size != 0
    }

    fn parse(bytes: &[u8], offset: usize) -> Result<Self, WireError> {
        Ok(Self {
            receive_offset: field::u16_at(bytes, offset)?,
            receive_size: field::u16_at(bytes, offset.saturating_add(2))?,
            send_offset: field::u16_at(bytes, offset.saturating_add(4))?,
            send_size: field::u16_at(bytes, offset.saturating_add(6))?,
        })
    }

    fn emit(&self, bytes: &mut [u8], offset: usize) -> Result<(), WireError> {
        let words = [self.receive_offset, self.receive_size, self.send_offset, self.send_size];
        field::put_words(bytes, offset, words)
    }
}

/// The fixed area as a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fixed {
    /// PDI control.
    pub pdi_control: u16,
    /// PDI configuration.
    pub pdi_config: u16,
    /// Length of the sync impulse in 10 ns.
    pub sync_impulse: u16,
    /// Second PDI configuration.
    pub pdi_config_2: u16,
    /// Station alias.
    pub alias: u16,
    /// The checksum that is stored. Ignored by [`Fixed::emit`], which stores the right one.
    pub checksum: u8,
    /// Kind and serial number.
    pub identity: Identity,
    /// Mailboxes in BOOT.
    pub boot_mailbox: Mailboxes,
    /// Mailboxes in all other states.
    pub mailbox: Mailboxes,
    /// Mailbox protocols: see [`protocol`].
    pub protocols: u16,
    /// Size as stored: Kibit less 1.
    pub size: u16,
    /// Version, 1.
    pub version: u16,
}

impl Default for Fixed {
    fn default() -> Self {
        Self {
            pdi_control: 0,
            pdi_config: 0,
            sync_impulse: 0,
            pdi_config_2: 0,
            alias: 0,
            checksum: 0,
            identity: Identity::default(),
            boot_mailbox: Mailboxes::default(),
            mailbox: Mailboxes::default(),
            protocols: 0,
            size: 0,
            version: 1,
        }
    }
}

impl Fixed {
    /// Reads the fixed area at the start of an image. A wrong checksum is not an error: see
    /// [`checksum_holds`].
    ///
    /// # Errors
    /// `Truncated` below 128 bytes.
    pub fn parse(image: &[u8]) -> Result<Self, WireError> {
        field::array::<LEN>(image, 0)?;
        let word = |address| field::u16_at(image, at(address));
        let double = |address| field::u32_at(image, at(address));
        let [checksum, _] = word(word::CHECKSUM)?.to_le_bytes();
        Ok(Self {
            pdi_control: word(word::PDI_CONTROL)?,
            pdi_config: word(word::PDI_CONFIG)?,
            sync_impulse: word(word::SYNC_IMPULSE)?,
            pdi_config_2: word(word::PDI_CONFIG_2)?,
            alias: word(word::ALIAS)?,
            checksum,
            identity: Identity {
                vendor: double(word::VENDOR)?,
                product: double(word::PRODUCT)?,
                revision: double(word::REVISION)?,
                serial: double(word::SERIAL)?,
            },
            boot_mailbox: Mailboxes::parse(image, at(word::BOOT_MAILBOX))?,
            mailbox: Mailboxes::parse(image, at(word::MAILBOX))?,
            protocols: word(word::PROTOCOLS)?,
            size: word(word::SIZE)?,
            version: word(word::VERSION)?,
        })
    }

    /// Writes the fixed area with the right checksum, and zeros in its reserved words. Returns 128.
    ///
    /// # Errors
    /// `NoRoom` below 128 bytes.
    pub fn emit(&self, image: &mut [u8]) -> Result<usize, WireError> {
        image.get_mut(..LEN).ok_or(WireError::NoRoom)?.fill(0);
        let config = [self.pdi_control, self.pdi_config, self.sync_impulse, self.pdi_config_2, self.alias];
        field::put_words(image, 0, config)?;
        let sum = checksum(image)?;
        field::put(image, at(word::CHECKSUM), &[sum])?;
        let id = self.identity;
        let mut offset = at(word::VENDOR);
        for double in [id.vendor, id.product, id.revision, id.serial] {
            field::put(image, offset, &double.to_le_bytes())?;
            offset = offset.saturating_add(4);
        }
        self.boot_mailbox.emit(image, at(word::BOOT_MAILBOX))?;
        self.mailbox.emit(image, at(word::MAILBOX))?;
        field::put_words(image, at(word::PROTOCOLS), [self.protocols])?;
        field::put_words(image, at(word::SIZE), [self.size, self.version])?;
        Ok(LEN)
    }

    /// Size of the SII in bytes, as it says itself.
    #[must_use]
    pub fn bytes(&self) -> usize {
        usize::from(self.size).saturating_add(1).saturating_mul(128)
    }
}

/// Whether the checksum stored in an image is that of its words 0 to 6.
///
/// # Errors
/// `Truncated` below 16 bytes.
pub fn checksum_holds(image: &[u8]) -> Result<bool, WireError> {
    Ok(field::u8_at(image, at(word::CHECKSUM))? == checksum(image)?)
}

/// Checksum of words 0 to 6 of an image: CRC-8 with polynomial 0x07 and initial value 0xff.
///
/// # Errors
/// `Truncated` below 14 bytes.
pub fn checksum(image: &[u8]) -> Result<u8, WireError> {
    let words: [u8; 14] = field::array(image, 0)?;
    Ok(words.iter().fold(0xff, |sum, byte| {
        (0..8).fold(sum ^ byte, |crc, _| if crc & 0x80 != 0 { crc << 1 ^ 0x07 } else { crc << 1 })
    }))
}

/// Byte offset of a word address, saturating.
#[must_use]
pub fn at(word: u32) -> usize {
    usize::try_from(word).unwrap_or(usize::MAX).saturating_mul(2)
}
