//! A private network namespace with a veth pair.
//!
//! The namespace belongs to one thread and what that thread starts. When the last of them ends the kernel removes it
//! with its interfaces, so a test leaves nothing behind, even when it panics. It needs root, and `ip` of iproute2.

use std::process::Command;
use std::sync::mpsc;
use std::time::{Duration, Instant};

/// Two Ethernet interfaces joined by a cable, both up, without IPv6 and so without traffic of their own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Veth {
    /// The MainDevice's interface.
    pub master: String,
    /// The interface at the other end.
    pub peer: String,
}

/// Runs `test` on a thread of its own in a fresh network namespace with a veth pair, and returns what it returns.
/// Threads and processes that `test` starts are in the namespace too.
///
/// # Panics
/// With the test's panic; without CAP_NET_ADMIN and CAP_SYS_ADMIN; when the pair can't be made. A test that can't run
/// fails, it is not skipped.
pub fn in_private_netns<T: Send>(test: impl FnOnce(&Veth) -> T + Send) -> T {
    let outcome = std::thread::scope(|scope| {
        scope
            .spawn(|| {
                nix::sched::unshare(nix::sched::CloneFlags::CLONE_NEWNET)
                    .unwrap_or_else(|error| panic!("needs CAP_NET_ADMIN: make a network namespace: {error}"));
                test(&cable("zc-master", "zc-peer"))
            })
            .join()
    });
    outcome.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

/// A second veth pair in the namespace of the calling thread, beside that of [`in_private_netns`].
///
/// # Panics
/// As there.
#[must_use]
pub fn second_cable() -> Veth {
    cable("zc-master2", "zc-peer2")
}

/// A veth pair whose ends have `queues` queues in each direction, in the namespace of the calling thread.
///
/// # Panics
/// As [`in_private_netns`].
#[must_use]
pub fn cable_with_queues(master: &str, peer: &str, queues: usize) -> Veth {
    cable_with(master, peer, &format!("numtxqueues {queues} numrxqueues {queues}"))
}

/// Runs `ip` with these arguments in the namespace of the calling thread.
///
/// # Panics
/// When `ip` is missing or fails.
pub fn ip(arguments: &str) {
    let _ = run_ip(arguments);
}

/// Another network namespace beside that of the calling thread, empty, to move interfaces to. It goes when this is
/// dropped, with what is in it.
#[derive(Debug)]
pub struct OtherNetns {
    thread: nix::unistd::Pid,
    home: nix::unistd::Pid,
    orders: mpsc::Sender<String>,
    done: mpsc::Receiver<()>,
}

impl OtherNetns {
    /// Makes one.
    ///
    /// # Panics
    /// As [`in_private_netns`].
    #[must_use]
    pub fn new() -> Self {
        let (orders, to_do) = mpsc::channel::<String>();
        let (is_done, done) = mpsc::channel();
        let (is_there, there) = mpsc::channel();
        let home = nix::unistd::gettid();
        std::thread::spawn(move || {
            nix::sched::unshare(nix::sched::CloneFlags::CLONE_NEWNET).expect("needs CAP_SYS_ADMIN");
            is_there.send(nix::unistd::gettid()).expect("somebody waits for it");
            for order in to_do {
                ip(&order);
                is_done.send(()).expect("somebody waits for it");
            }
        });
        let thread = there.recv().expect("the namespace is made");
        Self { thread, home, orders, done }
    }

    /// Moves an interface of the namespace of the thread that made this to it.
    ///
    /// # Panics
    /// As [`ip`].
    pub fn take(&self, interface: &str) {
        ip(&format!("link set {interface} netns {}", self.thread));
    }

    /// Moves an interface back, and sets it up there.
    ///
    /// # Panics
    /// As [`ip`].
    pub fn give_back(&self, interface: &str) {
        self.orders.send(format!("link set {interface} netns {}", self.home)).expect("the namespace is there");
        self.done.recv().expect("the interface moves");
        ip(&format!("link set {interface} up"));
    }
}

impl Default for OtherNetns {
    fn default() -> Self {
        Self::new()
    }
}

fn run_ip(arguments: &str) -> String {
    let output = Command::new("ip")
        .args(arguments.split_whitespace())
        .output()
        .unwrap_or_else(|error| panic!("run ip (package iproute2): {error}"));
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "needs CAP_NET_ADMIN: ip {arguments}: {err}");
    out.into_owned()
}

fn cable(master: &str, peer: &str) -> Veth {
    cable_with(master, peer, "")
}

/// A cable whose ends are both made with these options of `ip link add`.
fn cable_with(master: &str, peer: &str, options: &str) -> Veth {
    let veth = Veth { master: master.to_owned(), peer: peer.to_owned() };
    // The file is absent if the kernel has no IPv6.
    let switch = "/proc/sys/net/ipv6/conf/default/disable_ipv6";
    if std::path::Path::new(switch).exists() {
        std::fs::write(switch, "1").unwrap_or_else(|error| panic!("needs CAP_NET_ADMIN: write {switch}: {error}"));
    }
    ip(&format!("link add {master} {options} type veth peer name {peer} {options}"));
    ip("link set lo up");
    for name in [&veth.master, &veth.peer] {
        ip(&format!("link set {name} up"));
    }
    await_carrier(&veth);
    veth
}

/// Waits until both ends have a carrier, which the kernel reports a little after they are up.
fn await_carrier(veth: &Veth) {
    let deadline = Instant::now() + Duration::from_secs(5);
    for name in [&veth.master, &veth.peer] {
        while !run_ip(&format!("link show dev {name}")).contains("state UP") {
            assert!(Instant::now() < deadline, "interface {name} has no carrier");
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}
