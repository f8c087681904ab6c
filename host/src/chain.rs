//! Errors with their causes, for people to read.

/// An error and all its causes in one line. A cause that the text before it tells already isn't told again.
#[must_use]
pub fn chain(error: &(impl std::error::Error + ?Sized)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let told = cause.to_string();
        if !text.contains(&told) {
            text = format!("{text}: {told}");
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
    fn a_cause_is_told_once() {
        let cause = || Error::new(ErrorKind::NotFound, "no such thing");
        assert_eq!(chain(&Silent(cause())), "look: no such thing");
        assert_eq!(chain(&Telling(cause())), "look: no such thing");
    }
}
