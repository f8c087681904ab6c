//! The known word that somebody who wrote another one probably meant.

/// The nearest of `known`, if it is near enough to be meant. Case, dashes and underscores don't count.
#[must_use]
pub fn nearest<'a>(given: &str, known: &[&'a str]) -> Option<&'a str> {
    let given = plain(given);
    let allowed = given.chars().count() / 4;
    let distances = known.iter().map(|word| (strsim::osa_distance(&given, &plain(word)), *word));
    distances
        .filter(|(distance, _)| *distance <= allowed.clamp(1, 3))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, word)| word)
}

/// Longer words are nobody's.
const LONGEST: usize = 64;

fn plain(word: &str) -> String {
    word.chars().filter(|c| !matches!(c, '_' | '-' | ' ')).take(LONGEST).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn swapped_letters_and_other_cases_are_near_and_other_words_are_not() {
        assert_eq!(nearest("hybird", &["sleep", "hybrid", "spin"]), Some("hybrid"));
        assert_eq!(nearest("sampleRate", &["state_rate", "sample_rate"]), Some("sample_rate"));
        assert_eq!(nearest("wait", &["sleep", "hybrid", "spin"]), None);
        assert_eq!(nearest("", &["a"]), Some("a"));
    }
}
