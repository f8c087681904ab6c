//! A shell that a page is typed into, and all that it and its jobs print.
//!
//! It runs in mounts of its own, so that a network namespace that the page names is the test's alone, and goes with what was
//! started in it, also when the test fails.

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use std::io::{Read, Write};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, ChildStdin, Command};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use zerocat_testkit::{Folder, mounts};

use crate::page::has_lines;

/// Longest wait for what a command is to show. It is reached only by a test that fails.
const PATIENCE: Duration = Duration::from_secs(60);
const LOOK: Duration = Duration::from_millis(20);
/// Between two looks by a command.
const AGAIN: Duration = Duration::from_millis(200);
/// Commands that only look: they are typed again until they show what they are to show, as a person would.
const LOOKING: [&str; 4] = ["tail ", "awk ", "grep ", "cat "];
/// Commands whose exit code depends on the machine.
const JUDGING: [&str; 1] = ["zerocat doctor "];
const MARK: &str = "what was typed has ended with";

/// A running shell.
#[derive(Debug)]
pub(crate) struct Shell {
    child: Child,
    input: ChildStdin,
    said: Arc<Mutex<String>>,
    marks: usize,
}

impl Shell {
    /// Starts one in a folder. Network namespaces by name are visible only to the calling thread and the shell.
    pub(crate) fn start(folder: &Folder) -> Self {
        let names = Path::new("/run/netns");
        std::fs::create_dir_all(names).unwrap();
        mounts::small_disk(names, "64k");
        let (mut output, theirs) = std::io::pipe().unwrap();
        let mut command = Command::new("bash");
        let path = format!("{}:{}", folder.path("bin").display(), std::env::var("PATH").unwrap());
        command.args(["--norc", "--noprofile"]).current_dir(folder.root()).env("PATH", path).process_group(0);
        command.env_remove("ZEROCAT_LOG").stdin(std::process::Stdio::piped());
        command.stdout(theirs.try_clone().unwrap()).stderr(theirs);
        let mut child = command.spawn().unwrap();
        drop(command);
        let said = Arc::new(Mutex::new(String::new()));
        let into = Arc::clone(&said);
        std::thread::spawn(move || {
            let mut piece = [0; 4096];
            while let Ok(length @ 1..) = output.read(&mut piece) {
                into.lock().unwrap().push_str(&String::from_utf8_lossy(&piece[..length]));
            }
        });
        let input = child.stdin.take().unwrap();
        Self { child, input, said, marks: 0 }
    }

    /// All that was shown so far.
    pub(crate) fn said(&self) -> String {
        self.said.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Writes a file where the shell is.
    pub(crate) fn write(&mut self, name: &str, text: &str) -> Result<(), String> {
        self.command(&format!("cat > {name} <<'END'\n{text}\nEND"), &[])
    }

    /// Types a command, and waits until it has ended (or is in the background) and these lines were shown since. One that only
    /// looks is typed again until they are.
    pub(crate) fn command(&mut self, command: &str, shows: &[String]) -> Result<(), String> {
        let deadline = Instant::now() + PATIENCE;
        let looks = LOOKING.iter().any(|word| command.starts_with(word));
        loop {
            let since = self.said().len();
            let code = self.enter(command, since, deadline)?;
            while !looks && !has_lines(&self.said()[since..], shows) && Instant::now() < deadline {
                std::thread::sleep(LOOK);
            }
            let ended_well = code == "0" || JUDGING.iter().any(|word| command.starts_with(word));
            if ended_well && has_lines(&self.said()[since..], shows) {
                return Ok(());
            }
            if !looks || Instant::now() > deadline {
                return Err(format!("`{command}` ended with {code}, and should show\n{}", shows.join("\n")));
            }
            std::thread::sleep(AGAIN);
        }
    }

    /// Types a command and waits for its end. Returns its exit code.
    fn enter(&mut self, command: &str, since: usize, deadline: Instant) -> Result<String, String> {
        self.marks += 1;
        let mark = format!("{MARK} {} {}: ", self.marks, std::process::id());
        writeln!(self.input, "{command}\necho \"{mark}$?.\"").map_err(|error| format!("`{command}`: {error}"))?;
        while Instant::now() < deadline {
            let said = self.said();
            let code = said[since..].split_once(&mark).and_then(|(_, code)| code.split_once('.'));
            if let Some((code, _)) = code {
                return Ok(code.to_owned());
            }
            std::thread::sleep(LOOK);
        }
        Err(format!("`{command}` doesn't end"))
    }
}

impl Drop for Shell {
    fn drop(&mut self) {
        // Its jobs are in its group. Both fail where it has ended, which is as good.
        let _ = killpg(Pid::from_raw(self.child.id().cast_signed()), Signal::SIGKILL);
        let _ = self.child.wait();
    }
}
