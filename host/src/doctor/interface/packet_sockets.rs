//! AF_PACKET sockets of the calling thread's network namespace, as `/proc/net/packet` lists them (`packet_seq_show` in
//! `net/packet/af_packet.c`).

use crate::files;
use std::path::Path;

/// One socket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PacketSocket {
    /// The EtherType that it receives.
    pub(super) protocol: u16,
    /// Number of the interface that it is bound to; 0 is all of them.
    pub(super) interface: u32,
}

/// All of them, below `root`; `None` where the list can't be read.
pub(super) fn read(root: &Path) -> Option<Vec<PacketSocket>> {
    let text = files::text(root, "proc/thread-self/net/packet")?;
    Some(text.lines().skip(1).filter_map(parse).collect())
}

fn parse(line: &str) -> Option<PacketSocket> {
    // sk, references, type, protocol, interface, …
    let mut columns = line.split_whitespace().skip(3);
    Some(PacketSocket {
        protocol: u16::from_str_radix(columns.next()?, 16).ok()?,
        interface: columns.next()?.parse().ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use zerocat_testkit::FakeTree;

    #[test]
    fn the_columns_are_those_of_the_kernel() {
        let list = "sk       RefCnt Type Proto  Iface R Rmem   User   Inode\n\
                    0000000000000000 3      3    88a4   3     1 0      0      1234\n";
        let tree = FakeTree::new(&[("proc/thread-self/net/packet", list)]);
        assert_eq!(read(tree.root()), Some(vec![PacketSocket { protocol: 0x88a4, interface: 3 }]));
        assert_eq!(read(FakeTree::new(&[]).root()), None);
    }
}
