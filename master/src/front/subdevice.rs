//! One SubDevice of a running bus: its objects, files, registers and states, beside the cycle.
//!
//! Guarantees: nothing asked here moves a cycle; each call ends by its deadline, and dropped it is cancelled; mails of one SubDevice
//! go one after the other, and wait for nobody else's.
//!
//! Not guaranteed: that a write that was cancelled or ran out of time hasn't happened.

mod aoe;
mod boot;
mod eoe;
mod mailbox;
mod soe;
mod voe;

pub use aoe::{AoeSample, AoeSamples};
pub use voe::{VoeMail, VoeMails};

use super::entry::SubDeviceRef;
use super::field::Field;
use std::fmt;
use std::time::Duration;
use zerocat_bus::sdo_info::{EntryDescription, ObjectDescription};
use zerocat_bus::sii::SiiReader;
use zerocat_bus::{AlShown, BringUpError, File, FileProgress, Mailbox, Pending, Place, RequestError, Requests, al};

/// Time that a call has unless told otherwise: more than a SubDevice takes by ETG.2000's usual time-outs of its mailbox.
const WITHIN: Duration = Duration::from_secs(5);

/// The key and the position of each SubDevice.
#[derive(Debug, Clone, Default)]
pub(crate) struct Keys(pub(crate) Vec<(String, u16)>);

impl Keys {
    /// Where one is.
    pub(crate) fn position(&self, of: &SubDeviceRef) -> Result<u16, NoSuchSubDevice> {
        let is_it = |(key, position): &&(String, u16)| match of {
            SubDeviceRef::Key(wanted) => key == wanted,
            SubDeviceRef::Position(wanted) => position == wanted,
        };
        let found = self.0.iter().find(is_it).map(|(_, at)| *at);
        found.ok_or_else(|| NoSuchSubDevice {
            asked: of.clone(),
            keys: self.0.iter().map(|(key, _)| key.clone()).collect(),
        })
    }

    /// A handle of one.
    pub(crate) fn handle(&self, of: &SubDeviceRef, requests: &Requests) -> Result<SubDeviceHandle, NoSuchSubDevice> {
        let position = self.position(of)?;
        Ok(SubDeviceHandle { position, within: WITHIN, requests: requests.clone() })
    }
}

/// There is no such SubDevice on the bus.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{asked} is not on the bus; there are {}", .keys.join(", "))]
#[non_exhaustive]
pub struct NoSuchSubDevice {
    /// Who was asked for.
    pub asked: SubDeviceRef,
    /// Keys of those that are there.
    pub keys: Vec<String>,
}

/// One SubDevice of a running bus, from [`Session::subdevice`](crate::Session::subdevice): clone it, send it, ask from any thread.
/// Each call gives a [`Pending`], to be waited for ([`Pending::wait`]) or awaited; it is done by the bus thread beside the cycle,
/// within 5 s unless [`within`](Self::within) says otherwise.
///
/// ```no_run
/// use std::time::Duration;
/// use zerocat::Bus;
/// let (session, io) = Bus::on("eth1").start()?;
/// let drive = session.subdevice("drive")?;
/// drive.sdo_write(0x6083, 0, 10_000u32).wait()?;
/// let temperature: i16 = drive.within(Duration::from_millis(200)).sdo_read(0x2040, 1).wait()?;
/// let name = String::from_utf8(drive.sdo_read_bytes(0x1008, 0).wait()?)?;
/// println!("{name}: {temperature} degrees");
/// # let _ = io;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// In a test or a loop of one's own, which moves the bus itself, an answer is taken when it is there:
///
/// ```
/// # #[cfg(feature = "testing")] {
/// use std::time::Duration;
/// use zerocat::testing::{Bench, ProfileKind, line};
/// let (mut bench, _io) = Bench::start(Bench::bus(), &line(&[ProfileKind::Servo])).unwrap();
/// let asked = bench.subdevice(0).unwrap().sdo_read::<u16>(0x6041, 0);
/// bench.run(Duration::from_millis(50));
/// assert!(asked.try_take().unwrap().is_ok());
/// # }
/// ```
#[derive(Clone)]
pub struct SubDeviceHandle {
    position: u16,
    within: Duration,
    requests: Requests,
}

