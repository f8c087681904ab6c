//! `run` as a job of a shell: in the background, stopped and continued, without its terminal, and under the programs that users
//! put before and behind it.

use crate::bench_set::{Folder, Segment, demo_rig, in_some_attempts, read_json};
use crate::program::{PATIENCE, Program};
use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::pty::{Winsize, openpty};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::{Value, json};
use std::cell::RefCell;
use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::AsFd;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use zerocat_testkit::netns::in_private_netns;

const ZEROCAT: &str = env!("CARGO_BIN_EXE_zerocat");
const OFF: &str = "commands on standard input are not read: this job is in the background";
const IN_OP: &str = "SubDevices in OP after";
const FAILED: &str = "zerocat: bring the bus up";
/// An output of the demonstration, and the input that it is wired to.
const OUTPUT: &str = "100013";
const INPUT: &str = "100004";

/// A shell with job control on a terminal of its own.
struct Shell {
    child: Child,
    keyboard: File,
    seen: Arc<Mutex<String>>,
    reader: Option<JoinHandle<()>>,
    closed: Arc<AtomicBool>,
}

impl Shell {
    fn start() -> Self {
        let size = Winsize { ws_row: 24, ws_col: 200, ws_xpixel: 0, ws_ypixel: 0 };
        let pty = openpty(Some(&size), None).unwrap();
        // What another test starts meanwhile must not hold it open.
        fcntl(&pty.master, FcntlArg::F_SETFD(FdFlag::FD_CLOEXEC)).unwrap();
        fcntl(&pty.slave, FcntlArg::F_SETFD(FdFlag::FD_CLOEXEC)).unwrap();
        let [input, output, errors] = [(); 3].map(|()| Stdio::from(pty.slave.try_clone().unwrap()));
        let mut shell = Command::new("setsid");
        shell.args(["--ctty", "bash", "--norc", "--noprofile", "--noediting", "-i"]);
        shell.env("TERM", "xterm").env("PS1", "$ ").env_remove("ZEROCAT_LOG");
        let child = shell.stdin(input).stdout(output).stderr(errors).spawn().unwrap();
        drop((shell, pty.slave));
        let keyboard = File::from(pty.master);
        let (seen, screen) = (Arc::<Mutex<String>>::default(), keyboard.try_clone().unwrap());
        let (into, closed) = (Arc::clone(&seen), Arc::<AtomicBool>::default());
        let until = Arc::clone(&closed);
        let reader = std::thread::spawn(move || watch(screen, &into, &until));
        Self { child, keyboard, seen, reader: Some(reader), closed }
    }

    fn types(&mut self, text: &str) {
        self.keyboard.write_all(text.as_bytes()).unwrap();
    }

    fn text(&self) -> String {
        self.seen.lock().unwrap().clone()
    }

    /// Waits until something is on the terminal so many times.
    fn awaits(&self, text: &str, times: usize) {
        await_so(&format!("`{text}`"), || self.text().matches(text).count() >= times, || self.text());
    }

    /// Starts a run by a line, and waits until something is on the terminal; again where a simulated segment on a busy machine
    /// didn't answer in time.
    fn starts(&mut self, line: &str, text: &str) {
        const ATTEMPTS: usize = 10;
        let count = |shell: &Self, text: &str| shell.text().matches(text).count();
        let (before, failed) = (count(self, text), count(self, FAILED));
        for attempt in 0..ATTEMPTS {
            self.types(line);
            let is_there = || count(self, text) > before;
            let has_failed = || count(self, FAILED) > failed + attempt;
            await_so(&format!("`{text}`"), || is_there() || has_failed(), || self.text());
            if is_there() {
                return;
            }
        }
        panic!("not in OP in {ATTEMPTS} attempts:\n{}", self.text());
    }

    /// Waits until a process has been started in the background, and gives its number.
    fn background_process(&mut self) -> i32 {
        self.types("echo \"process:$!:\"\n");
        let find = |text: &str| text.split("process:").filter_map(|rest| rest.split(':').next()?.parse().ok()).next();
        await_so("a process", || find(&self.text()).is_some(), || self.text());
        find(&self.text()).unwrap()
    }

    /// Brings the run to the foreground, and waits until it draws its figures there.
    fn has_it_in_the_foreground(&mut self) {
        let drawn = self.text().matches("round trip").count();
        self.types("fg; echo \"ended with $?.\"\n");
        self.awaits("round trip", drawn + 1);
    }

    /// Ends the run in the foreground, which must end well.
    fn ends_by_ctrl_c(&mut self) {
        self.types("\x03");
        self.awaits("ended with 0.", 1);
    }

