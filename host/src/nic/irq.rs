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
    use zerocat_testkit::FakeTree;

    #[test]
    fn a_list_of_cpus_is_written_to_an_interrupt_that_is_there_only() {
        let file = "proc/irq/41/smp_affinity_list";
        let tree = FakeTree::new(&[(file, "0-3\n")]);
        set_irq_affinity(tree.root(), 41, &[0, 2]).unwrap();
        assert_eq!(tree.text(file), "0,2");
        assert!(set_irq_affinity(tree.root(), 42, &[0]).is_err());
    }
}
