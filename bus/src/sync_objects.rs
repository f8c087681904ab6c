//! What a SubDevice says of its synchronization: parameters of the outputs' and the inputs' sync manager, objects 0x1C32 and 0x1C33
//! (ETG.1020; subindices from vendors' manuals, Beckhoff EP92x4 and AX8000 among them).
//!
//! Guarantees: what the SubDevice doesn't have is `None`, and keeps nothing else from being read; nothing is written. Not
//! guaranteed: that it is true. Some leave the type at 0 whatever they do, and a least cycle of 0 says that none is known.

use crate::bring_up::Network;
use crate::coe::SdoError;
use crate::datagrams::Datagrams;
use crate::executor::join_all;
use crate::mailbox::Mailbox;
use serde::Serialize;
use std::fmt;

/// Parameters of the outputs' sync manager.
pub const OUTPUT_PARAMETERS: u16 = 0x1C32;
/// Parameters of the inputs' sync manager.
pub const INPUT_PARAMETERS: u16 = 0x1C33;

/// What one of the two objects says. Times are in ns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct SyncParameters {
    /// Subindex 1, how it is synchronized: see [`SyncParameters::type_name`].
    pub sync_type: Option<u16>,
    /// Subindex 2: its cycle.
    pub cycle_ns: Option<u32>,
    /// Subindex 4: types that it can do, as bits.
    pub supported_types: Option<u16>,
    /// Subindex 5: the least cycle that it can do; 0 where it doesn't know.
    pub minimum_cycle_ns: Option<u32>,
    /// Subindex 6: how long it takes to calculate and to copy.
    pub calc_and_copy_ns: Option<u32>,
    /// Subindex 9: how long outputs or inputs are delayed by its hardware.
    pub delay_ns: Option<u32>,
    /// Subindex 0x0A: cycle of SYNC0.
    pub sync0_cycle_ns: Option<u32>,
    /// What went wrong.
    #[serde(flatten)]
    pub errors: SyncErrors,
}

/// What went wrong with a SubDevice's synchronization, as it counts it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct SyncErrors {
    /// Subindex 0x0B: times that SYNC0 came and no process data had.
    pub missed: Option<u16>,
    /// Subindex 0x0C: times that it wasn't done within its cycle.
    pub exceeded: Option<u16>,
    /// Subindex 0x0D: times that the time from process data to SYNC0 was too short for it.
    pub too_short: Option<u16>,
    /// Subindex 0x20: it is out of sync now.
    pub error: Option<bool>,
}

/// What a SubDevice says of its synchronization.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct SyncObjects {
    /// Of its outputs (0x1C32).
    pub outputs: Option<SyncParameters>,
    /// Of its inputs (0x1C33).
    pub inputs: Option<SyncParameters>,
}

impl SyncParameters {
    /// The type in words.
    #[must_use]
    pub const fn type_name(&self) -> Option<&'static str> {
        match self.sync_type {
            Some(0x00) => Some("free run"),
            Some(0x01) => Some("by its frame"),
            Some(0x02) => Some("by SYNC0"),
            Some(0x03) => Some("by SYNC1"),
            Some(0x22) => Some("by the frame of its outputs"),
            Some(_) => Some("of its own kind"),
            None => None,
        }
    }
}

impl fmt::Display for SyncParameters {
    /// What is known of it, the numbers in ns.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts: Vec<String> = self.type_name().map(str::to_owned).into_iter().collect();
        let times = [
            ("cycle", self.cycle_ns),
            ("SYNC0 every", self.sync0_cycle_ns),
            ("least cycle", self.minimum_cycle_ns),
            ("calculates and copies", self.calc_and_copy_ns),
            ("delay", self.delay_ns),
        ];
        // 0 is what stands where nothing is said.
        let said = times.into_iter().filter_map(|(what, ns)| Some((what, ns.filter(|ns| *ns > 0)?)));
        parts.extend(said.map(|(what, ns)| format!("{what} {ns} ns")));
        let told = self.errors.to_string();
        parts.extend((!told.is_empty()).then_some(told));
        f.write_str(&parts.join(", "))
    }
}

