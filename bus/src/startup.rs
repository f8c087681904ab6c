//! Startup commands: objects and IDNs that are written to SubDevices during bring-up, each SubDevice's in their order, those of
//! different SubDevices at the same time.
//!
//! Guarantees: after a command that must not fail and did, no later one of its SubDevice is sent; what is asked to be read back was
//! read back and compared; the value of an IDN that needs its attribute has the bytes that the drive's own attribute says.

use std::fmt;

use zerocat_pdi::{Idn, IdnValue};
use zerocat_wire::soe::{Elements, List};

use zerocat_wire::AlState;
use zerocat_wire::coe::AbortCode;

use crate::al;
use crate::bring_up::Network;
use crate::coe::SdoError;
use crate::datagrams::{Datagrams, Target};
use crate::error::Label;
use crate::executor::join_all;
use crate::mailbox::{MailError, Mailbox};
use crate::soe::IdnError;

/// What is written, and how.
#[derive(Debug, Clone, PartialEq)]
pub struct Startup {
    /// What is written.
    pub write: StartupWrite,
    /// Read it back, and compare.
    pub verify: bool,
    /// Bring-up goes on where it fails.
    pub may_fail: bool,
    /// How messages name it; `None`: by the bytes that it writes.
    pub named: Option<StartupName>,
}

/// A startup command as whoever wrote it knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StartupName {
    /// Where it stands: `` `axis`: startup[1] (PS) ``.
    pub place: String,
    /// What it writes, with the value as it was written: `0x8010:01 = 5`.
    pub write: String,
}

/// An object or an IDN, and its value.
#[derive(Debug, Clone, PartialEq)]
pub enum StartupWrite {
    /// An object, by CoE.
    Object {
        /// Index.
        index: u16,
        /// Subindex; with complete access the first one, 0 or 1.
        subindex: u8,
        /// All subindices in one transfer.
        complete: bool,
        /// The bytes.
        data: Vec<u8>,
    },
    /// The value of an IDN, by SoE.
    Idn {
        /// Drive in the SubDevice.
        drive: u8,
        /// Which IDN.
        idn: Idn,
        /// Its value.
        value: IdnValue,
    },
}

impl fmt::Display for StartupWrite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Object { index, subindex, data, .. } => write!(f, "{index:#06x}:{subindex:02x} = {}", Hex(data)),
            Self::Idn { drive: 0, idn, value } => write!(f, "{idn} = {}", Written(value)),
            Self::Idn { drive, idn, value } => write!(f, "{idn} of drive {drive} = {}", Written(value)),
        }
    }
}

/// A startup command that failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{who}{}: startup command {write}: {source}{}", behind_a_blank(.place), next_step(.source, *.may_fail))]
pub struct StartupFailed {
    /// Whose.
    pub who: Label,
    /// Where it stands: `` `axis`: startup[1] (PS) ``; empty where nobody says so.
    pub place: String,
    /// What was to be written: `0x8010:01 = 5`, `S-0-0015 = 7`; in bytes (`0500`) where nobody says it otherwise.
    pub write: String,
    /// Bring-up goes on.
    pub may_fail: bool,
    /// Why.
    pub source: StartupProblem,
}

/// Why a startup command failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StartupProblem {
    /// The SubDevice refused the object, or its mailbox failed.
    #[error("{}", sdo_without_who(.0))]
    Sdo(SdoError),
    /// The drive refused the IDN, or its mailbox failed.
    #[error("{}", idn_without_who(.0))]
    Idn(IdnError),
    /// The value isn't one of this IDN by its attribute.
    #[error("{0}")]
    Value(String),
    /// It reads back as something else.
    #[error("reads back as {}", Hex(.0))]
    ReadBack(Vec<u8>),
}

impl From<SdoError> for StartupProblem {
    fn from(error: SdoError) -> Self {
        Self::Sdo(error)
    }
}

impl From<IdnError> for StartupProblem {
    fn from(error: IdnError) -> Self {
        Self::Idn(error)
    }
}

