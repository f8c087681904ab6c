//! A running `zerocat`: what it prints is collected while it runs, and it never outlives its test.

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Longest wait for anything that a program is to do. It is reached only by a test that fails.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);
const LOOK: Duration = Duration::from_millis(5);

/// A running program.
#[derive(Debug)]
pub(crate) struct Program {
    child: Child,
    said: String,
    out: Stream,
    err: Stream,
}

/// How a program ended.
#[derive(Debug)]
pub(crate) struct Ended {
    /// Its exit code; none where a signal ended it.
    pub(crate) code: Option<i32>,
    /// The signal that ended it.
    pub(crate) signal: Option<i32>,
    /// Standard output.
    pub(crate) out: String,
    /// Standard error.
    pub(crate) err: String,
}

impl Program {
    /// Starts `zerocat` with these arguments in the namespace of the calling thread.
    pub(crate) fn start(arguments: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_zerocat"));
        command.args(arguments);
        Self::start_command(command, &format!("zerocat {}", arguments.join(" ")))
    }

    /// Starts a command that becomes `zerocat`, and is `said` so where it fails.
    pub(crate) fn start_command(command: Command, said: &str) -> Self {
        Self::spawn(command, Stdio::piped(), Stdio::piped(), said)
    }

    /// As [`Self::start_command`], with a standard error of the test's.
    pub(crate) fn start_with_errors(command: Command, errors: Stdio, said: &str) -> Self {
        Self::spawn(command, Stdio::piped(), errors, said)
    }

    /// As [`Self::start_command`], with a standard output of the test's.
    pub(crate) fn start_with_output(command: Command, output: Stdio, said: &str) -> Self {
        Self::spawn(command, output, Stdio::piped(), said)
    }

    fn spawn(mut command: Command, output: Stdio, errors: Stdio, said: &str) -> Self {
        command.env_remove("ZEROCAT_LOG");
        command.stdin(Stdio::piped()).stdout(output).stderr(errors);
        let mut child = command.spawn().unwrap();
        let out = child.stdout.take().map_or_else(Stream::empty, Stream::collect);
        let err = child.stderr.take().map_or_else(Stream::empty, Stream::collect);
        Self { child, said: said.to_owned(), out, err }
    }

    /// Its standard input. When that is dropped, its input has ended.
    pub(crate) fn input(&mut self) -> Input {
        Input(self.child.stdin.take().unwrap())
    }

    /// Waits until it has said something on standard error.
    pub(crate) fn await_error(&mut self, text: &str) {
        self.await_in(text, |program| &program.err, |said| said.contains(text));
    }

    /// Waits until it has said something so many times on standard error.
    pub(crate) fn await_errors(&mut self, text: &str, times: usize) {
        self.await_in(text, |program| &program.err, |said| said.matches(text).count() >= times);
    }

    /// Waits until it has said something on standard error, or has ended. Returns whether it said it.
    pub(crate) fn says_before_it_ends(&mut self, text: &str) -> bool {
        let deadline = Instant::now() + PATIENCE;
        while !self.err.text().contains(text) {
            if !self.is_running() {
                return self.err.whole().contains(text);
            }
            assert!(Instant::now() < deadline, "{} did not say `{text}`\n{}", self.said, self.shown());
            std::thread::sleep(LOOK);
        }
        true
    }

    /// Waits until a line on standard output, after those that are there now, is as wanted.
    pub(crate) fn await_line(&mut self, what: &str, wanted: impl Fn(&str) -> bool) {
        let so_far = self.out.text().lines().count();
        self.await_in(what, |program| &program.out, |said| said.lines().skip(so_far).any(&wanted));
    }

    /// What it has said on standard output so far.
    pub(crate) fn output(&self) -> String {
        self.out.text()
    }

    /// What it has said on standard error so far.
    pub(crate) fn errors(&self) -> String {
        self.err.text()
    }

    /// Waits until all that it said on standard output is as wanted.
    pub(crate) fn await_output(&mut self, what: &str, wanted: impl Fn(&str) -> bool) {
        self.await_in(what, |program| &program.out, wanted);
    }