impl SyncErrors {
    /// What was counted since `before`. A counter that is below what it was began anew; one that wasn't read before says nothing.
    #[must_use]
    pub fn since(&self, before: &Self) -> Self {
        let grew = |now: Option<u16>, then: Option<u16>| {
            let now = now?;
            Some(then.map_or(0, |then| now.checked_sub(then).unwrap_or(now)))
        };
        Self {
            missed: grew(self.missed, before.missed),
            exceeded: grew(self.exceeded, before.exceeded),
            too_short: grew(self.too_short, before.too_short),
            error: self.error,
        }
    }

    /// The sum with what was counted since.
    #[must_use]
    pub fn plus(&self, more: &Self) -> Self {
        let sum = |one: Option<u16>, more: Option<u16>| match (one, more) {
            (Some(one), Some(more)) => Some(one.saturating_add(more)),
            (one, more) => more.or(one),
        };
        Self {
            missed: sum(self.missed, more.missed),
            exceeded: sum(self.exceeded, more.exceeded),
            too_short: sum(self.too_short, more.too_short),
            error: more.error,
        }
    }

    /// Whether it says more than `before`: a counter that grew, or sync that was lost.
    #[must_use]
    pub fn is_worse_than(&self, before: &Self) -> bool {
        let grew = |now: Option<u16>, then: Option<u16>| now.unwrap_or(0) > then.unwrap_or(0);
        grew(self.missed, before.missed)
            || grew(self.exceeded, before.exceeded)
            || grew(self.too_short, before.too_short)
            || (self.error == Some(true) && before.error != Some(true))
    }
}

impl fmt::Display for SyncErrors {
    /// What is wrong; nothing where nothing is.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let counters = [
            (self.missed, "without process data"),
            (self.exceeded, "not done in its cycle"),
            (self.too_short, "too soon behind the frame"),
        ];
        let counted = counters.into_iter().filter_map(|(count, what)| Some((count.filter(|count| *count > 0)?, what)));
        let mut parts: Vec<String> = counted.map(|(count, what)| format!("{count} times {what}")).collect();
        parts.extend((self.error == Some(true)).then(|| "out of sync".to_owned()));
        f.write_str(&parts.join(", "))
    }
}

/// Reads one of the objects.
struct Reader<'a> {
    datagrams: &'a Datagrams,
    mailbox: &'a mut Mailbox,
    index: u16,
    /// Its highest subindex.
    highest: u8,
}

impl Reader<'_> {
    /// An entry; `None` where the SubDevice refuses it, or it has another length.
    async fn entry<const N: usize>(&mut self, subindex: u8) -> Result<Option<[u8; N]>, SdoError> {
        if subindex > self.highest {
            return Ok(None);
        }
        match self.mailbox.upload(self.datagrams, self.index, subindex).await {
            Ok(data) => Ok(data.try_into().ok()),
            Err(SdoError::Abort { .. }) => Ok(None),
            Err(other) => Err(other),
        }
    }

    async fn word(&mut self, subindex: u8) -> Result<Option<u16>, SdoError> {
        Ok(self.entry(subindex).await?.map(u16::from_le_bytes))
    }

    async fn time(&mut self, subindex: u8) -> Result<Option<u32>, SdoError> {
        Ok(self.entry(subindex).await?.map(u32::from_le_bytes))
    }

    async fn errors(&mut self) -> Result<SyncErrors, SdoError> {
        Ok(SyncErrors {
            missed: self.word(0x0B).await?,
            exceeded: self.word(0x0C).await?,
            too_short: self.word(0x0D).await?,
            error: self.entry::<1>(0x20).await?.map(|[byte]| byte & 1 != 0),
        })
    }

    async fn parameters(&mut self) -> Result<SyncParameters, SdoError> {
        Ok(SyncParameters {
            sync_type: self.word(0x01).await?,
            cycle_ns: self.time(0x02).await?,
            supported_types: self.word(0x04).await?,
            minimum_cycle_ns: self.time(0x05).await?,
            calc_and_copy_ns: self.time(0x06).await?,
            delay_ns: self.time(0x09).await?,
            sync0_cycle_ns: self.time(0x0A).await?,
            errors: self.errors().await?,
        })
    }
}