/// What whoever wrote the command can do where the reason alone doesn't say it.
const fn next_step(why: &StartupProblem, may_fail: bool) -> &'static str {
    match why {
        StartupProblem::Sdo(SdoError::NoCoe { .. }) | StartupProblem::Idn(IdnError::NoSoe { .. }) => {
            "; remove the command"
        }
        StartupProblem::Sdo(SdoError::Abort { code, .. }) if is_length(*code) => {
            "; the object has another length: correct `data_type`"
        }
        _ if may_fail => "",
        StartupProblem::Sdo(SdoError::Mail { source: MailError::NoAnswer { .. }, .. })
        | StartupProblem::Idn(IdnError::Mail { source: MailError::NoAnswer { .. }, .. }) => {
            "; its mailbox doesn't answer: switch it off and on, or give it more time by `timeouts.mailbox`"
        }
        _ => "; correct or remove it, or go on without it by `on_error: warn`",
    }
}

/// Whether an abort says that the value has the wrong length.
const fn is_length(code: AbortCode) -> bool {
    matches!(code, AbortCode::LENGTH_MISMATCH | AbortCode::LENGTH_TOO_HIGH | AbortCode::LENGTH_TOO_LOW)
}

fn behind_a_blank(text: &str) -> String {
    if text.is_empty() { String::new() } else { format!(" {text}") }
}

/// Why an SDO failed. Its SubDevice, object and direction are named before.
fn sdo_without_who(error: &SdoError) -> String {
    match error {
        SdoError::Abort { code, .. } => format!("abort {code}"),
        SdoError::Mail { source, .. } => source.to_string(),
        SdoError::Answer { what, .. } => format!("answer makes no sense: {what}"),
        SdoError::NoCoe { .. } => "it has no CoE mailbox".to_owned(),
        other @ SdoError::Unplaced { .. } => other.to_string(),
    }
}

/// The same of an IDN.
fn idn_without_who(error: &IdnError) -> String {
    match error {
        IdnError::Refused { code, .. } => format!("error {code}"),
        IdnError::Mail { source, .. } => source.to_string(),
        IdnError::Answer { what, .. } => format!("answer makes no sense: {what}"),
        IdnError::Command { state, .. } => format!("the procedure command failed (data state {state:#06x})"),
        IdnError::NoSoe { .. } => "it has no SoE mailbox".to_owned(),
    }
}

/// Bytes as hexadecimal digits, the first in the order of the wire first.
struct Hex<'a>(&'a [u8]);

impl fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().take(16).try_for_each(|byte| write!(f, "{byte:02x}"))?;
        if self.0.len() > 16 { write!(f, "… ({} bytes)", self.0.len()) } else { Ok(()) }
    }
}

/// A value of an IDN; of many bytes the first.
struct Written<'a>(&'a IdnValue);

impl fmt::Display for Written<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            IdnValue::Bytes(bytes) => Hex(bytes).fmt(f),
            other => other.fmt(f),
        }
    }
}

impl Network<'_> {
    /// Sends each SubDevice what `commands` has for its position, in PRE-OP or above. Returns what failed, in bus order.
    pub async fn send_startup(&mut self, commands: &[(u16, Vec<Startup>)]) -> Vec<StartupFailed> {
        let datagrams = self.datagrams();
        let nodes = self.nodes().filter_map(|(subdevice, mailbox)| {
            let (_, commands) = commands.iter().find(|(position, _)| *position == subdevice.position)?;
            Some(send_all(datagrams, subdevice.label(), mailbox, commands))
        });
        join_all(nodes).await.into_iter().flatten().collect()
    }
}

impl Network<'_> {
    /// The same in a shutdown, to those that show a state: all of them, also behind one that failed.
    pub async fn send_startup_in(&mut self, state: AlState, commands: &[(u16, Vec<Startup>)]) -> Vec<StartupFailed> {
        let datagrams = self.datagrams();
        let nodes = self.nodes().filter_map(|(subdevice, mailbox)| {
            let (_, commands) = commands.iter().find(|(position, _)| *position == subdevice.position)?;
            let commands: Vec<_> = commands.iter().map(|one| Startup { may_fail: true, ..one.clone() }).collect();
            let (target, who) = (Target::Station(subdevice.station), subdevice.label());
            Some(async move {
                let shown = al::shown(datagrams, target).await;
                let there = shown.is_ok_and(|shown| shown.status.state() == Some(state));
                if there { send_all(datagrams, who, mailbox, &commands).await } else { Vec::new() }
            })
        });
        join_all(nodes).await.into_iter().flatten().collect()
    }
}

