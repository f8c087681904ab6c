//! Where an interrupt may go, as `/proc/irq` takes it. Below a root, so that tests have a tree of their own.

use std::fs;
use std::io;
use std::path::Path;

/// Lets an interrupt go to these CPUs only.
///
/// # Errors
/// Where there is no such interrupt, no right, or the kernel refuses: `EIO` for one whose affinity it manages itself.
pub fn set_irq_affinity(root: &Path, number: u32, cpus: &[usize]) -> io::Result<()> {
    let path = root.join(format!("proc/irq/{number}/smp_affinity_list"));
    let list: Vec<_> = cpus.iter().map(ToString::to_string).collect();
    let mut file = fs::OpenOptions::new().write(true).truncate(true).open(path)?;
    // One write: the kernel takes each as a whole list.
    io::Write::write_all(&mut file, list.join(",").as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_of_cpus_is_written_to_an_interrupt_that_is_there_only() {
        let root = std::env::temp_dir().join(format!("zerocat-irq-{}", std::process::id()));
        let file = root.join("proc/irq/41/smp_affinity_list");
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(&file, "0-3\n").unwrap();
        set_irq_affinity(&root, 41, &[0, 2]).unwrap();
        assert_eq!(fs::read_to_string(&file).unwrap(), "0,2");
        assert!(set_irq_affinity(&root, 42, &[0]).is_err());
        fs::remove_dir_all(&root).unwrap();
    }
}
