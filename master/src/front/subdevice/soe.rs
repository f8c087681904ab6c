//! Elements of IDNs by SoE, and procedure commands of drives.

use super::SubDeviceHandle;
use zerocat_bus::Pending;
use zerocat_wire::soe::{Attribute, Elements, Idn};

/// S-0-0099: errors are reset.
const RESET: Idn = Idn(99);

impl SubDeviceHandle {
    /// Reads the value of an IDN by SoE, of a drive in the SubDevice (0 for the first): its bytes, of a list with its header.
    ///
    /// ```no_run
    /// # fn read(axis: &zerocat::SubDeviceHandle) -> Result<(), Box<dyn std::error::Error>> {
    /// let position = axis.soe_read("S-0-0051".parse()?, 0).wait()?;
    /// # let _ = position;
    /// # Ok(())
    /// # }
    /// ```
    pub fn soe_read(&self, idn: Idn, drive: u8) -> Pending<Vec<u8>> {
        self.soe_read_element(idn, drive, Elements::VALUE)
    }

    /// Writes the value of an IDN by SoE, as [`soe_read`](Self::soe_read) reads one.
    pub fn soe_write(&self, idn: Idn, drive: u8, bytes: Vec<u8>) -> Pending<()> {
        self.soe_write_element(idn, drive, Elements::VALUE, bytes)
    }

    /// Reads one element of an IDN: data state, name, attribute, unit, minimum, maximum, value or default, by the constants of
    /// [`Elements`]. Names and units have the header of a list.
    pub fn soe_read_element(&self, idn: Idn, drive: u8, element: Elements) -> Pending<Vec<u8>> {
        self.mail(async move |at| {
            let (datagrams, mailbox) = at.with_soe()?;
            Ok(mailbox.read_idn(datagrams, drive, idn, element).await?)
        })
    }

    /// Writes one element of an IDN. Most drives let values be written only.
    pub fn soe_write_element(&self, idn: Idn, drive: u8, element: Elements, bytes: Vec<u8>) -> Pending<()> {
        self.mail(async move |at| {
            let (datagrams, mailbox) = at.with_soe()?;
            Ok(mailbox.write_element(datagrams, drive, idn, element, &bytes).await?)
        })
    }

    /// Reads the attribute of an IDN: size, list or not, how it is shown, when it may be written.
    pub fn soe_attribute(&self, idn: Idn, drive: u8) -> Pending<Attribute> {
        self.mail(async move |at| {
            let (datagrams, mailbox) = at.with_soe()?;
            Ok(mailbox.read_attribute(datagrams, drive, idn).await?)
        })
    }

    /// Reads the value of an IDN that is a list of IDNs, such as S-0-0017, all IDNs of the drive.
    pub fn soe_list(&self, idn: Idn, drive: u8) -> Pending<Vec<Idn>> {
        self.mail(async move |at| {
            let (datagrams, mailbox) = at.with_soe()?;
            Ok(mailbox.read_idn_list(datagrams, drive, idn).await?)
        })
    }

    /// Runs a procedure command: it is started (3 is written), waited for by its data state and by notifications, and cleared
    /// (0 is written) once it has ended. Commands take their time: give it with [`within`](Self::within). One that is given up goes on in
    /// the drive.
    pub fn soe_command(&self, idn: Idn, drive: u8) -> Pending<()> {
        self.mail(async move |at| {
            let (datagrams, mailbox) = at.with_soe()?;
            Ok(mailbox.run_command(datagrams, drive, idn).await?)
        })
    }

    /// Resets a drive's errors: the procedure command S-0-0099.
    pub fn soe_reset(&self, drive: u8) -> Pending<()> {
        self.soe_command(RESET, drive)
    }
}