    fn await_in(&mut self, what: &str, stream: impl Fn(&Self) -> &Stream, done: impl Fn(&str) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !done(&stream(self).text()) {
            let ended = self.child.try_wait().unwrap();
            // What it said last may have come between the two looks.
            if ended.is_some() && !done(&stream(self).whole()) {
                panic!("{} ended without `{what}`: {ended:?}\n{}", self.said, self.shown());
            }
            assert!(Instant::now() < deadline, "{} did not say `{what}`\n{}", self.said, self.shown());
            std::thread::sleep(LOOK);
        }
    }

    /// Waits until something is so.
    pub(crate) fn await_so(&mut self, what: &str, is_so: impl Fn(&Self) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !is_so(self) {
            let ended = self.child.try_wait().unwrap();
            assert!(ended.is_none(), "{} ended before {what}: {ended:?}\n{}", self.said, self.shown());
            assert!(Instant::now() < deadline, "{}: no {what}\n{}", self.said, self.shown());
            std::thread::sleep(LOOK);
        }
    }

    /// Its process.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Whether it still runs.
    pub(crate) fn is_running(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// Sends it a signal.
    pub(crate) fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.child.id().try_into().unwrap()), signal).unwrap();
    }

    /// Sends it a signal and waits for its end.
    pub(crate) fn stop(self, signal: Signal) -> Ended {
        self.signal(signal);
        self.end()
    }

    /// Waits for its end.
    pub(crate) fn end(mut self) -> Ended {
        let deadline = Instant::now() + PATIENCE;
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            assert!(Instant::now() < deadline, "{} does not end\n{}", self.said, self.shown());
            std::thread::sleep(LOOK);
        };
        Ended { code: status.code(), signal: status.signal(), out: self.out.whole(), err: self.err.whole() }
    }

    fn shown(&self) -> String {
        format!("standard output:\n{}\nstandard error:\n{}", self.out.text(), self.err.text())
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // Both fail where it has ended, which is as good.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Ended {
    /// Checks the exit code.
    #[track_caller]
    pub(crate) fn with_code(self, code: i32) -> Self {
        assert_eq!((self.code, self.signal), (Some(code), None), "standard error:\n{}\n{}", self.err, self.out);
        self
    }

    /// Checks that all of these were said on standard error.
    #[track_caller]
    pub(crate) fn saying(self, texts: &[&str]) -> Self {
        for text in texts {
            assert!(self.err.contains(text), "`{text}` is not in:\n{}", self.err);
        }
        self
    }

    /// Standard output as one JSON value.
    #[track_caller]
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error} in:\n{}\n{}", self.out, self.err))
    }
}

/// Runs `zerocat` to its end.
pub(crate) fn zerocat(arguments: &[&str]) -> Ended {
    Program::start(arguments).end()
}

/// Standard input of a program.
#[derive(Debug)]
pub(crate) struct Input(ChildStdin);

impl Input {
    /// Writes a line.
    pub(crate) fn line(&mut self, text: &str) {
        writeln!(self.0, "{text}").unwrap();
        self.0.flush().unwrap();
    }
}

/// What a program prints, collected line by line by a thread that ends with it.
#[derive(Debug)]
struct Stream {
    text: Arc<Mutex<String>>,
    thread: JoinHandle<()>,
}

impl Stream {
    /// Of a stream that is collected elsewhere.
    fn empty() -> Self {
        Self::collect(std::io::empty())
    }

    fn collect(from: impl Read + Send + 'static) -> Self {
        let text = Arc::new(Mutex::new(String::new()));
        let into = Arc::clone(&text);
        let thread = std::thread::spawn(move || {
            let mut reader = BufReader::new(from);
            let mut line = Vec::new();
            while reader.read_until(b'\n', &mut line).unwrap_or(0) > 0 {
                into.lock().unwrap().push_str(&String::from_utf8_lossy(&line));
                line.clear();
            }
        });
        Self { text, thread }
    }

    fn text(&self) -> String {
        self.text.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// All of it; the program must have ended.
    fn whole(&self) -> String {
        let deadline = Instant::now() + PATIENCE;
        while !self.thread.is_finished() && Instant::now() < deadline {
            std::thread::sleep(LOOK);
        }
        self.text()
    }
}