pub(crate) async fn send_all(
    datagrams: &Datagrams,
    who: Label,
    mut mailbox: Option<&mut Mailbox>,
    commands: &[Startup],
) -> Vec<StartupFailed> {
    let mut failed = Vec::new();
    for command in commands {
        let mailbox = mailbox.as_deref_mut().filter(|mailbox| command.write.is_spoken(mailbox));
        let done = match mailbox {
            Some(mailbox) => command.send(datagrams, mailbox).await,
            None => Err(command.write.not_spoken(who.clone())),
        };
        let Err(source) = done else { continue };
        let may_fail = command.may_fail;
        let StartupName { place, write } = command
            .named
            .clone()
            .unwrap_or_else(|| StartupName { place: String::new(), write: command.write.to_string() });
        failed.push(StartupFailed { who: who.clone(), place, write, may_fail, source });
        if !may_fail {
            break;
        }
    }
    failed
}

impl StartupWrite {
    /// Whether the SubDevice speaks the protocol for it.
    const fn is_spoken(&self, mailbox: &Mailbox) -> bool {
        match self {
            Self::Object { .. } => mailbox.info().coe(),
            Self::Idn { .. } => mailbox.info().soe(),
        }
    }

    fn not_spoken(&self, who: Label) -> StartupProblem {
        match self {
            Self::Object { .. } => SdoError::NoCoe { who }.into(),
            Self::Idn { .. } => IdnError::NoSoe { who }.into(),
        }
    }
}

impl Startup {
    /// Writes it, and reads it back where that is asked for.
    ///
    /// # Errors
    /// What the SubDevice or its mailbox said, or what it reads back as.
    pub async fn send(&self, datagrams: &Datagrams, mailbox: &mut Mailbox) -> Result<(), StartupProblem> {
        match &self.write {
            StartupWrite::Object { index, subindex, complete, data } => {
                let object = Object { index: *index, subindex: *subindex, complete: *complete, data };
                object.send(datagrams, mailbox, self.verify).await
            }
            StartupWrite::Idn { drive, idn, value } => {
                send_idn(datagrams, mailbox, (*drive, *idn), value, self.verify).await
            }
        }
    }
}

/// An object to be written.
struct Object<'a> {
    index: u16,
    subindex: u8,
    complete: bool,
    data: &'a [u8],
}

impl Object<'_> {
    async fn send(&self, datagrams: &Datagrams, mailbox: &mut Mailbox, verify: bool) -> Result<(), StartupProblem> {
        let Self { index, subindex, complete, data } = *self;
        if complete {
            mailbox.download_complete(datagrams, index, subindex, data).await?;
        } else {
            mailbox.download(datagrams, index, subindex, data).await?;
        }
        if !verify {
            return Ok(());
        }
        let got = if complete {
            let all = mailbox.upload_complete(datagrams, index).await?;
            // It begins with subindex 0 in 16 bits.
            all.get(if subindex == 0 { 0 } else { 2 }..).unwrap_or_default().to_vec()
        } else {
            mailbox.upload(datagrams, index, subindex).await?
        };
        if got == data { Ok(()) } else { Err(StartupProblem::ReadBack(got)) }
    }
}

async fn send_idn(
    datagrams: &Datagrams,
    mailbox: &mut Mailbox,
    (drive, idn): (u8, Idn),
    value: &IdnValue,
    verify: bool,
) -> Result<(), StartupProblem> {
    let attribute = if value.needs_attribute() || verify {
        Some(mailbox.read_attribute(datagrams, drive, idn).await?)
    } else {
        None
    };
    let data = match (value, attribute) {
        (IdnValue::Bytes(bytes), _) => bytes.clone(),
        (value, Some(attribute)) => {
            value.encode(attribute).map_err(|error| StartupProblem::Value(error.to_string()))?
        }
        (_, None) => return Ok(()),
    };
    mailbox.write_idn(datagrams, drive, idn, &data).await?;
    if !verify {
        return Ok(());
    }
    let got = mailbox.read_idn(datagrams, drive, idn, Elements::VALUE).await?;
    let list = attribute.is_some_and(|attribute| attribute.is_list());
    // The longest that a list may be is the drive's own.
    let same = match (List::parse(&got), List::parse(&data)) {
        (Ok(got), Ok(written)) if list => got.items == written.items,
        _ => got == data,
    };
    if same { Ok(()) } else { Err(StartupProblem::ReadBack(got)) }
}
