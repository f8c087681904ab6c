//! Numbers and bytes as ESI files write them (ETG.2000, types HexDecValue and xs:hexBinary).

use crate::error::EsiProblem;

/// Most characters of a refused text that an error shows.
const SHOWN: usize = 40;

fn cut(text: &str) -> String {
    text.chars().take(SHOWN).collect()
}

/// A number from 0 to `most`: decimal, `#x1A` or `0x1A`; some tools write `#x0x1A`. Spaces around it don't count.
pub(crate) fn number(text: &str, most: u64) -> Result<u64, EsiProblem> {
    let text = text.trim();
    let hex = ["#x0x", "#x", "#X", "0x", "0X"].iter().find_map(|prefix| text.strip_prefix(prefix));
    let parsed = match hex {
        Some(digits) if !digits.starts_with('+') => u64::from_str_radix(digits, 16),
        _ => text.parse(),
    };
    match parsed {
        Ok(value) if value <= most => Ok(value),
        _ => Err(EsiProblem::Number { text: cut(text), most }),
    }
}

/// A number that may be negative.
pub(crate) fn signed(text: &str) -> Result<i64, EsiProblem> {
    let text = text.trim();
    let most = u64::from(u32::MAX);
    let wrong = || EsiProblem::Number { text: cut(text), most };
    match text.strip_prefix('-') {
        Some(digits) => Ok(-i64::try_from(number(digits, most)?).map_err(|_| wrong())?),
        None => i64::try_from(number(text, most)?).map_err(|_| wrong()),
    }
}

/// Whether a flag is set: 1 or true. Everything else counts as not set.
pub(crate) fn flag(text: &str) -> bool {
    matches!(text.trim(), "1" | "true" | "TRUE" | "True" | "#x1" | "0x1")
}

/// Bytes in hexadecimal digits. White space between them and a `#x` before them don't count.
pub(crate) fn bytes(text: &str) -> Result<Vec<u8>, EsiProblem> {
    let wrong = || EsiProblem::Hex(cut(text.trim()));
    let digits = text.trim().trim_start_matches("#x");
    let nibbles: Option<Vec<u8>> = digits
        .chars()
        .filter(|character| !character.is_whitespace())
        .map(|character| character.to_digit(16).and_then(|digit| u8::try_from(digit).ok()))
        .collect();
    let nibbles = nibbles.ok_or_else(wrong)?;
    if nibbles.len() % 2 != 0 {
        return Err(wrong());
    }
    Ok(nibbles.chunks_exact(2).map(|pair| pair[0] << 4 | pair[1]).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_to_write_a_number_is_read() {
        for text in ["26", " 26 ", "#x1A", "#x001a", "0x1a", "#X1A", "#x0x1A"] {
            assert_eq!(number(text, 255), Ok(26), "{text}");
        }
        for text in ["", "#x", "1A", "-1", "256", "#x100", "0x-1", "#x+1", "#x0x", "99999999999999999999"] {
            assert!(number(text, 255).is_err(), "{text}");
        }
        assert_eq!((signed("-5"), signed("#x10")), (Ok(-5), Ok(16)));
    }

    #[test]
    fn bytes_are_pairs_of_digits() {
        assert_eq!(bytes(" 050E 03ff\n"), Ok(vec![0x05, 0x0e, 0x03, 0xff]));
        assert!(bytes("050").is_err() && bytes("0g").is_err());
    }
}