impl fmt::Debug for SubDeviceHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SubDeviceHandle")
            .field("position", &self.position)
            .field("within", &self.within)
            .finish_non_exhaustive()
    }
}

impl SubDeviceHandle {
    /// Its position on the bus, 0-based.
    #[must_use]
    pub const fn position(&self) -> u16 {
        self.position
    }

    /// The same SubDevice, with another time for each call.
    #[must_use]
    pub fn within(&self, within: Duration) -> Self {
        Self { within, ..self.clone() }
    }

    /// Reads an entry of its object dictionary by CoE, as a `T`. An entry of another length is an error.
    pub fn sdo_read<T: Field>(&self, index: u16, subindex: u8) -> Pending<T> {
        self.mail(async move |at| {
            let (datagrams, mailbox) = at.with_coe()?;
            let bytes = mailbox.upload(datagrams, index, subindex).await.map_err(BringUpError::from)?;
            let expected = bytes_of::<T>();
            match bytes.len() == expected {
                true => Ok(T::load(&bytes, 0)),
                false => Err(of_length(mailbox, index, subindex, bytes.len(), T::SHAPE.to_string())),
            }
        })
    }

    /// Writes an entry of its object dictionary by CoE.
    pub fn sdo_write<T: Field>(&self, index: u16, subindex: u8, value: T) -> Pending<()> {
        let mut bytes = vec![0; bytes_of::<T>()];
        value.store(&mut bytes, 0);
        self.sdo_write_bytes(index, subindex, bytes)
    }

    /// Reads an entry of its object dictionary by CoE: its bytes.
    pub fn sdo_read_bytes(&self, index: u16, subindex: u8) -> Pending<Vec<u8>> {
        self.requests.upload(self.position, index, subindex, self.within)
    }

    /// Writes an entry of its object dictionary by CoE: its bytes.
    pub fn sdo_write_bytes(&self, index: u16, subindex: u8, bytes: Vec<u8>) -> Pending<()> {
        self.requests.download(self.position, index, subindex, bytes, self.within)
    }

    /// Reads an object with all its subindices in one transfer (complete access): subindex 0 in 16 bits, then the others. For
    /// SubDevices that can do it.
    pub fn sdo_read_complete(&self, index: u16) -> Pending<Vec<u8>> {
        self.mail(async move |at| {
            let (datagrams, mailbox) = at.with_coe()?;
            Ok(mailbox.upload_complete(datagrams, index).await.map_err(BringUpError::from)?)
        })
    }

    /// Writes an object with its subindices from `subindex` on, 0 or 1, in one transfer (complete access). For SubDevices that can
    /// do it.
    pub fn sdo_write_complete(&self, index: u16, subindex: u8, bytes: Vec<u8>) -> Pending<()> {
        self.mail(async move |at| {
            let (datagrams, mailbox) = at.with_coe()?;
            let done = mailbox.download_complete(datagrams, index, subindex, &bytes).await;
            Ok(done.map_err(BringUpError::from)?)
        })
    }

    /// The indexes of its object dictionary, by SDO information.
    pub fn objects(&self) -> Pending<Vec<u16>> {
        self.mail(async move |at| {
            let (datagrams, mailbox) = at.with_coe()?;
            Ok(mailbox.list_objects(datagrams).await.map_err(BringUpError::from)?)
        })
    }

    /// What an object of its dictionary is, by SDO information.
    pub fn describe_object(&self, index: u16) -> Pending<ObjectDescription> {
        self.mail(async move |at| {
            let (datagrams, mailbox) = at.with_coe()?;
            Ok(mailbox.describe_object(datagrams, index).await.map_err(BringUpError::from)?)
        })
    }

    /// What an entry of its dictionary is, by SDO information.
    pub fn describe_entry(&self, index: u16, subindex: u8) -> Pending<EntryDescription> {
        self.mail(async move |at| {
            let (datagrams, mailbox) = at.with_coe()?;
            Ok(mailbox.describe_entry(datagrams, index, subindex).await.map_err(BringUpError::from)?)
        })
    }

