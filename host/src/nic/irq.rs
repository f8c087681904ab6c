//! Sets the CPUs that may serve an interrupt, through `/proc/irq` below a root directory, so that tests can use their
//! own.

use std::fs;
use std::io;
use std::path::Path;

/// Lets only these CPUs serve an interrupt.
///
/// # Errors
/// If there is no such interrupt, without permission, or if the kernel refuses: `EIO` if it manages the affinity
/// itself.
pub fn set_irq_affinity(root: &Path, number: u32, cpus: &[usize]) -> io::Result<()> {
    let path = root.join(format!("proc/irq/{number}/smp_affinity_list"));
    let list: Vec<_> = cpus.iter().map(ToString::to_string).collect();
    let mut file = fs::OpenOptions::new().write(true).truncate(true).open(path)?;
    // In a single write, because the kernel takes each write as a whole list.
    io::Write::write_all(&mut file, list.join(",").as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use zerocat_testkit::FakeTree;

    #[test]
    fn cpus_are_written_only_to_an_interrupt_that_exists() {
        let file = "proc/irq/41/smp_affinity_list";
        let tree = FakeTree::new(&[(file, "0-3\n")]);
        set_irq_affinity(tree.root(), 41, &[0, 2]).unwrap();
        assert_eq!(tree.text(file), "0,2");
        assert!(set_irq_affinity(tree.root(), 42, &[0]).is_err());
    }
}
