//! What answers at the other end of a veth pair: a reflector in the kernel, or simulated SubDevices.

use super::rows::NearProgram;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use zerocat_xdp::{Mode, Passthrough, Reflector, XdpError};

/// Time that the simulated segment may take to open its interface.
const PATIENCE: Duration = Duration::from_secs(5);
/// Time between two looks.
const LOOK: Duration = Duration::from_millis(5);

/// Why the far end couldn't be set up.
#[derive(Debug, thiserror::Error)]
pub(super) enum FarEndFault {
    #[error("put a program on {0}")]
    Xdp(String, #[source] Box<XdpError>),
    #[error("start the simulated segment")]
    Start(#[from] std::io::Error),
    #[error("the simulated segment opened no EtherCAT socket on {0} in 5 s")]
    Silent(String),
}

/// Programs on both ends, so that every frame returns at once. They are detached when this is dropped.
#[derive(Debug)]
pub(super) struct Null {
    _far: Reflector,
    _near: Option<Passthrough>,
}

impl Null {
    pub(super) fn put(interface: &str, far: &str, mode: Mode, near: NearProgram) -> Result<Self, FarEndFault> {
        let wrong = |name: &str| {
            let name = name.to_owned();
            move |source| FarEndFault::Xdp(name, Box::new(source))
        };
        let reflector = Reflector::attach(far, mode).map_err(wrong(far))?;
        let near = match near {
            NearProgram::Passthrough => Some(Passthrough::attach(interface, mode).map_err(wrong(interface))?),
            NearProgram::Own | NearProgram::Left => None,
        };
        Ok(Self { _far: reflector, _near: near })
    }
}

/// A simulated segment in a process of its own. It ends when this is dropped.
#[derive(Debug)]
pub(super) struct Simulated(Child);

impl Simulated {
    /// Simulated SubDevices whose process data takes about a frame of `size` bytes.
    pub(super) fn start(program: &str, far: &str, size: usize) -> Result<Self, FarEndFault> {
        let before = ethercat_sockets();
        let child = Command::new(program)
            .args(["sim", "--interface", far, "--mixed", &subdevices(size).to_string(), "--quiet"])
            // It ends by itself if the bench is killed.
            .args(["--seconds", "120"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        let segment = Self(child);
        let until = Instant::now() + PATIENCE;
        while ethercat_sockets() <= before {
            if Instant::now() > until {
                return Err(FarEndFault::Silent(far.to_owned()));
            }
            std::thread::sleep(LOOK);
        }
        Ok(segment)
    }
}

impl Drop for Simulated {
    fn drop(&mut self) {
        if let Ok(id) = i32::try_from(self.0.id()) {
            let _ = kill(Pid::from_raw(id), Signal::SIGTERM);
        }
        let _ = self.0.wait();
    }
}

/// Packet sockets for EtherCAT in this network namespace (packet(7), `/proc/net/packet`).
fn ethercat_sockets() -> usize {
    std::fs::read_to_string("/proc/self/net/packet").map_or(0, |table| table.matches(" 88a4 ").count())
}

/// A mixed line of so many SubDevices has about the process data of one frame of this size: a coupler without any, and
/// 34 bytes in each group of five. SOEM doesn't pad its frames.
const fn subdevices(size: usize) -> usize {
    if size < 62 { 5 } else { 1 + (size - 28) / 34 * 5 }
}

/// Detaches an XDP program that another program has left on an interface.
pub(super) fn sweep(interface: &str) {
    let _ = Command::new("ip")
        .args(["link", "set", "dev", interface, "xdp", "off"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
}
