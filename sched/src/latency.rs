//! Keeps the CPUs out of deep idle states by holding `/dev/cpu_dma_latency` open with a latency of 0 us
//! (`Documentation/power/pm_qos_interface.rst`). The request ends when the guard is dropped or the process ends.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::Path;

/// While it lives, no CPU enters an idle state that takes time to leave.
#[derive(Debug)]
#[must_use = "the request ends when this is dropped"]
pub struct CpuDmaLatency {
    _held: File,
}

impl CpuDmaLatency {
    /// Requests a latency of 0 us on all CPUs.
    ///
    /// # Errors
    /// A sentence with the reason and a remedy.
    pub fn hold() -> Result<Self, String> {
        Self::hold_at(Path::new("/dev/cpu_dma_latency"))
    }

    fn hold_at(path: &Path) -> Result<Self, String> {
        let advice = "run as root, grant write access by a udev rule, or boot with processor.max_cstate=1";
        let mut held = OpenOptions::new().write(true).open(path).map_err(|why| format!("{why}; {advice}"))?;
        held.write_all(&0i32.to_ne_bytes()).map_err(|why| format!("{why}; {advice}"))?;
        Ok(Self { _held: held })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_a_32_bit_zero_and_keeps_the_file_open() {
        let path = std::env::temp_dir().join(format!("zerocat-latency-{}", std::process::id()));
        std::fs::write(&path, []).unwrap();
        let guard = CpuDmaLatency::hold_at(&path).unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), [0; 4]);
        drop(guard);
        std::fs::remove_file(path).unwrap();
    }

    #[test]
    fn a_machine_without_it_says_what_to_do() {
        let why = CpuDmaLatency::hold_at(Path::new("/nonexistent/latency")).unwrap_err();
        assert!(why.contains("max_cstate"), "{why}");
    }
}
