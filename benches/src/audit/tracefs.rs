//! Which system calls a thread makes, counted by the kernel's tracer (`Documentation/trace/ftrace.rst`, `events.rst`).
//!
//! The event `raw_syscalls:sys_enter` is filtered by thread and call in trace instances of their own, one for each call
//! that is expected and one for all others. The count of an instance is the events in its buffer and those overwritten
//! there. So nothing reads the trace while the thread runs, and nothing attaches to the thread.
//!
//! Guarantees: the counts are exact; the instances are removed when the trace ends or is dropped. Not guaranteed: that
//! the thread runs as fast as without tracing; each call takes some tenths of a microsecond longer.

use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

/// The mount point that the kernel provides for tracefs.
const TRACEFS: &str = "/sys/kernel/tracing";
/// Calls that each have a count of their own.
const COUNTED: [(&str, libc::c_long); 6] = [
    ("sendto", libc::SYS_sendto),
    ("sendmmsg", libc::SYS_sendmmsg),
    ("recvfrom", libc::SYS_recvfrom),
    ("recvmsg", libc::SYS_recvmsg),
    ("recvmmsg", libc::SYS_recvmmsg),
    ("clock_nanosleep", libc::SYS_clock_nanosleep),
];
/// Other calls that a thread of ours could make, by name.
const NAMES: [(&str, libc::c_long); 16] = [
    ("clock_gettime", libc::SYS_clock_gettime),
    ("futex", libc::SYS_futex),
    ("getrusage", libc::SYS_getrusage),
    ("getsockopt", libc::SYS_getsockopt),
    ("setsockopt", libc::SYS_setsockopt),
    ("ioctl", libc::SYS_ioctl),
    ("ppoll", libc::SYS_ppoll),
    ("read", libc::SYS_read),
    ("write", libc::SYS_write),
    ("brk", libc::SYS_brk),
    ("mmap", libc::SYS_mmap),
    ("munmap", libc::SYS_munmap),
    ("mprotect", libc::SYS_mprotect),
    ("madvise", libc::SYS_madvise),
    ("sched_yield", libc::SYS_sched_yield),
    ("rt_sigreturn", libc::SYS_rt_sigreturn),
];
/// Kilobytes of an instance's buffer on each CPU. Only the instance of all other calls is read.
const BUFFER_KB: &str = "64";

/// Instances that this process has made: their names differ.
static INSTANCES: AtomicU32 = AtomicU32::new(0);

/// The tracer can't be used.
#[derive(Debug, thiserror::Error)]
#[error(
    "trace system calls: {step}: {source}; it takes root (CAP_SYS_ADMIN) and a kernel with CONFIG_FTRACE_SYSCALLS, \
     outside of a PID namespace"
)]
pub struct TraceError {
    step: String,
    source: io::Error,
}

fn failed(step: impl Into<String>) -> impl FnOnce(io::Error) -> TraceError {
    let step = step.into();
    move |source| TraceError { step, source }
}

/// A trace that runs.
#[derive(Debug)]
pub struct SyscallTrace {
    counted: Vec<(&'static str, Instance)>,
    others: Instance,
}

impl SyscallTrace {
    /// Prepares to count the system calls of the thread `tid` of this process.
    ///
    /// # Errors
    /// [`TraceError`], with what is needed.
    pub fn prepare(tid: i32) -> Result<Self, TraceError> {
        let root = Root::open()?;
        let counted = COUNTED
            .iter()
            .map(|(name, call)| Ok((*name, root.instance(name, &format!("common_pid == {tid} && id == {call}"))?)))
            .collect::<Result<_, TraceError>>()?;
        let not_counted: String = COUNTED.iter().map(|(_, call)| format!(" && id != {call}")).collect();
        let others = root.instance("others", &format!("common_pid == {tid}{not_counted}"))?;
        Ok(Self { counted, others })
    }

    /// Starts counting.
    ///
    /// # Errors
    /// [`TraceError`].
    pub fn begin(&self) -> Result<(), TraceError> {
        self.instances().try_for_each(|instance| instance.set("tracing_on", "1"))
    }

    /// Stops counting.
    ///
    /// # Errors
    /// [`TraceError`].
    pub fn end(&self) -> Result<(), TraceError> {
        self.instances().try_for_each(|instance| instance.set("tracing_on", "0"))
    }

    /// How often each call was made, for the calls that were made.
    ///
    /// # Errors
    /// [`TraceError`].
    pub fn counts(&self) -> Result<BTreeMap<String, u64>, TraceError> {
        let mut calls = BTreeMap::new();
        for (name, instance) in &self.counted {
            calls.insert((*name).to_owned(), instance.count()?);
        }
        let seen = self.others.names()?;
        // The names of overwritten events are lost.
        let nameless = self.others.count()?.saturating_sub(seen.len() as u64);
        for name in seen {
            *calls.entry(name).or_default() += 1;
        }
        calls.insert("calls overwritten in the trace".to_owned(), nameless);
        calls.retain(|_, count| *count > 0);
        Ok(calls)
    }

    fn instances(&self) -> impl Iterator<Item = &Instance> {
        self.counted.iter().map(|(_, instance)| instance).chain([&self.others])
    }
}

/// The root of tracefs. Where it isn't mounted, it is mounted in a private mount namespace and kept open by a
/// descriptor.
struct Root(File);

impl Root {
    fn open() -> Result<Self, TraceError> {
        if Path::new(TRACEFS).join("instances").exists() {
            return File::open(TRACEFS).map(Self).map_err(failed(format!("open {TRACEFS}")));
        }
        // The namespace is the thread's, and ends with it. The descriptor keeps the file system.
        std::thread::spawn(mounted)
            .join()
            .unwrap_or_else(|_| Err(io::Error::other("the thread ended by a panic")))
            .map(Self)
            .map_err(failed(format!("mount tracefs at {TRACEFS}")))
    }

