//! How a program says which entry it means, and who a SubDevice is.

use std::fmt;
use zerocat_config::dc::SubDeviceDc;
use zerocat_config::{
    AoeSettings, Assignment, MailboxSettings, Match, Place, Slave, StartupCommand, Timeouts, Watchdogs,
};

/// An entry of a PDO: its index and subindex, and where these are not enough its PDO, which of several it is, or one bit of it.
///
/// ```
/// use zerocat::Entry;
/// let position: Entry = 0x6064.into();
/// let second: Entry = (0x7010, 2).into();
/// let ready = Entry::at(0x6041, 0).bit(0);
/// let fast = Entry::at(0x6064, 0).in_pdo(0x1a01);
/// assert_ne!(position, fast);
/// # let _ = (second, ready);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    pub(super) index: u16,
    pub(super) subindex: u8,
    pub(super) place: Place,
    pub(super) bit: Option<u8>,
}

impl Entry {
    /// The entry of an index and subindex.
    #[must_use]
    pub const fn at(index: u16, subindex: u8) -> Self {
        Self { index, subindex, place: Place { pdo_index: None, pdo_nth: None, nth: None }, bit: None }
    }

    /// The one in the PDO of this index, where several map it.
    #[must_use]
    pub const fn in_pdo(mut self, pdo: u16) -> Self {
        self.place.pdo_index = Some(pdo);
        self
    }

    /// The one in the n-th PDO of its index, 1 for the first, where several slots bring the same.
    #[must_use]
    pub const fn in_nth_pdo(mut self, pdo: u16, nth: u16) -> Self {
        self.place.pdo_index = Some(pdo);
        self.place.pdo_nth = Some(nth);
        self
    }

    /// The n-th of those that are left, 1 for the first, in the order of the process image.
    #[must_use]
    pub const fn nth(mut self, nth: u16) -> Self {
        self.place.nth = Some(nth);
        self
    }

    /// One bit of it, 0 for the least significant one. It is a `bool`.
    #[must_use]
    pub const fn bit(mut self, bit: u8) -> Self {
        self.bit = Some(bit);
        self
    }
}

impl From<u16> for Entry {
    /// That of subindex 0.
    fn from(index: u16) -> Self {
        Self::at(index, 0)
    }
}

impl From<(u16, u8)> for Entry {
    fn from((index, subindex): (u16, u8)) -> Self {
        Self::at(index, subindex)
    }
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#06x}:{:02x}", self.index, self.subindex)?;
        if let Some(bit) = self.bit {
            write!(f, ".{bit}")?;
        }
        if let Some(pdo) = self.place.pdo_index {
            write!(f, " in PDO {pdo:#06x}")?;
        }
        if let Some(nth) = self.place.pdo_nth {
            write!(f, " (number {nth} of that index)")?;
        }
        match self.place.nth {
            Some(nth) => write!(f, ", number {nth}"),
            None => Ok(()),
        }
    }
}

/// A SubDevice: by its key, which is that of the rig file or of [`Bus::expect`](crate::Bus::expect), else the one that `zerocat
/// init` gives it (`el1004_2`); or by its position, 0-based.
///
/// ```
/// # #[cfg(feature = "testing")] {
/// use zerocat::testing::{Bench, ProfileKind, line};
/// let mut bus = Bench::bus();
/// let by_position = bus.input::<i32>(0, 0x6064);
/// let by_key = bus.input::<i32>("zc_servo_0", 0x6064);
/// let (mut bench, mut io) = Bench::start(bus, &line(&[ProfileKind::Servo])).unwrap();
/// bench.step(&mut io).unwrap();
/// assert_eq!(io.get(by_position), io.get(by_key));
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum SubDeviceRef {
    /// Its key.
    Key(String),
    /// Its position.
    Position(u16),
}

impl From<&str> for SubDeviceRef {
    fn from(key: &str) -> Self {
        Self::Key(key.to_owned())
    }
}

impl From<String> for SubDeviceRef {
    fn from(key: String) -> Self {
        Self::Key(key)
    }
}

impl From<u16> for SubDeviceRef {
    fn from(position: u16) -> Self {
        Self::Position(position)
    }
}

impl fmt::Display for SubDeviceRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Key(key) => write!(f, "`{key}`"),
            Self::Position(position) => write!(f, "the SubDevice at position {position}"),
        }
    }
}

