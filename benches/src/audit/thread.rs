//! A thread of this process as `/proc` shows it: page faults (`/proc/PID/task/TID/stat`, fields 10 and 12) and context
//! switches (`status`), see proc(5); and the pages that the kernel moved (`/proc/vmstat`).

use super::AuditError;
use std::fs;

/// Name of the realtime thread.
const NAME: &str = "zc-rt";

/// Counts since the thread began, or between two readings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct ThreadReading {
    pub(super) page_faults: u64,
    pub(super) pages_migrated: u64,
    pub(super) switches_voluntary: u64,
    pub(super) switches_involuntary: u64,
}

/// The realtime thread.
pub(super) fn realtime() -> Result<i32, AuditError> {
    let mut found = Vec::new();
    for task in fs::read_dir("/proc/self/task")? {
        let task = task?;
        // A thread that ends meanwhile isn't the one we look for.
        let name = fs::read_to_string(task.path().join("comm")).unwrap_or_default();
        if name.trim_end() == NAME {
            found.extend(task.file_name().to_str().and_then(|tid| tid.parse::<i32>().ok()));
        }
    }
    match found.as_slice() {
        [tid] => Ok(*tid),
        several => Err(AuditError::Thread(several.len())),
    }
}

impl ThreadReading {
    pub(super) fn of(tid: i32) -> Result<Self, AuditError> {
        let stat = fs::read_to_string(format!("/proc/self/task/{tid}/stat"))?;
        let status = fs::read_to_string(format!("/proc/self/task/{tid}/status"))?;
        let machine = fs::read_to_string("/proc/vmstat")?;
        Ok(Self::parse(&stat, &status, &machine))
    }

    fn parse(stat: &str, status: &str, machine: &str) -> Self {
        // The name may hold spaces and brackets; the third field follows its last one.
        let (_, fields) = stat.rsplit_once(')').unwrap_or_default();
        let field = |number: usize| fields.split_whitespace().nth(number - 3).and_then(|text| text.parse().ok());
        let line = |text: &str, key: &str| {
            let value = text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix([':', ' ']));
            value.and_then(|text| text.trim().parse().ok()).unwrap_or(0)
        };
        Self {
            page_faults: field(10).unwrap_or(0u64) + field(12).unwrap_or(0),
            pages_migrated: line(machine, "pgmigrate_success"),
            switches_voluntary: line(status, "voluntary_ctxt_switches"),
            switches_involuntary: line(status, "nonvoluntary_ctxt_switches"),
        }
    }

    pub(super) fn since(self, earlier: Self) -> Self {
        Self {
            page_faults: self.page_faults.saturating_sub(earlier.page_faults),
            pages_migrated: self.pages_migrated.saturating_sub(earlier.pages_migrated),
            switches_voluntary: self.switches_voluntary.saturating_sub(earlier.switches_voluntary),
            switches_involuntary: self.switches_involuntary.saturating_sub(earlier.switches_involuntary),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_and_switches_are_found_behind_any_name() {
        let stat = "314 (a ) b) S 1 314 314 0 -1 4194304 17 0 3 0 5 6 0 0 20 0 1 0 1 2 3";
        let status = "Name:\tx\nvoluntary_ctxt_switches:\t42\nnonvoluntary_ctxt_switches:\t7\n";
        let machine = "pgmigrate_success 99\npgmigrate_fail 1\n";
        let expected =
            ThreadReading { page_faults: 20, pages_migrated: 99, switches_voluntary: 42, switches_involuntary: 7 };
        assert_eq!(ThreadReading::parse(stat, status, machine), expected);
    }

    #[test]
    fn a_sleep_is_seen_from_outside() {
        let (tell, told) = std::sync::mpsc::channel();
        let (go, gone) = std::sync::mpsc::channel::<()>();
        let sleeper = std::thread::spawn(move || {
            tell.send(nix::unistd::gettid().as_raw()).unwrap();
            gone.recv().unwrap();
            std::thread::sleep(std::time::Duration::from_millis(1));
            tell.send(0).unwrap();
            let _ = gone.recv();
        });
        let tid = told.recv().unwrap();
        let before = ThreadReading::of(tid).unwrap();
        go.send(()).unwrap();
        told.recv().unwrap();
        assert!(ThreadReading::of(tid).unwrap().since(before).switches_voluntary >= 1);
        drop(go);
        sleeper.join().unwrap();
    }
}
