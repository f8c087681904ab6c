//! What a user can do to a running segment, as text: one command a line.
//!
//! [`CommandParser::parse`] is pure: it takes a line and returns a value, or an error with the column and what is
//! allowed there. It knows the SubDevices of the segment by their number in the file (from 0) and by name. Whether a
//! SubDevice supports a command shows only when it is carried out. [`COMMANDS`] describes every command.

mod fault;
mod words;

pub use fault::{FaultChange, FaultDirection, FrameFault, FrameFaults};
pub use words::{CommandError, CommandProblem};
pub(crate) use words::{Word, Words};

use words::number;
use zerocat_link::fault::Rate;
use zerocat_wire::AlState;
use zerocat_wire::coe::{AbortCode, DiagnosisKind};

use crate::action::{Action, LatchInput, SdoRefusal};
use crate::config::SegmentConfig;
use crate::topology::End;

/// What can be asked of a running segment.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Command {
    /// Something happens to a SubDevice.
    Act(Action),
    /// A fault of frames begins, changes or ends.
    Fault(FaultChange),
    /// All faults of frames end.
    NoFaults,
    /// The commands are listed.
    Help,
    /// The SubDevices are listed.
    Show,
    /// A display turns to other SubDevices.
    Page(Page),
    /// The segment ends.
    Quit,
}

/// Which SubDevices a display shows that has no room for all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Page {
    /// SubDevices in trouble first.
    #[default]
    Auto,
    /// The next ones in the order of the file.
    Next,
    /// Those of a page, from 1.
    Number(usize),
}

/// Each command with its arguments, and what it does.
pub const COMMANDS: &[(&str, &str)] = &[
    ("pull WHO", "pull the cable to a SubDevice; or `second-end`"),
    ("plug WHO", "plug it in again"),
    ("damage WHO N", "damage the next N frames on the cable to it"),
    ("power off WHO", "switch a SubDevice off"),
    ("power on WHO", "switch it on; it has kept only its SII"),
    ("drop RATE [out|back]", "lose frames; RATE: `1%`, `every 7` or `off`"),
    ("delay N frames RATE [out|back]", "let them come after N later ones; `delay off`"),
    ("duplicate RATE [out|back]", "let them come twice"),
    ("corrupt RATE [out|back]", "flip a bit behind the Ethernet header"),
    ("faults off", "end these four in both directions"),
    ("al-error WHO CODE [STATE]", "raise an AL error; STATE: to fall back to"),
    ("input WHO CHANNEL VALUE", "set an input: a number, on or off"),
    ("emergency WHO CODE [REG [DATA]]", "raise a CoE emergency; DATA: up to 5 bytes"),
    ("diagnosis WHO info|warning|error CODE [TEXT]", "add a message to its diagnosis history, 0x10F3"),
    ("abort WHO INDEX[:SUB] CODE|off", "abort SDO accesses to an object with a code; `abort WHO off`: none"),
    ("vendor-mail WHO TYPE [DATA]", "send a VoE mail unasked; DATA: up to 8 bytes"),
    ("freeze WHO", "stop its mailbox from answering"),
    ("thaw WHO", "let its mailbox answer again"),
    ("latch WHO 0|1 on|off", "let a latch input of its ESC go high or low: the system time is latched"),
    ("refuse WHO STATE CODE [TIMES]", "refuse an AL state with a code, the next time or the next TIMES"),
    ("drift WHO PPM", "let its clock run fast (25ppm) or slow (-25ppm)"),
    ("follow WHO on|off", "let its clock follow the reference clock or not"),
    ("miss-start WHO [TIMES]", "let SYNC0 not start the next time it is set up"),
    ("show", "list the SubDevices"),
    ("page [N|auto]", "show other SubDevices in the table; auto: trouble first"),
    ("help", "list the commands"),
    ("quit", "end the segment"),
];

const WHICH: &str = "one of pull, plug, damage, power, drop, delay, duplicate, corrupt, faults, al-error, input, \
                     emergency, diagnosis, abort, vendor-mail, freeze, thaw, latch, refuse, drift, follow, miss-start, show, page, \
                     help, quit";
const RATE: &str = "a rate: a percentage up to 100 as 1% or 0.05%, `every` and a number, or off";
const BYTE: &str = "a byte, as 0x21";
const CODE: &str = "a code of 16 bits, as 0x001b";
const VALUE: &str = "a number, on or off";
const DRIFT: &str = "parts per million, as 25ppm or -2.5ppm, at most 1000ppm";
const STATE: &str = "a state: INIT, PRE-OP, SAFE-OP or OP";
/// Names the cable of the second end, in place of a SubDevice.
const SECOND_END: &str = "second-end";

