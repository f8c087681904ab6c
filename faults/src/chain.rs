//! Errors with their causes, for people to read.

/// An error and all its causes in one line. A cause whose text is already part of the line isn't repeated.
#[must_use]
pub fn chain(error: &(impl std::error::Error + ?Sized)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        source = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Error, ErrorKind};

    #[derive(Debug, thiserror::Error)]
    #[error("look")]
    struct Silent(#[source] Error);

    #[derive(Debug, thiserror::Error)]
    #[error("look: {0}")]
    struct Telling(#[source] Error);

    #[test]
    fn a_cause_is_not_repeated() {
        let cause = || Error::new(ErrorKind::NotFound, "no such thing");
        assert_eq!(chain(&Silent(cause())), "look: no such thing");
        assert_eq!(chain(&Telling(cause())), "look: no such thing");
    }
}
