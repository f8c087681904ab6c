//! Waiting for the carrier.
//!
//! Several drivers reset the link when a program is attached or removed, or when a queue is bound, and 100BASE-TX then
//! takes seconds to negotiate again. An interface that has no carrier from the start is waited for as well: the program
//! of the previous run may have left it a moment ago.

use crate::device::Device;
use crate::error::XdpError;
use std::time::{Duration, Instant};

/// Time between two looks.
const LOOK: Duration = Duration::from_millis(10);

/// Whether there was a carrier before anything was done to the interface.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Before {
    /// There was one. If it goes away, the driver has reset the link.
    There,
    /// There was none.
    Away,
}

impl Before {
    pub(crate) fn of(device: &Device) -> Self {
        if device.has_carrier() { Self::There } else { Self::Away }
    }

    /// Waits until there is a carrier, or it isn't wanted any more.
    pub(crate) fn await_carrier(
        self,
        device: &Device,
        timeout: Duration,
        stopped: &dyn Fn() -> bool,
    ) -> Result<(), XdpError> {
        let start = Instant::now();
        let mut said = false;
        while !device.has_carrier() {
            if stopped() {
                return Err(XdpError::Stopped { interface: device.name().into(), awaited: "its carrier" });
            }
            if start.elapsed() >= timeout {
                return Err(self.gone(device.name().into(), timeout));
            }
            if !said {
                self.say(device.name(), timeout);
                said = true;
            }
            std::thread::sleep(LOOK);
        }
        Ok(())
    }

    fn say(self, interface: &str, timeout: Duration) {
        let why = match self {
            Self::There => "attaching the XDP program reset the link",
            Self::Away => "there is no carrier",
        };
        tracing::warn!(interface, "{why}, waiting for the carrier up to {} s", timeout.as_secs_f32());
    }

    const fn gone(self, interface: String, waited: Duration) -> XdpError {
        match self {
            Self::There => XdpError::CarrierLost { interface, waited },
            Self::Away => XdpError::NoCarrier { interface, waited },
        }
    }
}