/// Reads commands about the SubDevices of one segment.
#[derive(Debug, Clone)]
pub struct CommandParser {
    names: Vec<Option<String>>,
}

impl CommandParser {
    /// A parser that knows the SubDevices of a segment.
    #[must_use]
    pub fn new(config: &SegmentConfig) -> Self {
        Self { names: config.subdevices.iter().map(|subdevice| subdevice.name.clone()).collect() }
    }

    /// Reads a line. A line without a command (empty, or a comment) is `None`.
    ///
    /// # Errors
    /// [`CommandError`], with the column and what is allowed there.
    pub fn parse(&self, line: &str) -> Result<Option<Command>, CommandError> {
        let words = Words::of(line)?;
        if words.peek().is_none() { Ok(None) } else { self.command(words).map(Some) }
    }

    /// Reads a command to the end of the line.
    pub(crate) fn command(&self, mut words: Words) -> Result<Command, CommandError> {
        let first = words.next(WHICH)?;
        let command = match first.text.as_str() {
            "drop" | "delay" | "duplicate" | "corrupt" => fault(&first.text, &mut words)?,
            "faults" => {
                words.next("off")?.read("off", |word| (word == "off").then_some(()))?;
                Command::NoFaults
            }
            "help" => Command::Help,
            "show" => Command::Show,
            "page" => Command::Page(page(&mut words)?),
            "quit" => Command::Quit,
            _ => Command::Act(self.action(&first, &mut words)?),
        };
        words.end()?;
        Ok(command)
    }

    fn action(&self, first: &Word, words: &mut Words) -> Result<Action, CommandError> {
        Ok(match first.text.as_str() {
            "pull" if second_end(words) => Action::PullEnd(End::Second),
            "plug" if second_end(words) => Action::PlugEnd(End::Second),
            "pull" => Action::PullCable { child: self.who(words)? },
            "plug" => Action::PlugCable { child: self.who(words)? },
            "damage" => {
                const FRAMES: &str = "a number of frames from 1";
                let child = self.who(words)?;
                let frames = words.next(FRAMES)?.read(FRAMES, |text| number(text).filter(|frames| *frames > 0))?;
                Action::DamageFrames { child, frames }
            }
            "power" => {
                let word = words.next("on or off")?;
                let on = word.read("on or off", on_or_off)?;
                let subdevice = self.who(words)?;
                if on { Action::PowerOn { subdevice } } else { Action::PowerOff { subdevice } }
            }
            "al-error" => {
                let subdevice = self.who(words)?;
                let code = words.next(CODE)?.read(CODE, number)?;
                let state = words.next_if_any().map(|word| word.read(STATE, state)).transpose()?;
                Action::AlError { subdevice, state, code }
            }
            "input" => self.input(words)?,
            "emergency" => self.emergency(words)?,
            "diagnosis" => self.diagnosis(words)?,
            "abort" => self.abort(words)?,
            "vendor-mail" => self.vendor_mail(words)?,
            "freeze" => Action::FreezeMailbox { subdevice: self.who(words)?, frozen: true },
            "thaw" => Action::FreezeMailbox { subdevice: self.who(words)?, frozen: false },
            "latch" => {
                let subdevice = self.who(words)?;
                let input = words.next("0 or 1")?.read("0 or 1", latch_input)?;
                let high = words.next("on or off")?.read("on or off", on_or_off)?;
                Action::SetLatchInput { subdevice, input, high }
            }
            "refuse" => {
                let subdevice = self.who(words)?;
                let state = words.next(STATE)?.read(STATE, state)?;
                let code = words.next(CODE)?.read(CODE, number)?;
                Action::RefuseState { subdevice, state, code, times: times(words)? }
            }
            "follow" => {
                let subdevice = self.who(words)?;
                let follows = words.next("on or off")?.read("on or off", on_or_off)?;
                Action::FollowReference { subdevice, follows }
            }
            "miss-start" => Action::MissStart { subdevice: self.who(words)?, times: times(words)? },
            "drift" => {
                let subdevice = self.who(words)?;
                Action::ClockDrift { subdevice, ppm: words.next(DRIFT)?.read(DRIFT, ppm)? }
            }
            _ => return Err(first.refused(WHICH)),
        })
    }

