//! PDO assignment and mapping that a SubDevice is given in PRE-OP, in place of what it has (ETG.1000.6, 5.6.7.4).
//!
//! Guarantees: what the SII (or the caller, from the vendor's description) doesn't allow is refused before anything is written;
//! objects that hold what is wanted already aren't written; the assignment is cleared first, then mappings are cleared, written
//! and counted, then the assignment is written and counted; all that was written is read back and compared.
//! Not guaranteed: that a SubDevice which refuses halfway has what it had before. It has at its next power-up.

mod allowed;
mod wanted;
mod write;

pub use allowed::PdoRule;
pub use wanted::{Assign, AssignedPdo, MappedEntry};

use std::fmt;

use zerocat_pdi::Direction;

use crate::bring_up::Network;
use crate::coe::SdoError;
use crate::datagrams::Datagrams;
use crate::error::{BringUpError, Label};
use crate::executor::join_all;
use crate::mailbox::Mailbox;
use crate::sii::Sii;

/// An assignment that failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{who}: PDO assignment: {source}")]
pub struct AssignFailed {
    /// Whose.
    pub who: Label,
    /// Why.
    pub source: AssignProblem,
}

/// Why an assignment failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AssignProblem {
    /// An object was refused, or the mailbox failed.
    #[error("{doing}: {}", without_who(why))]
    Sdo {
        /// What was being done.
        doing: String,
        /// Why it failed.
        why: SdoError,
    },
    /// There is no such PDO.
    #[error("there is no PDO {pdo:#06x}{}", those(known))]
    NoSuchPdo {
        /// The one that was to be assigned.
        pdo: u16,
        /// Those of its direction that are known.
        known: Vec<u16>,
    },
    /// It can't be changed: there is no assignment object, or no CoE.
    #[error("it can't be changed: {why}; it is {}", list(has))]
    Unchangeable {
        /// Why.
        why: String,
        /// What is assigned.
        has: Vec<u16>,
    },
    /// No sync manager has process data of this direction.
    #[error("it has no sync manager for {}", plural(*.0))]
    NoSyncManager(Direction),
    /// The mapping of a PDO can't be changed.
    #[error("the mapping of PDO {0:#06x} is fixed; assign it by its index alone, or another PDO")]
    Fixed(u16),
    /// A PDO can't be left out.
    #[error("PDO {0:#06x} is mandatory; assign it too")]
    Mandatory(u16),
    /// Two PDOs exclude each other.
    #[error("PDO {pdo:#06x} excludes PDO {other:#06x}; assign one of them")]
    Excluded {
        /// The one that says so.
        pdo: u16,
        /// The one that it excludes.
        other: u16,
    },
    /// An object holds something else than was written.
    #[error("{index:#06x} reads back as {}, was written as {}", list(reads), list(wrote))]
    ReadBack {
        /// The object.
        index: u16,
        /// What was written, from subindex 1 on.
        wrote: Vec<u32>,
        /// What it holds.
        reads: Vec<u32>,
    },
}

const fn plural(direction: Direction) -> &'static str {
    match direction {
        Direction::Input => "inputs",
        Direction::Output => "outputs",
    }
}

fn list<T: fmt::LowerHex>(values: &[T]) -> String {
    let all: Vec<_> = values.iter().map(|value| format!("{value:#06x}")).collect();
    if all.is_empty() { "nothing".to_owned() } else { all.join(", ") }
}

/// The PDOs to choose from.
fn those(known: &[u16]) -> String {
    if known.is_empty() { String::new() } else { format!("; there are {}", list(known)) }
}

/// An SDO error without its SubDevice, which is named before.
fn without_who(error: &SdoError) -> String {
    match error {
        SdoError::Abort { transfer, code } => {
            format!("{:#06x}:{:02x}: abort {code}", transfer.index, transfer.subindex)
        }
        SdoError::Mail { transfer, source } => format!("{:#06x}:{:02x}: {source}", transfer.index, transfer.subindex),
        SdoError::Answer { transfer, what } => {
            format!("{:#06x}:{:02x}: answer makes no sense: {what}", transfer.index, transfer.subindex)
        }
        other => other.to_string(),
    }
}

impl AssignProblem {
    /// Whether the SubDevice's mailbox failed, as against that it refused.
    pub(crate) const fn is_mail(&self) -> bool {
        matches!(self, Self::Sdo { why: SdoError::Mail { .. }, .. })
    }
}

impl Assign {
    /// What the rules alone refuse, without a SubDevice: what is mandatory or excluded first. `all_known`: its PDOs are those of the
    /// rules, and no others.
    #[must_use]
    pub fn against_rules(&self, all_known: bool) -> Vec<AssignProblem> {
        let sii = Sii::default();
        let mut problems: Vec<AssignProblem> = allowed::check(&sii, self).err().into_iter().collect();
        for direction in [Direction::Output, Direction::Input] {
            for pdo in self.of(direction).unwrap_or_default() {
                let known = allowed::known(&sii, self, direction);
                if all_known && !known.contains(&pdo.index) {
                    problems.push(AssignProblem::NoSuchPdo { pdo: pdo.index, known });
                } else if pdo.entries.is_some() && allowed::is_fixed(&sii, self, pdo) {
                    problems.push(AssignProblem::Fixed(pdo.index));
                }
            }
        }
        problems
    }

    /// Writes what differs from what the SubDevice has, and reads it back. `mailbox` is that of one with CoE, in PRE-OP.
    ///
    /// # Errors
    /// What it doesn't allow, what it or its mailbox said, or what it reads back as.
    pub async fn write(
        &self,
        datagrams: &Datagrams,
        sii: &Sii,
        mailbox: Option<&mut Mailbox>,
    ) -> Result<(), AssignProblem> {
        write::assign(datagrams, sii, mailbox, self).await
    }
}

impl Network<'_> {
    /// Gives SubDevices, by position, the PDOs that they are to have. In PRE-OP, before what they map is read.
    ///
    /// # Errors
    /// `Assign`, for the first in bus order that doesn't take them; the others are logged.
    pub async fn assign(&mut self, wanted: &[(u16, Assign)]) -> Result<(), BringUpError> {
        let datagrams = self.datagrams();
        let nodes = self.nodes().filter_map(|(subdevice, mailbox)| {
            let (_, wanted) = wanted.iter().find(|(position, _)| *position == subdevice.position)?;
            let coe = mailbox.filter(|mailbox| mailbox.info().coe());
            Some(async move {
                let done = wanted.write(datagrams, &subdevice.sii, coe).await;
                done.map_err(|source| Box::new(AssignFailed { who: subdevice.label(), source }))
            })
        });
        let mut failed = join_all(nodes).await.into_iter().filter_map(Result::err);
        let first = failed.next();
        for other in failed {
            tracing::error!(fault = %other.fault(), "{other}");
        }
        first.map_or(Ok(()), |failed| Err(failed.into()))
    }
}
