//! A network interface, and the questions that the kernel answers by `ioctl`.
//!
//! Everything goes through `ioctl` on a socket of the calling thread, so it concerns the network namespace that the
//! thread is in; sysfs would show the namespace that mounted it.

use crate::error::XdpError;
use crate::ethtool::{Channels, DriverInfo, EthtoolCommand, Value};
use nix::sys::socket::{AddressFamily, SockFlag, SockType, socket};
use std::ffi::CString;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};

/// A network interface of this thread's network namespace.
#[derive(Debug)]
pub struct Device {
    name: String,
    index: i32,
    control: OwnedFd,
}

impl Device {
    /// Finds an interface by name.
    ///
    /// # Errors
    /// `NoInterface`, `Device`.
    pub fn find(name: &str) -> Result<Self, XdpError> {
        let missing = || XdpError::NoInterface { interface: name.into(), present: interfaces() };
        if name.len() >= libc::IFNAMSIZ {
            return Err(missing());
        }
        let c_name = CString::new(name).map_err(|_| missing())?;
        // SAFETY: c_name is a string that ends in NUL, and if_nametoindex only reads it.
        let index = unsafe { libc::if_nametoindex(c_name.as_ptr()) };
        let index = i32::try_from(index).ok().filter(|&index| index > 0).ok_or_else(missing)?;
        let control = socket(AddressFamily::Inet, SockType::Datagram, SockFlag::SOCK_CLOEXEC, None)
            .map_err(|errno| XdpError::device(name, "open a control socket", errno.into()))?;
        Ok(Self { name: name.into(), index, control })
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Its number in its network namespace.
    #[must_use]
    pub const fn index(&self) -> i32 {
        self.index
    }

    /// Whether it is set up (`IFF_UP`), carrier or not.
    ///
    /// # Errors
    /// `Device`.
    pub fn is_up(&self) -> Result<bool, XdpError> {
        let request = self
            .ioctl(libc::SIOCGIFFLAGS, self.request())
            .map_err(|e| XdpError::device(&self.name, "read flags", e))?;
        // SAFETY: SIOCGIFFLAGS succeeded, so the kernel has filled ifru_flags.
        let flags = unsafe { request.ifr_ifru.ifru_flags };
        Ok(i32::from(flags) & libc::IFF_UP != 0)
    }

    /// Largest payload of an Ethernet frame, in bytes.
    ///
    /// # Errors
    /// `Device`.
    pub fn mtu(&self) -> Result<u32, XdpError> {
        let request = self
            .ioctl(libc::SIOCGIFMTU, self.request())
            .map_err(|e| XdpError::device(&self.name, "read the MTU", e))?;
        // SAFETY: SIOCGIFMTU succeeded, so the kernel has filled ifru_mtu.
        let mtu = unsafe { request.ifr_ifru.ifru_mtu };
        Ok(u32::try_from(mtu).unwrap_or(0))
    }

    /// Whether there is a carrier; true where the driver can't say.
    #[must_use]
    pub fn has_carrier(&self) -> bool {
        let mut value = Value::carrier();
        match self.ethtool(&mut value) {
            Ok(()) => value.data != 0,
            Err(_) => true,
        }
    }

    /// Name of the driver, where there is one.
    pub(crate) fn driver(&self) -> Option<String> {
        let mut info = DriverInfo::new();
        self.ethtool(&mut info).ok()?;
        let name = info.driver.split(|&byte| byte == 0).next().unwrap_or_default();
        (!name.is_empty()).then(|| String::from_utf8_lossy(name).into_owned())
    }

    /// Number of receive queues in use, where the driver says.
    pub(crate) fn queues(&self) -> Option<u32> {
        let mut channels = Channels::new();
        self.ethtool(&mut channels).ok()?;
        Some(channels.receiving()).filter(|&queues| queues > 0)
    }

    fn request(&self) -> libc::ifreq {
        // SAFETY: ifreq is plain data for which all zeros is a value.
        let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
        for (to, from) in request.ifr_name.iter_mut().zip(self.name.bytes()) {
            *to = libc::c_char::from_ne_bytes([from]);
        }
        request
    }

    fn ioctl(&self, command: libc::Ioctl, mut request: libc::ifreq) -> io::Result<libc::ifreq> {
        // SAFETY: the descriptor is open, and request is an ifreq that both commands may read and write; for
        // SIOCETHTOOL its ifru_data points to the command's own structure, which ethtool keeps alive.
        let result = unsafe { libc::ioctl(self.control.as_raw_fd(), command, &raw mut request) };
        if result < 0 { Err(io::Error::last_os_error()) } else { Ok(request) }
    }

    /// Hands the kernel the structure of a command, which it reads or fills in.
    ///
    /// # Errors
    /// What the kernel says: `EOPNOTSUPP` where the driver has no such thing, `EPERM` without CAP_NET_ADMIN.
    pub fn ethtool<T: EthtoolCommand>(&self, value: &mut T) -> io::Result<()> {
        let mut request = self.request();
        request.ifr_ifru.ifru_data = (&raw mut *value).cast();
        self.ioctl(libc::SIOCETHTOOL, request).map(drop)
    }
}

/// Names of all interfaces of this network namespace.
fn interfaces() -> Vec<String> {
    let Ok(all) = nix::net::if_::if_nameindex() else { return Vec::new() };
    all.iter().map(|interface| interface.name().to_string_lossy().into_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_what_exists_when_an_interface_does_not() {
        let error = Device::find("zc-none").unwrap_err();
        assert!(error.to_string().contains("no interface zc-none here; there are: "), "{error}");
        assert!(error.to_string().contains("lo"), "{error}");
    }

    #[test]
    fn a_name_longer_than_the_kernel_allows_is_no_interface() {
        assert!(matches!(Device::find("a-name-of-sixteen"), Err(XdpError::NoInterface { .. })));
    }

    #[test]
    fn reads_the_mtu_of_the_loopback() {
        assert_eq!(Device::find("lo").unwrap().mtu().unwrap(), 65_536);
    }
}