    /// Code, then the error register (default 1, generic), then up to five bytes of data (default 0).
    fn emergency(&self, words: &mut Words) -> Result<Action, CommandError> {
        let subdevice = self.who(words)?;
        let code = words.next(CODE)?.read(CODE, number)?;
        let register =
            words.next_if_any().map(|word| word.read(BYTE, number)).transpose()?.unwrap_or(u8::from(code != 0));
        Ok(Action::Emergency { subdevice, code, register, data: bytes(words)? })
    }

    /// The vendor's type, then up to eight bytes of data (default 0).
    fn vendor_mail(&self, words: &mut Words) -> Result<Action, CommandError> {
        const TYPE: &str = "a vendor's type of 16 bits, as 0x0001";
        let subdevice = self.who(words)?;
        let vendor_type = words.next(TYPE)?.read(TYPE, number)?;
        Ok(Action::VendorMail { subdevice, vendor_type, data: bytes(words)? })
    }

    /// How grave it is, then its code and the number of its text (default 0).
    fn diagnosis(&self, words: &mut Words) -> Result<Action, CommandError> {
        const KIND: &str = "info, warning or error";
        const TEXT: &str = "the number of a text, as 0x1001";
        let subdevice = self.who(words)?;
        let kind = words.next(KIND)?.read(KIND, |word| match word {
            "info" => Some(DiagnosisKind::Info),
            "warning" => Some(DiagnosisKind::Warning),
            "error" => Some(DiagnosisKind::Error),
            _ => None,
        })?;
        let code = words.next(CODE)?.read(CODE, number)?;
        let text_id = words.next_if_any().map(|word| word.read(TEXT, number)).transpose()?.unwrap_or(0);
        Ok(Action::Diagnosis { subdevice, kind, code, text_id })
    }

    /// `off` for all, or an object, perhaps with a subindex, and an abort code or `off`.
    fn abort(&self, words: &mut Words) -> Result<Action, CommandError> {
        const OBJECT: &str = "an object as 0x6060 or 0x1018:2, or off";
        const ABORT: &str = "an SDO abort code of 32 bits, as 0x06060000, or off";
        let subdevice = self.who(words)?;
        let word = words.next(OBJECT)?;
        if word.text == "off" {
            return Ok(Action::AbortSdo { subdevice, refusal: None });
        }
        let (index, subindex) = word.read(OBJECT, |text| match text.split_once(':') {
            Some((index, subindex)) => Some((number(index)?, Some(number(subindex)?))),
            None => Some((number(text)?, None)),
        })?;
        let code = words.next(ABORT)?.read(ABORT, |text| match text {
            "off" => Some(None),
            text => number(text).map(|code| Some(AbortCode(code))),
        })?;
        Ok(Action::AbortSdo { subdevice, refusal: Some(SdoRefusal { index, subindex, code }) })
    }

    fn input(&self, words: &mut Words) -> Result<Action, CommandError> {
        const CHANNEL: &str = "a channel from 1 to 65535";
        let subdevice = self.who(words)?;
        let channel = words.next(CHANNEL)?.read(CHANNEL, |text| number(text).filter(|channel| *channel > 0))?;
        let value = words.next(VALUE)?.read(VALUE, |text| match text {
            "on" => Some(1),
            "off" => Some(0),
            text => number::<i64>(text),
        })?;
        Ok(Action::SetInput { subdevice, channel, value: value.cast_unsigned() })
    }

    /// The next word as a SubDevice: its number in the file, or its name.
    pub(crate) fn who(&self, words: &mut Words) -> Result<usize, CommandError> {
        let word = words.next(&self.allowed())?;
        if let Some(index) = number::<usize>(&word.text)
            && index < self.names.len()
        {
            return Ok(index);
        }
        let mut named = self.names.iter().enumerate().filter(|(_, name)| name.as_deref() == Some(&word.text));
        match (named.next(), named.count()) {
            (Some((index, _)), 0) => Ok(index),
            (Some(_), others) => {
                Err(word.problem(CommandProblem::Ambiguous { name: word.text.clone(), count: others + 1 }))
            }
            (None, _) => Err(word.refused(self.allowed())),
        }
    }

