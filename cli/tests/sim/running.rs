//! A running `zerocat sim` with events on standard output, and what is asked of it.

use crate::program::{Ended, Input, Program};
use serde_json::Value;
use std::path::PathBuf;
use zerocat_testkit::Folder;
use zerocat_testkit::netns::Veth;

/// A path in a folder of its own.
pub(crate) struct Place {
    pub(crate) path: PathBuf,
    folder: Folder,
}

impl Place {
    pub(crate) fn new(name: &str) -> Self {
        let folder = Folder::new();
        Self { path: folder.path(name), folder }
    }

    pub(crate) fn with(name: &str, text: &str) -> Self {
        let place = Self::new(name);
        place.folder.write(name, text);
        place
    }

    pub(crate) fn text(&self) -> &str {
        self.path.to_str().unwrap()
    }
}

/// A segment that takes commands.
pub(crate) struct Running {
    pub(crate) program: Program,
    input: Input,
}

impl Running {
    /// At the far end of a cable.
    pub(crate) fn at(veth: &Veth, options: &[&str]) -> Self {
        Self::start(&[&["--interface", &veth.peer], options].concat())
    }

    /// With these options, of which one says where.
    pub(crate) fn start(options: &[&str]) -> Self {
        let mut program = Program::start(&[&["sim", "--json"], options].concat());
        program.await_error("serving");
        let input = program.input();
        Self { program, input }
    }

    /// Gives a command and waits until it is told what became of it; says what was wrong with it.
    pub(crate) fn command(&mut self, text: &str) -> Option<String> {
        let before = self.reports(text).len();
        self.input.line(text);
        let what = format!("event of `{text}`");
        self.program.await_output(&what, |said| reports(said, text).len() > before);
        self.reports(text)[before]["problem"].as_str().map(str::to_owned)
    }

    /// Gives a command that is to be carried out.
    #[track_caller]
    pub(crate) fn done(&mut self, text: &str) {
        assert_eq!(self.command(text), None, "{text}");
    }

    fn reports(&self, text: &str) -> Vec<Value> {
        reports(&self.program.output(), text)
    }

    /// Gives a command after which it ends, and waits for that.
    pub(crate) fn quit(mut self) -> Ended {
        self.input.line("quit");
        self.program.end().with_code(0)
    }

    /// Ends it, and gives what it served.
    pub(crate) fn served(self) -> Value {
        parse(self.quit().out.lines().last().unwrap())
    }
}

fn reports(said: &str, text: &str) -> Vec<Value> {
    // The last line may still be on its way.
    let whole = said.split_inclusive('\n').filter(|line| line.ends_with('\n'));
    whole.map(parse).filter(|line| line["command"] == text).collect()
}

/// A line of JSON.
pub(crate) fn parse(line: &str) -> Value {
    serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))
}
