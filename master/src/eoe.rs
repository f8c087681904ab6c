//! Ethernet of SubDevices with EoE, as the rig file has it: the IP parameter of each, an interface of the host for one, one switch
//! for all.
//!
//! Guarantees: nothing is made unless the rig file asks for it; what is made is there from bring-up until the network is shut down,
//! also through outages, in which frames are dropped. Not here: how frames go to a SubDevice, which is the bus room's.

mod host;
mod interfaces;
mod switch;

pub use host::HostInterfaces;

use crate::bring_up::{Planned, StartError};
use crate::events::SessionEvent;
use crate::machine::Machine;
use interfaces::{Interfaces, To};
use std::sync::Arc;
use std::time::Instant;
use switch::{Switch, SwitchPort};
use zerocat_bus::{Attached, IpError, IpSettings, Label, Mailbox, Matching, Network, PortError, SubDevice};
use zerocat_config::{Eoe, EoeSection, Rig};
use zerocat_link::host_interface::{HostInterface, HostInterfaceError};

/// Why the Ethernet of SubDevices isn't carried as the rig file asks.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EthernetError {
    /// An interface of the host.
    #[error("Ethernet over EtherCAT")]
    Interface(#[from] HostInterfaceError),
    /// A SubDevice.
    #[error("`eoe` of `{key}`: {source}; correct the key in the rig file, or remove it")]
    Port {
        /// Its key in the rig file.
        key: String,
        /// Why.
        source: PortError,
    },
    /// The thread that carries frames.
    #[error("start the thread that carries Ethernet frames")]
    Thread(#[source] std::io::Error),
}

/// Who carries frames. Dropped, interfaces go.
#[derive(Debug, Default)]
pub(crate) struct Carried {
    // Its thread ends before the switch goes, which it may hold.
    _interfaces: Option<Interfaces>,
    _switch: Option<Arc<Switch>>,
}

impl Machine<'_> {
    /// Says which SubDevices speak EoE, and has their frames carried as the rig file says.
    pub(crate) fn carry_ethernet(&self, planned: &Planned<'_>) -> Result<Carried, StartError> {
        let ethernet = self.inbox.ethernet();
        let of = |position: u16| planned.key(position).map_or(&Eoe::Allowed, |key| self.rig.eoe_of(&key));
        let speaks = |one: &&SubDevice| one.goes_up() && one.mailbox.is_some_and(|mailbox| mailbox.eoe());
        let speakers = || planned.network.subdevices().iter().filter(speaks).map(|one| one.position);
        speakers().for_each(|position| ethernet.admit(position, *of(position) == Eoe::Off));
        let mut carry = Carry::default();
        for found in &planned.matching.matches {
            if let Some(name) = self.rig.eoe_of(&found.key).section().and_then(|section| section.interface.as_ref()) {
                carry.interface(ethernet, found.position, &found.key, self.interfaces.take(name)?)?;
            }
        }
        if let Some(wanted) = &self.rig.network.eoe_switch {
            let own = |position| of(position).section().is_some_and(|section| section.interface.is_some());
            let members: Vec<_> = speakers().filter(|one| *of(*one) != Eoe::Off && !own(*one)).collect();
            let host = wanted.interface.as_ref().map(|name| self.interfaces.take(name)).transpose()?;
            carry.switch(ethernet, &members, wanted, host.map(Arc::new))?;
        }
        self.interfaces.close();
        Ok(carry.begin()?)
    }

    /// Gives SubDevices the IP parameters that the rig file has for them. One that refuses goes on without, and that is told.
    pub(crate) async fn set_ip_parameters(&self, network: &mut Network<'_>, matching: &Matching) {
        for (position, settings) in ip_settings(&self.rig, matching) {
            let who = network.subdevices().iter().find(|one| one.position == position).map(SubDevice::label);
            self.set_ip(who.unwrap_or_default(), &settings, network.mailbox(position)).await;
        }
    }

    /// The same of one SubDevice that was brought to PRE-OP anew.
    pub(crate) async fn set_ip_parameters_of(&self, who: Label, matching: &Matching, mailbox: Option<&mut Mailbox>) {
        let settings = ip_settings(&self.rig, matching).into_iter().find(|(position, _)| *position == who.position);
        if let Some((_, settings)) = settings {
            self.set_ip(who, &settings, mailbox).await;
        }
    }

    async fn set_ip(&self, who: Label, settings: &IpSettings, mailbox: Option<&mut Mailbox>) {
        let position = who.position;
        let done = match mailbox.filter(|mailbox| mailbox.info().eoe()) {
            Some(mailbox) => mailbox.set_ip(self.datagrams, settings).await,
            None => Err(IpError::NoEoe { who }),
        };
        match done {
            Ok(()) => tracing::debug!(position, "IP parameter: {settings}"),
            Err(error) => self.observer.warn(&SessionEvent::IpParameterRefused(Box::new(error))),
        }
    }
}

