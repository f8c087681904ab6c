//! Who contributes to the cyclic exchange, as the bus thread found out by asking.

/// SubDevices that can be told of; those behind them count as contributing.
const MOST: usize = 1024;
const WORDS: usize = MOST / 64;

/// Who contributes process data. One that answers but isn't in SAFE-OP or OP contributes nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Presence {
    missing: [u64; WORDS],
}

impl Presence {
    /// All contribute.
    #[must_use]
    pub const fn all() -> Self {
        Self { missing: [0; WORDS] }
    }

    /// The same without the SubDevice at a position.
    #[must_use]
    pub fn without(mut self, position: u16) -> Self {
        if let Some(word) = self.missing.get_mut(usize::from(position) / 64) {
            *word |= 1 << (position % 64);
        }
        self
    }

    /// Whether the SubDevice at a position contributes nothing.
    #[must_use]
    pub fn is_missing(&self, position: u16) -> bool {
        let word = self.missing.get(usize::from(position) / 64).copied().unwrap_or(0);
        word >> (position % 64) & 1 != 0
    }

    /// How many contribute nothing.
    #[must_use]
    pub fn missing(&self) -> u16 {
        let bits: u32 = self.missing.iter().map(|word| word.count_ones()).sum();
        u16::try_from(bits).unwrap_or(u16::MAX)
    }
}

impl FromIterator<u16> for Presence {
    /// Everybody contributes but those at the positions.
    fn from_iter<I: IntoIterator<Item = u16>>(missing: I) -> Self {
        missing.into_iter().fold(Self::all(), Self::without)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_missing_is_known_by_position_and_those_too_far_behind_never_are() {
        let presence: Presence = [0, 63, 64, 1023, 1024, u16::MAX].into_iter().collect();
        let missing: Vec<_> = (0..=u16::MAX).filter(|position| presence.is_missing(*position)).collect();
        assert_eq!((missing, presence.missing()), (vec![0, 63, 64, 1023], 4));
        assert_eq!(Presence::default(), Presence::all());
    }
}
