//! Phrases that both formats use.

use crate::node::Place;

/// A text cut to what a line of an error has room for.
pub(crate) fn short(text: &str) -> String {
    const MOST: usize = 40;
    let mut chars = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    let mut cut: String = chars.by_ref().take(MOST).collect();
    if chars.next().is_some() {
        cut.push('…');
    }
    cut
}

pub(crate) fn twice(first: Place) -> String {
    format!("the key stands twice in one object, first in {first}; keep one")
}

pub(crate) fn too_large(number: &str) -> String {
    format!("{} is larger than any number that is read", short(number))
}

/// "a, b, c".
pub(crate) fn list(words: &[&str]) -> String {
    words.join(", ")
}