impl Mailbox {
    /// What the SubDevice says of its synchronization. In PRE-OP or above.
    ///
    /// # Errors
    /// Where the mailbox fails; what the SubDevice refuses is `None`.
    pub async fn sync_objects(&mut self, datagrams: &Datagrams) -> Result<SyncObjects, SdoError> {
        let mut objects = SyncObjects::default();
        for (index, place) in [(OUTPUT_PARAMETERS, &mut objects.outputs), (INPUT_PARAMETERS, &mut objects.inputs)] {
            if let Some(mut reader) = self.sync_reader(datagrams, index).await? {
                *place = Some(reader.parameters().await?);
            }
        }
        Ok(objects)
    }

    /// What the SubDevice counts of its synchronization going wrong, of its outputs where it has them, else of its inputs.
    ///
    /// # Errors
    /// As for [`Mailbox::sync_objects`].
    pub async fn sync_errors(&mut self, datagrams: &Datagrams) -> Result<SyncErrors, SdoError> {
        for index in [OUTPUT_PARAMETERS, INPUT_PARAMETERS] {
            if let Some(mut reader) = self.sync_reader(datagrams, index).await? {
                return reader.errors().await;
            }
        }
        Ok(SyncErrors::default())
    }

    async fn sync_reader<'a>(
        &'a mut self,
        datagrams: &'a Datagrams,
        index: u16,
    ) -> Result<Option<Reader<'a>>, SdoError> {
        let mut reader = Reader { datagrams, mailbox: self, index, highest: u8::MAX };
        let Some([highest]) = reader.entry(0).await? else { return Ok(None) };
        reader.highest = highest;
        Ok(Some(reader))
    }
}

impl Network<'_> {
    /// What the SubDevices at these positions say of their synchronization, all at the same time. In PRE-OP or above. One
    /// without CoE says nothing, and isn't among them.
    pub async fn read_sync_objects(&mut self, positions: &[u16]) -> Vec<(u16, Result<SyncObjects, SdoError>)> {
        let datagrams = self.datagrams();
        let reads = self.nodes().filter_map(|(one, mailbox)| {
            let mailbox = mailbox.filter(|mailbox| mailbox.info().coe() && positions.contains(&one.position))?;
            let position = one.position;
            Some(async move { (position, mailbox.sync_objects(datagrams).await) })
        });
        join_all(reads).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_said_is_left_out_of_the_words() {
        let said = SyncParameters {
            sync_type: Some(2),
            cycle_ns: Some(1_000_000),
            minimum_cycle_ns: Some(0),
            errors: SyncErrors { missed: Some(3), exceeded: Some(0), error: Some(true), ..SyncErrors::default() },
            ..SyncParameters::default()
        };
        assert_eq!(said.to_string(), "by SYNC0, cycle 1000000 ns, 3 times without process data, out of sync");
        assert_eq!(SyncParameters::default().to_string(), "");
    }

    #[test]
    fn what_was_counted_before_is_not_of_the_run() {
        let counted = |missed| SyncErrors { missed: Some(missed), error: Some(false), ..SyncErrors::default() };
        let first = counted(4_190);
        assert_eq!(counted(4_193).since(&first), counted(3));
        // It was switched off and on.
        assert_eq!(counted(2).since(&first), counted(2));
        assert_eq!(counted(3).since(&SyncErrors::default()), counted(0));
        assert_eq!(counted(3).plus(&counted(2)), counted(5));
        assert_eq!(counted(u16::MAX).plus(&counted(2)), counted(u16::MAX));
    }

    #[test]
    fn a_counter_that_grows_is_worse_and_one_that_stays_is_not() {
        let counted = |missed, error| SyncErrors { missed, error: Some(error), ..SyncErrors::default() };
        assert!(counted(Some(4), false).is_worse_than(&counted(Some(3), false)));
        assert!(!counted(Some(4), true).is_worse_than(&counted(Some(4), true)));
        assert!(counted(None, true).is_worse_than(&counted(Some(3), false)));
    }
}
