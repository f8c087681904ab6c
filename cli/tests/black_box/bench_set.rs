//! What the tests put around the command: files in a folder of their own, a simulated segment, an interface to look
//! at.

use crate::program::{Ended, Input, Program};
use nix::sys::signal::Signal;
use serde_json::{Value, json};
use std::path::Path;
use std::process::Command;
use zerocat_sim::SegmentConfig;
use zerocat_testkit::netns::Veth;

const RIG: &str = include_str!("../../../examples/demo-rig.json");

/// A folder of a test's own, whose files are named as arguments.
#[derive(Debug)]
pub(crate) struct Folder(zerocat_testkit::Folder);

impl Folder {
    /// An empty one.
    pub(crate) fn new() -> Self {
        Self(zerocat_testkit::Folder::new())
    }

    /// The path of a file in it, as an argument.
    pub(crate) fn path(&self, name: &str) -> String {
        self.0.path(name).to_str().unwrap().to_owned()
    }

    /// Writes a file and gives its path.
    pub(crate) fn file(&self, name: &str, text: &str) -> String {
        self.0.write(name, text).to_str().unwrap().to_owned()
    }

    /// Writes a JSON file and gives its path.
    pub(crate) fn json(&self, name: &str, value: &Value) -> String {
        self.file(name, &value.to_string())
    }
}

/// A JSON file.
pub(crate) fn read_json(path: impl AsRef<Path>) -> Value {
    let path = path.as_ref();
    let text = std::fs::read_to_string(path).unwrap_or_else(|error| panic!("read {}: {error}", path.display()));
    serde_json::from_str(&text).unwrap()
}

/// Reads a draft that is JSON, without its comments.
pub(crate) fn read_draft(path: impl AsRef<Path>) -> Value {
    let path = path.as_ref();
    let text = std::fs::read_to_string(path).unwrap_or_else(|error| panic!("read {}: {error}", path.display()));
    let bare: String = text.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
    serde_json::from_str(&bare).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

/// The rig of the demonstration on this interface, in a way that a busy machine keeps up with: at a fifth of its rate, and
/// with SubDevices that may be alone for a second before their watchdogs expire.
pub(crate) fn demo_rig(interface: &str) -> Value {
    let mut rig: Value = serde_json::from_str(RIG).unwrap();
    rig["network"]["properties"]["interface"] = json!(interface);
    rig["network"]["properties"]["rate"] = json!(200);
    rig["engine"]["watchdog"] = json!("1s");
    rig
}

/// A `zerocat sim`.
#[derive(Debug)]
pub(crate) struct Segment {
    program: Program,
    input: Option<Input>,
    _folder: Folder,
}

impl Segment {
    /// The segment of the demonstration at the peer's end.
    pub(crate) fn demo(veth: &Veth) -> Self {
        Self::of(veth, &SegmentConfig::demo())
    }

    /// Any segment at the peer's end.
    pub(crate) fn of(veth: &Veth, config: &SegmentConfig) -> Self {
        let folder = Folder::new();
        let file = folder.file("segment.json", &config.to_json());
        let mut program = Program::start(&["sim", "--interface", &veth.peer, "--config", &file, "--json"]);
        program.await_error("serving");
        Self { program, input: None, _folder: folder }
    }

    /// Types a command into it.
    pub(crate) fn command(&mut self, text: &str) {
        self.input.get_or_insert_with(|| self.program.input()).line(text);
    }

    /// Ends it, and gives what it served.
    pub(crate) fn end(self) -> Served {
        let ended = self.program.stop(Signal::SIGTERM).with_code(0);
        let last = ended.out.lines().last().unwrap_or_default();
        Served(serde_json::from_str(last).unwrap_or_else(|error| panic!("{error} in:\n{}", ended.out)))
    }
}

/// What a segment served.
#[derive(Debug)]
pub(crate) struct Served(pub(crate) Value);

impl Served {
    /// A SubDevice by its name.
    pub(crate) fn subdevice(&self, name: &str) -> &Value {
        let all = self.0["subdevices"].as_array().unwrap();
        all.iter().find(|subdevice| subdevice["name"] == name).unwrap_or_else(|| panic!("{name} in {}", self.0))
    }

    /// AL states, in bus order.
    pub(crate) fn states(&self) -> Vec<&str> {
        self.0["subdevices"].as_array().unwrap().iter().map(|subdevice| subdevice["state"].as_str().unwrap()).collect()
    }
}

/// What the kernel shows of an interface: flags, MTU, queues, XDP program.
pub(crate) fn interface(name: &str) -> Value {
    let shown = Command::new("ip").args(["-details", "-json", "link", "show", "dev", name]).output().unwrap();
    assert!(shown.status.success(), "{}", String::from_utf8_lossy(&shown.stderr));
    let list: Value = serde_json::from_slice(&shown.stdout).unwrap();
    list[0].clone()
}

/// Runs `zerocat run` with a rig to its end.
pub(crate) fn run(rig: &Value, options: &[&str]) -> Ended {
    let folder = Folder::new();
    let file = folder.json("rig.json", rig);
    crate::program::zerocat(&[&["run", &file], options].concat())
}

/// Runs something until it ends well, in some attempts: on a busy machine a simulated segment, which is an ordinary
/// program, may not answer for longer than a bring-up waits.
pub(crate) fn in_some_attempts(run: impl Fn() -> Ended) -> Ended {
    unless_starved(run).with_code(0)
}

/// Runs something, and again where nobody answered in time.
pub(crate) fn unless_starved(run: impl Fn() -> Ended) -> Ended {
    const ATTEMPTS: usize = 10;
    const STARVED: [&str; 4] =
        ["no SubDevice answered", "no answer in", "is not complete after", "SubDevices answered, then"];
    let starved = |ended: &Ended| STARVED.iter().any(|text| ended.err.contains(text));
    let again = (1..ATTEMPTS).map(|_| run()).find(|ended| !starved(ended));
    again.unwrap_or_else(run)
}

/// Starts `zerocat run` with a rig and waits until it is in OP.
pub(crate) fn in_op(folder: &Folder, rig: &Value, options: &[&str]) -> Program {
    let file = folder.json("rig.json", rig);
    let mut program = Program::start(&[&["run", &file], options].concat());
    program.await_error("SubDevices in OP after");
    program
}