    /// Reads a file of at most `limit` bytes by FoE. `progress` is called on the bus thread, so it is to be brief. Files take their
    /// time: give it with [`within`](Self::within).
    pub fn foe_read(
        &self,
        name: &str,
        password: u32,
        limit: usize,
        progress: impl FnMut(FileProgress) + Send + 'static,
    ) -> Pending<Vec<u8>> {
        let name = name.to_owned();
        self.mail(async move |at| {
            let (datagrams, mailbox) = at.with_foe()?;
            let file = File { password, ..File::named(&name) };
            Ok(mailbox.read_file(datagrams, file, limit, progress).await?)
        })
    }

    /// Writes a file by FoE, as [`foe_read`](Self::foe_read) reads one.
    pub fn foe_write(
        &self,
        name: &str,
        password: u32,
        content: Vec<u8>,
        progress: impl FnMut(FileProgress) + Send + 'static,
    ) -> Pending<()> {
        let name = name.to_owned();
        self.mail(async move |at| {
            let (datagrams, mailbox) = at.with_foe()?;
            let file = File { password, ..File::named(&name) };
            Ok(mailbox.write_file(datagrams, file, &content, progress).await?)
        })
    }

    /// Its AL status, and the code where it shows an error.
    pub fn state(&self) -> Pending<AlShown> {
        self.registers(async move |at| {
            let shown = al::shown(at.datagrams, at.target).await;
            shown.map_err(|source| in_registers(&at, "read AL status", source))
        })
    }

    /// Reads registers of its ESC, in one datagram.
    pub fn register_read(&self, register: u16, len: usize) -> Pending<Vec<u8>> {
        self.registers(async move |at| {
            let read = at.datagrams.read_one(at.target, register, len).await;
            read.map_err(|source| in_registers(&at, "read registers", source))
        })
    }

    /// Writes registers of its ESC, in one datagram. Nobody checks what that does to the bus.
    pub fn register_write(&self, register: u16, bytes: Vec<u8>) -> Pending<()> {
        self.registers(async move |at| {
            let written = at.datagrams.write_one(at.target, register, &bytes).await;
            written.map_err(|source| in_registers(&at, "write registers", source))
        })
    }

    /// Reads `words` words of its SII from a word address on.
    pub fn sii_read(&self, word: u16, words: u16) -> Pending<Vec<u8>> {
        self.registers(async move |at| {
            let failed = |source| BringUpError::Sii { who: at.who.clone(), source };
            let reader = SiiReader::open(at.datagrams, at.target).await.map_err(failed)?;
            let len = 2 * usize::from(words);
            let mut bytes = Vec::with_capacity(len.saturating_add(8));
            while bytes.len() < len {
                let next = u32::from(word).saturating_add(u32::try_from(bytes.len() / 2).unwrap_or(u32::MAX));
                bytes.extend(reader.read_at(next).await.map_err(failed)?);
            }
            bytes.truncate(len);
            Ok(bytes)
        })
    }

    fn mail<T: Send + 'static>(
        &self,
        work: impl AsyncFnOnce(Place<'_>) -> Result<T, RequestError> + Send + 'static,
    ) -> Pending<T> {
        self.requests.mail(self.position, self.within, work)
    }

    fn registers<T: Send + 'static>(
        &self,
        work: impl AsyncFnOnce(Place<'_>) -> Result<T, RequestError> + Send + 'static,
    ) -> Pending<T> {
        self.requests.registers(self.position, self.within, work)
    }
}

/// Bytes that a value takes by itself.
fn bytes_of<T: Field>() -> usize {
    T::SHAPE.all_bits().div_ceil(8)
}

fn of_length(mailbox: &Mailbox, index: u16, subindex: u8, got: usize, wanted: String) -> RequestError {
    let what = format!("{got} bytes, and a {wanted} was asked for");
    BringUpError::Sdo(mailbox.senseless_upload(index, subindex, what)).into()
}

fn in_registers(at: &Place<'_>, doing: &'static str, source: zerocat_bus::DatagramError) -> RequestError {
    BringUpError::SubDevice { who: at.who.clone(), doing, source }.into()
}