    /// What may name a SubDevice.
    fn allowed(&self) -> String {
        const SHOWN: usize = 8;
        let last = self.names.len().saturating_sub(1);
        let mut text = format!("a SubDevice: a number from 0 to {last}");
        let names: Vec<&str> = self.names.iter().flatten().map(String::as_str).collect();
        if !names.is_empty() {
            let more = if names.len() > SHOWN { ", ..." } else { "" };
            text.push_str(&format!(", or {}{more}", names[..names.len().min(SHOWN)].join(", ")));
        }
        text
    }
}

/// Bytes to the end of the line, at most `N`; those that are left out are 0.
fn bytes<const N: usize>(words: &mut Words) -> Result<[u8; N], CommandError> {
    let mut data = [0; N];
    for byte in &mut data {
        let Some(word) = words.next_if_any() else { break };
        *byte = word.read(BYTE, number)?;
    }
    Ok(data)
}

fn fault(name: &str, words: &mut Words) -> Result<Command, CommandError> {
    const FRAMES: &str = "a number of frames from 1 to 1000, or off";
    let fault = match name {
        "drop" => FrameFault::Drop,
        "duplicate" => FrameFault::Duplicate,
        "corrupt" => FrameFault::Corrupt,
        _ if words.peek() == Some("off") => FrameFault::Delay(0),
        _ => {
            let frames = words.next(FRAMES)?.read(FRAMES, |text| number(text).filter(|n| (1..=1000).contains(n)))?;
            words.next("frames")?.read("frames", |word| matches!(word, "frame" | "frames").then_some(()))?;
            FrameFault::Delay(frames)
        }
    };
    let rate = rate(words)?;
    let direction = words.next_if_any().map(|word| {
        word.read("out or back", |text| match text {
            "out" => Some(FaultDirection::Out),
            "back" => Some(FaultDirection::Back),
            _ => None,
        })
    });
    let direction = direction.transpose()?.unwrap_or(FaultDirection::Back);
    Ok(Command::Fault(FaultChange { fault, rate, direction }))
}

fn page(words: &mut Words) -> Result<Page, CommandError> {
    let word = words.next_if_any().map(|word| {
        word.read("the number of a page from 1, or auto", |text| match text {
            "auto" => Some(Page::Auto),
            text => number(text).filter(|page| *page > 0).map(Page::Number),
        })
    });
    Ok(word.transpose()?.unwrap_or(Page::Next))
}

fn rate(words: &mut Words) -> Result<Rate, CommandError> {
    const NUMBER: &str = "a number of frames from 1";
    let word = words.next(RATE)?;
    match word.text.as_str() {
        "off" => Ok(Rate::Never),
        "every" => {
            let every = words.next(NUMBER)?.read(NUMBER, |text| number(text).filter(|n| *n > 0))?;
            Ok(Rate::Every(every))
        }
        _ => word.read(RATE, per_million).map(Rate::PerMillion),
    }
}

/// A percentage in millionths.
fn per_million(text: &str) -> Option<u32> {
    let percent = decimal(text.strip_suffix('%')?)?;
    let millionths = (percent * 1e4).round();
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked to be from 0 to 1e6")]
    (0.0..=1e6).contains(&millionths).then_some(millionths as u32)
}

fn ppm(text: &str) -> Option<f64> {
    decimal(text.strip_suffix("ppm")?).filter(|ppm| ppm.abs() <= 1000.0)
}

/// A number with digits, a point and a sign, and nothing else that a float may be written with.
fn decimal(text: &str) -> Option<f64> {
    text.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'-')).then(|| text.parse().ok()).flatten()
}

/// How many times, by default once.
fn times(words: &mut Words) -> Result<u32, CommandError> {
    const TIMES: &str = "a number of times";
    words.next_if_any().map_or(Ok(1), |word| word.read(TIMES, number))
}

fn latch_input(text: &str) -> Option<LatchInput> {
    match text {
        "0" => Some(LatchInput::Latch0),
        "1" => Some(LatchInput::Latch1),
        _ => None,
    }
}

fn on_or_off(text: &str) -> Option<bool> {
    match text {
        "on" => Some(true),
        "off" => Some(false),
        _ => None,
    }
}

/// An AL state by its name; BOOT is nothing to fall back to.
pub(crate) fn state(text: &str) -> Option<AlState> {
    [AlState::Init, AlState::PreOp, AlState::SafeOp, AlState::Op].into_iter().find(|state| state.name() == text)
}

/// Takes the word that names the second end, if it is next.
fn second_end(words: &mut Words) -> bool {
    let next = words.peek() == Some(SECOND_END);
    if next {
        words.next_if_any();
    }
    next
}

#[cfg(test)]
mod tests;
