//! Plain scalars of YAML by the core schema (YAML 1.2.2, 10.3.2).

use crate::node::Kind;

/// What a plain scalar is; none for a number that no type holds.
///
/// `0x6041` and `0o17` are numbers, `yes` and `off` are text.
pub(crate) fn plain(text: &str) -> Option<Kind> {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Some(Kind::Null),
        "true" | "True" | "TRUE" => return Some(Kind::Bool(true)),
        "false" | "False" | "FALSE" => return Some(Kind::Bool(false)),
        _ => {}
    }
    for (prefix, radix) in [("0x", 16), ("0X", 16), ("0o", 8)] {
        if let Some(digits) = text.strip_prefix(prefix)
            && !digits.is_empty()
            && digits.chars().all(|c| c.is_digit(radix))
        {
            return u64::from_str_radix(digits, radix).ok().map(Kind::Unsigned);
        }
    }
    if !is_decimal(text) {
        return Some(Kind::Text(text.to_owned()));
    }
    if let Ok(number) = text.parse() {
        return Some(Kind::Unsigned(number));
    }
    if let Ok(number) = text.parse() {
        return Some(Kind::Signed(number));
    }
    text.parse().ok().filter(|number: &f64| number.is_finite()).map(Kind::Float)
}

/// `[-+]? ( \. [0-9]+ | [0-9]+ ( \. [0-9]* )? ) ( [eE] [-+]? [0-9]+ )?`
fn is_decimal(text: &str) -> bool {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let (mantissa, exponent) = unsigned.split_once(['e', 'E']).map_or((unsigned, None), |(m, e)| (m, Some(e)));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let (whole, fraction) = mantissa.split_once('.').map_or((mantissa, None), |(whole, rest)| (whole, Some(rest)));
    let exponent = exponent.map(|exponent| exponent.strip_prefix(['-', '+']).unwrap_or(exponent));
    let some = !whole.is_empty() || fraction.is_some_and(|fraction| !fraction.is_empty());
    some && digits(whole) && fraction.is_none_or(digits) && exponent.is_none_or(|e| !e.is_empty() && digits(e))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_those_of_the_core_schema() {
        assert!(matches!(plain("0x6041"), Some(Kind::Unsigned(0x6041))));
        assert!(matches!(plain("-5"), Some(Kind::Signed(-5))));
        assert!(matches!(plain("+5"), Some(Kind::Unsigned(5))));
        assert!(matches!(plain("18446744073709551616"), Some(Kind::Float(_))));
        assert!(matches!(plain(".5"), Some(Kind::Float(0.5))) && matches!(plain("1e3"), Some(Kind::Float(1000.0))));
        assert!(plain("1e999").is_none() && plain("0x10000000000000000").is_none());
    }

    #[test]
    fn words_and_what_only_looks_like_a_number_are_text() {
        for text in ["yes", "off", "1ms", "0x", "1_000", "1.2.3", ".", "-", "e5", "inf", "nan", ".inf", "<<"] {
            assert!(matches!(plain(text), Some(Kind::Text(_))), "{text}");
        }
        assert!(matches!(plain("~"), Some(Kind::Null)) && matches!(plain("True"), Some(Kind::Bool(true))));
    }
}
