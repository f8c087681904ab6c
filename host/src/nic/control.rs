//! Changes the settings of an interface: queues, coalescing, Energy Efficient Ethernet, pause frames, offloads.
//!
//! Guarantees: only the named values are changed; other values that a driver takes in the same command are written back
//! as they were read just before. Not guaranteed: that a driver applies what it accepts, so read it again. Several
//! drivers reset the link for a second or more.

use std::io;
use zerocat_xdp::ethtool::{Adjustable, Channels, Coalesce, EnergyEfficient, PauseParameters};
use zerocat_xdp::{Device, Offload, Offloads, XdpError};

/// Values that a driver takes in one command.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NicGroup {
    /// Numbers of queues: `rx`, `tx`, `other`, `combined`.
    Queues,
    /// Interrupt coalescing: `rx-usecs`, `rx-frames`, `tx-usecs`, `tx-frames`, `adaptive-rx`, `adaptive-tx`.
    Coalescing,
    /// Energy Efficient Ethernet: `eee`, `advertise`, `tx-lpi`, `tx-timer`.
    EnergyEfficient,
    /// Pause frames: `autoneg`, `rx`, `tx`.
    Pause,
}

/// The values of a group, with the names that ethtool(8) has for them.
pub type NicWords = Vec<(&'static str, u32)>;

/// Access to the settings of an interface of the calling thread's network namespace.
#[derive(Debug)]
pub struct NicControl {
    device: Device,
}

impl NicControl {
    /// Finds the interface.
    ///
    /// # Errors
    /// `NoInterface`, `Device`.
    pub fn of_interface(interface: &str) -> Result<Self, XdpError> {
        Ok(Self { device: Device::find(interface)? })
    }

    /// The values of a group.
    ///
    /// # Errors
    /// The kernel's error; `EOPNOTSUPP` if the driver doesn't have these settings.
    pub fn read(&self, group: NicGroup) -> io::Result<NicWords> {
        match group {
            NicGroup::Queues => self.words::<Channels>(),
            NicGroup::Coalescing => self.words::<Coalesce>(),
            NicGroup::EnergyEfficient => self.words::<EnergyEfficient>(),
            NicGroup::Pause => self.words::<PauseParameters>(),
        }
    }

    /// Changes values of a group; the others stay as they are.
    ///
    /// # Errors
    /// The kernel's error: `EPERM` without CAP_NET_ADMIN, `EOPNOTSUPP` and `EINVAL` if the driver refuses.
    /// `InvalidInput` for a name that the group doesn't have.
    pub fn write(&self, group: NicGroup, values: &[(&str, u32)]) -> io::Result<()> {
        match group {
            NicGroup::Queues => self.adjust::<Channels>(values),
            NicGroup::Coalescing => self.adjust::<Coalesce>(values),
            NicGroup::EnergyEfficient => self.adjust::<EnergyEfficient>(values),
            NicGroup::Pause => self.adjust::<PauseParameters>(values),
        }
    }

    /// All offloads that this kernel knows.
    ///
    /// # Errors
    /// The kernel's error.
    pub fn offloads(&self) -> io::Result<Vec<Offload>> {
        Ok(Offloads::read(&self.device)?.list())
    }

    /// Switches an offload on or off.
    ///
    /// # Errors
    /// The kernel's error; `InvalidInput` for a name that this kernel doesn't know.
    pub fn set_offload(&self, name: &str, on: bool) -> io::Result<()> {
        Offloads::read(&self.device)?.set(&self.device, name, on)
    }

    fn words<T: Adjustable>(&self) -> io::Result<NicWords> {
        let mut current = T::to_get();
        self.device.ethtool(&mut current)?;
        Ok(current.words().into_iter().map(|(name, value)| (name, *value)).collect())
    }

    fn adjust<T: Adjustable>(&self, values: &[(&str, u32)]) -> io::Result<()> {
        let mut wanted = T::to_get();
        self.device.ethtool(&mut wanted)?;
        for (name, value) in values {
            wanted.set_word(name, *value)?;
        }
        self.device.ethtool(&mut wanted.to_set())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use zerocat_testkit::netns::{in_private_netns, ip};

    #[test]
    fn queues_are_changed_and_the_rest_of_the_group_stays() {
        in_private_netns(|_| {
            ip("link add zc-many numrxqueues 4 numtxqueues 4 type veth peer name zc-other");
            let nic = NicControl::of_interface("zc-many").unwrap();
            nic.write(NicGroup::Queues, &[("rx", 3), ("tx", 2)]).unwrap();
            nic.write(NicGroup::Queues, &[("rx", 1)]).unwrap();
            let expected = vec![("rx", 1), ("tx", 2), ("other", 0), ("combined", 0)];
            assert_eq!(nic.read(NicGroup::Queues).unwrap(), expected);
        });
    }

    #[test]
    fn settings_that_a_driver_does_not_have_are_refused_by_the_kernel() {
        in_private_netns(|veth| {
            let nic = NicControl::of_interface(&veth.master).unwrap();
            for group in [NicGroup::EnergyEfficient, NicGroup::Pause] {
                let refused = nic.write(group, &[]).unwrap_err();
                assert_eq!(refused.raw_os_error(), Some(nix::libc::EOPNOTSUPP), "{group:?}");
            }
        });
    }

    #[test]
    fn an_unknown_name_is_refused_before_anything_is_changed() {
        in_private_netns(|veth| {
            let nic = NicControl::of_interface(&veth.master).unwrap();
            let refused = nic.write(NicGroup::Queues, &[("rx-usecs", 1)]).unwrap_err();
            assert_eq!(refused.kind(), io::ErrorKind::InvalidInput);
            assert_eq!(nic.set_offload("rx-magic", false).unwrap_err().kind(), io::ErrorKind::InvalidInput);
        });
    }

    #[test]
    fn an_offload_is_switched_alone_and_back() {
        in_private_netns(|veth| {
            let nic = NicControl::of_interface(&veth.master).unwrap();
            let before = nic.offloads().unwrap();
            let on = before.iter().find(|offload| offload.name == "tx-generic-segmentation").unwrap();
            assert!(on.changeable && on.active && on.requested, "{on:?}");
            nic.set_offload(&on.name, false).unwrap();
            let during = nic.offloads().unwrap();
            let changed: Vec<_> = during.iter().zip(&before).filter(|(now, before)| now != before).collect();
            assert_eq!(changed.len(), 1, "{changed:?}");
            assert!(changed.iter().all(|(now, _)| now.name == on.name && !now.active && !now.requested));
            nic.set_offload(&on.name, true).unwrap();
            assert_eq!(nic.offloads().unwrap(), before);
        });
    }

    #[test]
    fn an_offload_that_cannot_be_changed_says_so() {
        in_private_netns(|veth| {
            let offloads = NicControl::of_interface(&veth.master).unwrap().offloads().unwrap();
            let lro = offloads.iter().find(|offload| offload.name == "rx-lro").unwrap();
            assert!(!lro.changeable && !lro.active, "{lro:?}");
        });
    }
}
