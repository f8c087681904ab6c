//! What is said, and what isn't: standard error and standard output that are closed, full or not read change nothing of a
//! run but what is read of it.

use crate::bench_set::{Folder, Segment, demo_rig, in_some_attempts, read_json, run};
use crate::program::{Program, zerocat};
use crate::terminal::Terminal;
use nix::sys::signal::Signal;
use serde_json::{Value, json};
use std::fs::File;
use std::os::fd::OwnedFd;
use std::process::{Command, Stdio};
use zerocat_testkit::netns::in_private_netns;

/// Where a stream leads that takes nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Deaf {
    Full,
    BrokenPipe,
    /// A pipe that is full and has a reader who never reads.
    Asleep,
}

const ALL: [Deaf; 3] = [Deaf::Full, Deaf::BrokenPipe, Deaf::Asleep];

impl Deaf {
    /// The stream, and its reader, if there is one that must stay.
    fn open(self) -> (Stdio, Option<OwnedFd>) {
        if self == Self::Full {
            return (File::options().write(true).open("/dev/full").unwrap().into(), None);
        }
        let (reader, writer) = std::io::pipe().unwrap();
        if self == Self::BrokenPipe {
            return (writer.into(), None);
        }
        fill(&writer);
        (writer.into(), Some(reader.into()))
    }
}

/// Writes into a pipe until it takes no more.
pub(crate) fn fill(pipe: &std::io::PipeWriter) {
    use nix::fcntl::{FcntlArg, OFlag, fcntl};
    fcntl(pipe, FcntlArg::F_SETFL(OFlag::O_NONBLOCK)).unwrap();
    while nix::unistd::write(pipe, &[b'x'; 4096]).is_ok() {}
    fcntl(pipe, FcntlArg::F_SETFL(OFlag::empty())).unwrap();
}

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_zerocat"));
    command.args(arguments);
    command
}

/// Holds that a run in order was made, as its report tells.
fn assert_orderly(report: &Value, deaf: Deaf) {
    assert!(report["cycles"]["done"].as_u64() > Some(0), "{deaf:?}: {report}");
    assert_eq!(report["outcome"]["exit_code"], 0, "{deaf:?}: {report}");
    assert!(report["unsaid"].as_u64() > Some(0), "{deaf:?}: {report}");
}

#[test]
fn a_run_whose_standard_error_takes_nothing_ends_in_order_and_counts_what_it_could_not_say() {
    in_private_netns(|veth| {
        let segment = Segment::demo(veth);
        let folder = Folder::new();
        let (rig, report) = (folder.json("rig.json", &demo_rig(&veth.master)), folder.path("report.json"));
        for deaf in ALL {
            for more in [&["--quiet", "--json"][..], &["-vv"]] {
                let arguments = [&["run", &rig, "--seconds", "1.5", "--report", &report], more].concat();
                in_some_attempts(|| {
                    let (stderr, reader) = deaf.open();
                    let said = format!("a run with {deaf:?}");
                    let ended = Program::start_with_errors(command(&arguments), stderr, &said).end();
                    drop(reader);
                    ended
                });
                if more[0] == "-vv" {
                    assert_orderly(&read_json(&report), deaf);
                }
                std::fs::remove_file(&report).unwrap();
            }
        }
        assert_eq!(segment.end().states(), ["INIT"; 6]);
    });
}

#[test]
fn a_demo_a_check_and_a_wrong_argument_end_as_always_where_standard_error_takes_nothing() {
    let folder = Folder::new();
    let right = folder.json("rig.json", &demo_rig("zc-master"));
    let wrong = folder.file("wrong.json", "{}");
    let cases = [
        (&["demo", "--in-process", "--seconds", "0.3"][..], 0),
        (&["check", &right], 0),
        (&["check", &wrong], 3),
        (&["fly"], 2),
        (&["scan", "--interface", "nowhere0", "-vv"], 4),
    ];
    for deaf in ALL {
        for (arguments, code) in cases {
            let (stderr, reader) = deaf.open();
            let program =
                Program::start_with_errors(command(arguments), stderr, &format!("{arguments:?} with {deaf:?}"));
            program.end().with_code(code);
            drop(reader);
        }
    }
}

