//! Startup commands: objects that are written to SubDevices during bring-up, each SubDevice's in their order, those of different
//! SubDevices at the same time.
//!
//! Guarantees: after a command that must not fail and did, no later one of its SubDevice is sent; what is asked to be read back was
//! read back and compared.

use crate::bring_up::Network;
use crate::coe::SdoError;
use crate::datagrams::Datagrams;
use crate::error::Label;
use crate::executor::join_all;
use crate::mailbox::Mailbox;
use std::fmt;

/// An object to be written.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Startup {
    /// Index.
    pub index: u16,
    /// Subindex; with complete access the first one, 0 or 1.
    pub subindex: u8,
    /// All subindices in one transfer.
    pub complete: bool,
    /// The bytes.
    pub data: Vec<u8>,
    /// Read it back, and compare.
    pub verify: bool,
    /// Bring-up goes on where it fails.
    pub may_fail: bool,
}

/// A startup command that failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{who}: startup command {index:#06x}:{subindex:02x} = {}: {source}", Hex(data))]
pub struct StartupFailed {
    /// Whose.
    pub who: Label,
    /// Index.
    pub index: u16,
    /// Subindex.
    pub subindex: u8,
    /// The bytes that were to be written.
    pub data: Vec<u8>,
    /// Bring-up goes on.
    pub may_fail: bool,
    /// Why.
    pub source: StartupProblem,
}

/// Why a startup command failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StartupProblem {
    /// The SubDevice refused it, or its mailbox failed.
    #[error(transparent)]
    Sdo(#[from] SdoError),
    /// It reads back as something else.
    #[error("reads back as {}", Hex(.0))]
    ReadBack(Vec<u8>),
}

/// Bytes as hexadecimal digits, the first in the order of the wire first.
struct Hex<'a>(&'a [u8]);

impl fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().take(16).try_for_each(|byte| write!(f, "{byte:02x}"))?;
        if self.0.len() > 16 { write!(f, "… ({} bytes)", self.0.len()) } else { Ok(()) }
    }
}

impl Network<'_> {
    /// Sends each SubDevice what `commands` has for its position, in PRE-OP or above. Returns what failed, in bus order.
    pub async fn send_startup(&mut self, commands: &[(u16, Vec<Startup>)]) -> Vec<StartupFailed> {
        let datagrams = self.datagrams();
        let nodes = self.nodes().filter_map(|(subdevice, mailbox)| {
            let (_, commands) = commands.iter().find(|(position, _)| *position == subdevice.position)?;
            Some(send_all(datagrams, subdevice.label(), mailbox.filter(|mailbox| mailbox.info().coe()), commands))
        });
        join_all(nodes).await.into_iter().flatten().collect()
    }
}

async fn send_all(
    datagrams: &Datagrams,
    who: Label,
    mut mailbox: Option<&mut Mailbox>,
    commands: &[Startup],
) -> Vec<StartupFailed> {
    let mut failed = Vec::new();
    for command in commands {
        let done = match &mut mailbox {
            Some(mailbox) => command.send(datagrams, mailbox).await,
            None => Err(SdoError::NoCoe { who: who.clone() }.into()),
        };
        let Err(source) = done else { continue };
        let Startup { index, subindex, may_fail, .. } = *command;
        failed.push(StartupFailed { who: who.clone(), index, subindex, data: command.data.clone(), may_fail, source });
        if !may_fail {
            break;
        }
    }
    failed
}

impl Startup {
    /// Writes it, and reads it back where that is asked for.
    ///
    /// # Errors
    /// What the SubDevice or its mailbox said, or what it reads back as.
    pub async fn send(&self, datagrams: &Datagrams, mailbox: &mut Mailbox) -> Result<(), StartupProblem> {
        let Self { index, subindex, complete, data, verify, .. } = self;
        if *complete {
            mailbox.download_complete(datagrams, *index, *subindex, data).await?;
        } else {
            mailbox.download(datagrams, *index, *subindex, data).await?;
        }
        if !verify {
            return Ok(());
        }
        let got = if *complete {
            let all = mailbox.upload_complete(datagrams, *index).await?;
            // It begins with subindex 0 in 16 bits.
            all.get(if *subindex == 0 { 0 } else { 2 }..).unwrap_or_default().to_vec()
        } else {
            mailbox.upload(datagrams, *index, *subindex).await?
        };
        if got == *data { Ok(()) } else { Err(StartupProblem::ReadBack(got)) }
    }
}