/// What a program expects of a SubDevice: whoever is otherwise is not it. And what it is to have: startup commands, PDOs, watchdogs,
/// time-outs, SYNC. These are the keys of the same names of a rig file.
///
/// ```
/// use std::time::Duration;
/// use zerocat::config::{Assignment, StartupCommand, Timeouts, Transition, Watchdogs};
/// use zerocat::{Identity, SubDeviceDc};
/// let assign = Assignment { inputs: Some(vec![0x1a00.into(), 0x1a01.into()]), ..Assignment::default() };
/// let ramp = StartupCommand::of(Transition::PreOpToSafeOp, "0x6083:00", "uint32", 5000);
/// let tool = Identity::of(0x0000_0002, 0x1234_5678).device_id(4).assign(assign).startup(ramp)
///     .watchdog(Watchdogs { process_data: Some(Duration::from_millis(20)), ..Watchdogs::default() })
///     .timeouts(Timeouts { op: Some(Duration::from_secs(30)), ..Timeouts::default() });
/// # let _ = tool;
/// let axis = Identity::of(0x0000_0002, 0x1234_5678).revision_at_least(0x0010_0000).alias(7);
/// let synchronised = axis.dc(SubDeviceDc::activate(0x0300).shift_ns(-100_000));
/// # let _ = synchronised;
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Identity {
    vendor: Match,
    product: Match,
    revision: Match,
    serial: Match,
    alias: Option<u16>,
    position: Option<u16>,
    dc: Option<SubDeviceDc>,
    device_id: Option<u16>,
    startup: Vec<StartupCommand>,
    assign: Assignment,
    watchdog: Watchdogs,
    timeouts: Timeouts,
    mailbox: MailboxSettings,
    aoe: AoeSettings,
}

impl Identity {
    /// Whoever stands at a position, 0-based.
    #[must_use]
    pub fn at(position: u16) -> Self {
        Self { position: Some(position), ..Self::default() }
    }

    /// Of a vendor and product code. Without more it is the first one in bus order that nobody else is.
    #[must_use]
    pub fn of(vendor: u32, product: u32) -> Self {
        Self { vendor: vendor.into(), product: product.into(), ..Self::default() }
    }

    /// The product's name as its SII has it, such as `EL1004`.
    #[must_use]
    pub fn named(product: impl Into<String>) -> Self {
        Self { product: Match::Name(product.into()), ..Self::default() }
    }

    /// This revision or a newer one.
    #[must_use]
    pub fn revision_at_least(self, revision: u32) -> Self {
        Self { revision: Match::AtLeast(revision), ..self }
    }

    /// The serial number; it is found by that wherever it is.
    #[must_use]
    pub fn serial(self, serial: u32) -> Self {
        Self { serial: serial.into(), ..self }
    }

    /// The station alias; it is found by that wherever it is.
    #[must_use]
    pub fn alias(self, alias: u16) -> Self {
        Self { alias: Some(alias), ..self }
    }

    /// The position, 0-based.
    #[must_use]
    pub fn position(self, position: u16) -> Self {
        Self { position: Some(position), ..self }
    }

    /// The device ID that a switch of it sets; it is found by that wherever it is.
    #[must_use]
    pub fn device_id(self, id: u16) -> Self {
        Self { device_id: Some(id), ..self }
    }

    /// An object that is written to it in a transition, behind those that were asked for before.
    #[must_use]
    pub fn startup(mut self, command: StartupCommand) -> Self {
        self.startup.push(command);
        self
    }

    /// PDOs that it is to have, and what they map.
    #[must_use]
    pub fn assign(self, assign: Assignment) -> Self {
        Self { assign, ..self }
    }

    /// Watchdogs of its own.
    #[must_use]
    pub fn watchdog(self, watchdog: Watchdogs) -> Self {
        Self { watchdog, ..self }
    }

    /// How long it may take.
    #[must_use]
    pub fn timeouts(self, timeouts: Timeouts) -> Self {
        Self { timeouts, ..self }
    }

    /// The NetID that it is given, where it has AoE.
    ///
    /// ```
    /// use zerocat::Identity;
    /// use zerocat::config::{AmsNetId, AoeSettings};
    /// let gate = Identity::at(3).aoe(AoeSettings { net_id: Some(AmsNetId([172, 16, 17, 10, 2, 1])) });
    /// # let _ = gate;
    /// ```
    #[must_use]
    pub fn aoe(self, aoe: AoeSettings) -> Self {
        Self { aoe, ..self }
    }

    /// How its mailbox is used.
    ///
    /// ```
    /// use zerocat::Identity;
    /// use zerocat::config::{MailboxSettings, MailboxStrategy};
    /// let strict = MailboxSettings { strategy: MailboxStrategy::Strict, retries: 5, ..MailboxSettings::default() };
    /// let drive = Identity::of(0x0000_0002, 0x1234_5678).mailbox(strict);
    /// # let _ = drive;
    /// ```
    #[must_use]
    pub fn mailbox(self, mailbox: MailboxSettings) -> Self {
        Self { mailbox, ..self }
    }

    /// It is to have this SYNC of distributed clocks, by an operation mode's name or by numbers.
    #[must_use]
    pub fn dc(self, dc: SubDeviceDc) -> Self {
        Self { dc: Some(dc), ..self }
    }

    /// The SubDevice of a rig that it is.
    pub(super) fn slave(self, key: String) -> Slave {
        let Self {
            vendor,
            product,
            revision,
            serial,
            alias,
            position,
            dc,
            device_id,
            startup,
            assign,
            watchdog,
            timeouts,
            mailbox,
            aoe,
        } = self;
        let mut slave = Slave::at(key, 0);
        slave.properties.vendor_id = vendor;
        slave.properties.product_code = product;
        slave.properties.revision = revision;
        slave.properties.serial = serial;
        slave.properties.position = position;
        Slave { alias, dc, device_id, startup, assign, watchdog, timeouts, mailbox, aoe, ..slave }
    }
}