    /// A new instance that records the calls that pass the filter.
    fn instance(&self, name: &str, filter: &str) -> Result<Instance, TraceError> {
        let kept = self.0.try_clone().map_err(failed("keep tracefs"))?;
        // SYNC: only uniqueness counts; nothing is published by it.
        let number = INSTANCES.fetch_add(1, Ordering::Relaxed);
        let path = PathBuf::from(format!("/proc/self/fd/{}/instances", kept.as_raw_fd()))
            .join(format!("zerocat-{}-{number}-{name}", std::process::id()));
        fs::create_dir(&path).map_err(failed("make a trace instance"))?;
        let instance = Instance { path, _root: kept };
        instance.set("tracing_on", "0")?;
        instance.set("buffer_size_kb", BUFFER_KB)?;
        instance.set("events/raw_syscalls/sys_enter/filter", filter)?;
        instance.set("events/raw_syscalls/sys_enter/enable", "1")?;
        Ok(instance)
    }
}

fn mounted() -> io::Result<File> {
    unshare(CloneFlags::CLONE_NEWNS)?;
    let nothing = None::<&str>;
    mount(nothing, "/", nothing, MsFlags::MS_REC | MsFlags::MS_PRIVATE, nothing)?;
    mount(Some("tracefs"), TRACEFS, Some("tracefs"), MsFlags::empty(), nothing)?;
    File::open(TRACEFS)
}

/// A trace instance; it is removed when this is dropped.
#[derive(Debug)]
struct Instance {
    path: PathBuf,
    _root: File,
}

impl Instance {
    fn set(&self, file: &str, value: &str) -> Result<(), TraceError> {
        fs::write(self.path.join(file), value).map_err(failed(format!("write `{value}` to {file}")))
    }

    fn read(&self, file: &str) -> Result<String, TraceError> {
        fs::read_to_string(self.path.join(file)).map_err(failed(format!("read {file}")))
    }

    /// Events so far: those in the buffers and those overwritten there, on all CPUs.
    fn count(&self) -> Result<u64, TraceError> {
        let cpus = fs::read_dir(self.path.join("per_cpu")).map_err(failed("read per_cpu"))?;
        let mut count = 0;
        for cpu in cpus {
            let cpu = cpu.map_err(failed("read per_cpu"))?.file_name();
            count += events(&self.read(&format!("per_cpu/{}/stats", cpu.to_string_lossy()))?);
        }
        Ok(count)
    }

    /// The calls that are in the buffers, by name.
    fn names(&self) -> Result<Vec<String>, TraceError> {
        Ok(self.read("trace")?.lines().filter_map(call_of).map(name_of).collect())
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        let _ = fs::write(self.path.join("tracing_on"), "0");
        let _ = fs::remove_dir(&self.path);
    }
}

/// The events of a `per_cpu/cpuN/stats` file.
fn events(stats: &str) -> u64 {
    let of = |key: &str| {
        let value = stats.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(": "));
        value.and_then(|value| value.trim().parse().ok()).unwrap_or(0)
    };
    of("entries") + of("overrun")
}

/// The number of the call in a line of the trace: `zc-rt-314 [001] ..... 12.345678: sys_enter: NR 44 (5, 0, …)`.
fn call_of(line: &str) -> Option<libc::c_long> {
    let (_, call) = line.split_once("sys_enter: NR ")?;
    call.split_whitespace().next()?.parse().ok()
}

fn name_of(call: libc::c_long) -> String {
    let known = NAMES.iter().find(|(_, number)| *number == call);
    known.map_or_else(|| format!("syscall {call}"), |(name, _)| (*name).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_those_kept_and_those_overwritten() {
        let stats = "entries: 12\noverrun: 30\ncommit overrun: 0\nbytes: 900\ndropped events: 0\nread events: 7\n";
        assert_eq!(events(stats), 42);
        assert_eq!(events(""), 0);
    }

    #[test]
    fn a_call_is_known_by_its_name_or_by_its_number() {
        let line = format!("  zc-rt-314  [001] .....  12.345678: sys_enter: NR {} (5, 0, 0)", libc::SYS_getrusage);
        assert_eq!(call_of(&line).map(name_of).as_deref(), Some("getrusage"));
        assert_eq!(call_of("# tracer: nop"), None);
        assert_eq!(name_of(99_999), "syscall 99999");
    }

    #[test]
    fn the_calls_of_one_thread_are_counted_exactly() {
        let (go, gone) = std::sync::mpsc::channel::<()>();
        let (tell, told) = std::sync::mpsc::channel();
        let other = std::thread::spawn(move || {
            tell.send(nix::unistd::gettid().as_raw()).unwrap();
            gone.recv().unwrap();
            for _ in 0..5_000 {
                let _ = nix::sys::socket::send(-1, &[], nix::sys::socket::MsgFlags::empty());
            }
            let _ = nix::unistd::read(std::io::stdin(), &mut []);
        });
        let trace = SyscallTrace::prepare(told.recv().unwrap()).unwrap();
        trace.begin().unwrap();
        go.send(()).unwrap();
        other.join().unwrap();
        trace.end().unwrap();
        let calls = trace.counts().unwrap();
        assert_eq!(calls.get("sendto"), Some(&5_000), "more than fit into the buffer: {calls:?}");
        assert_eq!(calls.get("read"), Some(&1), "{calls:?}");
        assert_eq!(calls.get("recvfrom"), None);
        assert_eq!(calls.get("calls overwritten in the trace"), None);
    }
}