    /// Closes its terminal, as a window that is closed or a connection that is lost.
    fn hang_up(mut self) {
        // SYNC: a flag; it publishes nothing. Pairs with the load in `watch`.
        self.closed.store(true, Ordering::Relaxed);
        self.reader.take().unwrap().join().unwrap();
        self.keyboard = File::open("/dev/null").unwrap();
        let child = RefCell::new(&mut self.child);
        await_so("end of the shell", || child.borrow_mut().try_wait().unwrap().is_some(), String::new);
    }
}

/// Collects what is on the screen until it is closed.
fn watch(mut screen: File, into: &Mutex<String>, closed: &AtomicBool) {
    let mut piece = [0; 4096];
    // SYNC: a flag; it publishes nothing. Pairs with the store in `hang_up`.
    while !closed.load(Ordering::Relaxed) {
        let ready = poll(&mut [PollFd::new(screen.as_fd(), PollFlags::POLLIN)], PollTimeout::from(20u8));
        if ready != Ok(1) {
            continue;
        }
        let Ok(count @ 1..) = screen.read(&mut piece) else { return };
        into.lock().unwrap().push_str(&String::from_utf8_lossy(&piece[..count]));
    }
}

impl Drop for Shell {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn await_so(what: &str, is_so: impl Fn() -> bool, shown: impl Fn() -> String) {
    let deadline = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < deadline, "no {what}:\n{}", shown());
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// The rig of the demonstration with commands from standard input and the inputs on standard output.
fn rig(interface: &str) -> Value {
    let mut rig = demo_rig(interface);
    rig["tasks"][0]["sink"] = json!({ "jsonl": "-" });
    rig["tasks"][1]["source"] = json!("stdin");
    for channel in rig["tasks"][1]["config"]["channels"].as_array_mut().unwrap() {
        channel.as_object_mut().unwrap().remove("waveform");
    }
    rig
}

/// Waits until the last line of a file of samples shows a value of the input.
fn await_input(samples: &str, value: u64, shell: &Shell) {
    let last = || {
        let text = std::fs::read_to_string(samples).unwrap_or_default();
        let line = text.lines().rev().find_map(|line| serde_json::from_str::<Value>(line).ok())?;
        line["channels"][INPUT].as_array()?.last()?.as_u64()
    };
    await_so(&format!("input {value}"), || last() == Some(value), || shell.text());
}

#[test]
fn a_run_in_the_background_is_not_stopped_for_its_input_and_takes_commands_once_it_is_in_the_foreground() {
    in_private_netns(|veth| {
        let (segment, folder) = (Segment::demo(veth), Folder::new());
        let (file, samples) = (folder.json("rig.json", &rig(&veth.master)), folder.path("samples.jsonl"));
        let mut shell = Shell::start();
        shell.starts(&format!("{ZEROCAT} run {file} > {samples} &\n"), IN_OP);
        shell.awaits(OFF, 1);
        await_input(&samples, 0, &shell);
        assert!(!shell.text().contains("Stopped"), "{}", shell.text());
        assert!(!shell.text().contains("round trip"), "figures in the background:\n{}", shell.text());
        shell.has_it_in_the_foreground();
        shell.types(&format!("{{\"{OUTPUT}\": 1}}\n"));
        await_input(&samples, 1, &shell);
        shell.ends_by_ctrl_c();
        assert_eq!(segment.end().states(), ["INIT"; 6]);
    });
}

#[test]
fn a_run_that_is_stopped_by_ctrl_z_for_longer_than_the_watchdog_is_an_outage_that_ends_in_op() {
    in_private_netns(|veth| {
        let (segment, folder) = (Segment::demo(veth), Folder::new());
        let (mut rig, report) = (rig(&veth.master), folder.path("report.json"));
        rig["engine"]["watchdog"] = json!("200ms");
        let (file, samples) = (folder.json("rig.json", &rig), folder.path("samples.jsonl"));
        let mut shell = Shell::start();
        shell.starts(&format!("{ZEROCAT} run {file} --report {report} > {samples}\n"), "round trip");
        shell.types("\x1a");
        shell.awaits("Stopped", 1);
        std::thread::sleep(Duration::from_secs(1));
        shell.types("bg\n");
        shell.awaits("by a signal (SIGSTOP, or Ctrl-Z), and continued", 1);
        shell.awaits("the program stood still for ", 1);
        shell.awaits("s and is in OP again", 1);
        shell.awaits(OFF, 1);
        shell.has_it_in_the_foreground();
        shell.ends_by_ctrl_c();
        let report = read_json(&report);
        assert_eq!(report["outages"]["count"], report["outages"]["recovered"], "{}", report["outages"]);
        assert!(report["outages"]["count"].as_u64() > Some(0), "{}", report["outages"]);
        assert_eq!(segment.end().states(), ["INIT"; 6]);
    });
}

#[test]
fn a_run_whose_terminal_is_closed_shuts_the_network_down_and_writes_its_report() {
    in_private_netns(|veth| {
        let (segment, folder) = (Segment::demo(veth), Folder::new());
        let (file, report) = (folder.json("rig.json", &demo_rig(&veth.master)), folder.path("report.json"));
        let mut shell = Shell::start();
        shell.starts(&format!("{ZEROCAT} run {file} --report {report}\n"), "round trip");
        shell.hang_up();
        await_so("report", || std::fs::read(&report).is_ok_and(|report| report.ends_with(b"}\n")), String::new);
        assert_eq!(read_json(&report)["outcome"]["text"], "stopped by SIGHUP");
        assert_eq!(segment.end().states(), ["INIT"; 6]);
    });
}

#[test]
fn a_run_under_nohup_outlives_its_terminal_and_ends_in_order_by_sigterm() {
    in_private_netns(|veth| {
        let (segment, folder) = (Segment::demo(veth), Folder::new());
        let (file, report) = (folder.json("rig.json", &rig(&veth.master)), folder.path("report.json"));
        let (samples, said) = (folder.path("samples.jsonl"), folder.path("said.txt"));
        let mut shell = Shell::start();
        shell.types(&format!("nohup {ZEROCAT} run {file} --report {report} > {samples} 2> {said} &\n"));
        let process = Pid::from_raw(shell.background_process());
        let told = || std::fs::read_to_string(&said).unwrap_or_default();
        await_so("OP", || told().contains(IN_OP), told);
        shell.hang_up();
        let cycles = told().matches("\ncycle ").count();
        await_so("more cycles", || told().matches("\ncycle ").count() > cycles + 1, told);
        kill(process, Signal::SIGTERM).unwrap();
        await_so("report", || std::fs::read(&report).is_ok_and(|report| report.ends_with(b"}\n")), told);
        assert_eq!(read_json(&report)["outcome"]["text"], "stopped by SIGTERM");
        assert_eq!(segment.end().states(), ["INIT"; 6]);
    });
}

#[test]
fn timeout_and_setsid_do_what_they_do_to_any_program() {
    in_private_netns(|veth| {
        let (segment, folder) = (Segment::demo(veth), Folder::new());
        let (file, report) = (folder.json("rig.json", &demo_rig(&veth.master)), folder.path("report.json"));
        let mut limited = Command::new("timeout");
        limited.args(["5", ZEROCAT, "run", &file, "--report", &report]);
        Program::start_command(limited, "a run under timeout").end().with_code(124);
        let text = read_json(&report)["outcome"]["text"].as_str().unwrap().to_owned();
        assert!(text.starts_with("stopped by SIGTERM"), "{text}");
        in_some_attempts(|| {
            let mut apart = Command::new("setsid");
            apart.args(["--wait", ZEROCAT, "run", &file, "--seconds", "0.5", "--report", &report]);
            Program::start_command(apart, "a run under setsid").end()
        });
        assert_eq!(read_json(&report)["outcome"]["text"], "done");
        assert_eq!(segment.end().states(), ["INIT"; 6]);
    });
}

#[test]
fn head_gets_the_lines_that_it_asks_for_and_the_run_goes_on_to_its_end() {
    in_private_netns(|veth| {
        let (segment, folder) = (Segment::demo(veth), Folder::new());
        let (mut rig, report) = (demo_rig(&veth.master), folder.path("report.json"));
        rig["tasks"][0]["sink"] = json!({ "jsonl": "-" });
        let file = folder.json("rig.json", &rig);
        let ended = in_some_attempts(|| {
            let mut shell = Command::new("bash");
            let line =
                format!("{ZEROCAT} run {file} --seconds 2 --report {report} | head -n 2; exit ${{PIPESTATUS[0]}}");
            shell.args(["-c", &line]);
            Program::start_command(shell, "a run before head").end()
        });
        let lines: Vec<Value> = ended.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(lines.len(), 2, "{}", ended.out);
        let report = read_json(&report);
        assert!(report["tasks"][0]["batches_lost"].as_u64() > Some(0), "{}", report["tasks"]);
        assert_eq!(segment.end().states(), ["INIT"; 6]);
        let mut shell = Command::new("bash");
        shell.args(["-c", &format!("{ZEROCAT} schema report | head -n 1; exit ${{PIPESTATUS[0]}}")]);
        let ended = Program::start_command(shell, "a schema before head").end().with_code(0);
        assert_eq!((ended.out.as_str(), ended.err.as_str()), ("{\n", ""));
    });
}