#[test]
fn a_segment_is_served_where_standard_error_takes_nothing() {
    in_private_netns(|veth| {
        for deaf in ALL {
            let (stderr, reader) = deaf.open();
            let sim = command(&["sim", "--interface", &veth.peer]);
            let sim = Program::start_with_errors(sim, stderr, &format!("a simulator with {deaf:?}"));
            in_some_attempts(|| run(&demo_rig(&veth.master), &["--seconds", "0.3"]));
            sim.stop(Signal::SIGTERM).with_code(0);
            drop(reader);
        }
    });
}

#[test]
fn a_summary_or_report_that_standard_output_does_not_take_is_a_failure_that_is_said() {
    for deaf in ALL {
        for more in [&[][..], &["--json"]] {
            let (stdout, reader) = deaf.open();
            let arguments = [&["demo", "--in-process", "--seconds", "0.3"], more].concat();
            let program = Program::start_with_output(command(&arguments), stdout, &format!("a demo with {deaf:?}"));
            program.end().with_code(1).saying(&["standard output: "]);
            drop(reader);
        }
    }
}

#[test]
fn help_and_schema_that_a_full_disk_does_not_take_are_failures() {
    for arguments in [&["--help"][..], &["run", "--help"], &["--version"], &["schema", "rig"]] {
        let (stdout, _) = Deaf::Full.open();
        let program = Program::start_with_output(command(arguments), stdout, &format!("{arguments:?} to a full disk"));
        program.end().with_code(1).saying(&["standard output: "]);
    }
}

#[test]
fn streams_that_are_closed_end_nothing() {
    let folder = Folder::new();
    let report = folder.path("report.json");
    let mut shell = Command::new("sh");
    let zerocat = env!("CARGO_BIN_EXE_zerocat");
    shell.args(["-c", &format!("exec {zerocat} demo --in-process --seconds 0.3 --report {report} >&- 2>&- <&-")]);
    Program::start_command(shell, "a demo without streams").end().with_code(0);
    assert_eq!(read_json(&report)["outcome"]["exit_code"], 0);
}

#[test]
fn a_file_size_limit_is_an_error_of_the_write_and_no_end() {
    let folder = Folder::new();
    let report = folder.path("report.json");
    let mut limited = Command::new("prlimit");
    let zerocat_program = env!("CARGO_BIN_EXE_zerocat");
    limited.args(["--fsize=100", zerocat_program, "demo", "--in-process", "--seconds", "0.3", "--report", &report]);
    let ended = Program::start_command(limited, "a demo that may write 100 bytes").end().with_code(1);
    ended.saying(&["report.json", "File too large"]);
    zerocat(&["--version"]).with_code(0);
}

#[test]
fn a_long_message_is_broken_at_blanks_on_a_terminal_and_stays_one_line_in_a_pipe() {
    let folder = Folder::new();
    let rig = folder.json("rig.json", &json!({ "network": { "interface": "eth0", "rate": -1 }, "slaves": "none" }));
    let (terminal, program) = Terminal::start(60, &["check", &rig]);
    program.end().with_code(3);
    let (_, lines) = terminal.end();
    let said: Vec<&str> = lines.iter().map(|line| line.trim_end()).filter(|line| !line.is_empty()).collect();
    let piped = zerocat(&["check", &rig]).with_code(3).err;
    assert_eq!((piped.lines().count(), said.len() > 1), (1, true), "{piped}\n{said:#?}");
    assert!(said[0].starts_with("zerocat: ") && said[1..].iter().all(|line| line.starts_with("  ")), "{said:#?}");
    let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(words(&said.join(" ")), words(&piped));
}
