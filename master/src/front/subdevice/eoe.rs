//! Ethernet of a SubDevice with EoE, carried by the program, and its IP parameter.

use super::SubDeviceHandle;
use zerocat_bus::{EthernetCounters, FramePort, IpSettings, Pending, PortError};

impl SubDeviceHandle {
    /// A port to its Ethernet, by EoE: frames go there and come from there whole, beside all other mail. There is one port for each
    /// SubDevice, and none where the rig file has an interface of the host or a switch for it. Both directions have bounded queues;
    /// what finds one full is dropped and counted.
    ///
    /// ```no_run
    /// # fn carry(terminal: &zerocat::SubDeviceHandle, hello: Vec<u8>) -> Result<(), Box<dyn std::error::Error>> {
    /// let port = terminal.eoe_port()?;
    /// port.send(hello)?;
    /// if let Some(frame) = port.receive_within(std::time::Duration::from_millis(100)) {
    ///     println!("{} bytes from {:02x?}", frame.len(), &frame[6..12]);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// It has no EoE, EoE is switched off for it, or somebody else carries its frames.
    pub fn eoe_port(&self) -> Result<FramePort, PortError> {
        self.requests.ethernet().port(self.position)
    }

    /// What was counted of its Ethernet; `None` without EoE.
    #[must_use]
    pub fn eoe_counters(&self) -> Option<EthernetCounters> {
        self.requests.ethernet().counters_of(self.position)
    }

    /// Sets its IP parameter by EoE. All of it is set: parts that are `None` become 0, and the MAC address one that is administered
    /// locally.
    pub fn set_ip(&self, settings: IpSettings) -> Pending<()> {
        self.mail(async move |at| {
            let (datagrams, mailbox) = at.with_eoe()?;
            Ok(mailbox.set_ip(datagrams, &settings).await?)
        })
    }

    /// Reads its IP parameter by EoE.
    pub fn ip(&self) -> Pending<IpSettings> {
        self.mail(async move |at| {
            let (datagrams, mailbox) = at.with_eoe()?;
            Ok(mailbox.ip(datagrams).await?)
        })
    }
}