/// What is to be carried.
#[derive(Default)]
struct Carry {
    interfaces: Vec<(Arc<HostInterface>, To)>,
    switch: Option<Arc<Switch>>,
}

impl Carry {
    /// An interface of the host for one SubDevice.
    fn interface(
        &mut self,
        ethernet: &zerocat_bus::Ethernet,
        position: u16,
        key: &str,
        interface: HostInterface,
    ) -> Result<(), EthernetError> {
        let interface = Arc::new(interface);
        let name = interface.name();
        let taker = Box::new(interfaces::ToHost(Arc::clone(&interface)));
        let attached = ethernet.attach(position, &format!("interface {name}"), taker);
        let attached = attached.map_err(|source| EthernetError::Port { key: key.to_owned(), source })?;
        tracing::info!(interface = name, position, key, "Ethernet of a SubDevice");
        self.interfaces.push((interface, To::SubDevice(attached)));
        Ok(())
    }

    /// A switch among SubDevices, and an interface of the host where that is wanted.
    fn switch(
        &mut self,
        ethernet: &zerocat_bus::Ethernet,
        members: &[u16],
        wanted: &zerocat_config::EoeSwitch,
        host: Option<Arc<HostInterface>>,
    ) -> Result<(), EthernetError> {
        let switch = Arc::new(Switch::new(members.len(), host.clone(), wanted.age, Instant::now()));
        let attach = |(port, position): (usize, &u16)| {
            let taker = Box::new(SwitchPort::new(port, &switch));
            ethernet.attach(*position, "the switch of the rig file", taker)
        };
        // One that a program has taken meanwhile has no port: nothing is sent to it, and nothing comes from it.
        let ports: Vec<Option<Attached>> = members.iter().enumerate().map(|member| attach(member).ok()).collect();
        switch.connect(ports);
        let interface = wanted.interface.as_deref().unwrap_or("none");
        tracing::info!(interface, subdevices = members.len(), "a switch for Ethernet of SubDevices");
        if let Some(host) = host {
            self.interfaces.push((host, To::Switch(Arc::clone(&switch))));
        }
        self.switch = Some(switch);
        Ok(())
    }

    fn begin(self) -> Result<Carried, EthernetError> {
        let Self { interfaces, switch } = self;
        let interfaces = if interfaces.is_empty() { None } else { Some(Interfaces::start(interfaces)?) };
        Ok(Carried { _interfaces: interfaces, _switch: switch })
    }
}

/// The IP parameter of each SubDevice that the rig file has one for, by position.
fn ip_settings(rig: &Rig, matching: &Matching) -> Vec<(u16, IpSettings)> {
    let settings = |section: &EoeSection| IpSettings {
        mac: section.mac.map(|mac| mac.0),
        address: section.ip,
        mask: section.mask,
        gateway: section.gateway,
        dns: section.dns,
        name: section.name.clone(),
    };
    let of = |found: &zerocat_bus::Match| {
        let section = rig.eoe_of(&found.key).section().filter(|section| section.has_parameter())?;
        Some((found.position, settings(section)))
    };
    matching.matches.iter().filter_map(of).collect()
}
