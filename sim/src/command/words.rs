//! A line split into words with their columns, and what can be wrong with them.

/// Why a line is not a command.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("column {column}: {problem}")]
pub struct CommandError {
    /// Where, in characters from 1.
    pub column: usize,
    /// What is wrong.
    pub problem: CommandProblem,
}

/// What is wrong with a word.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CommandProblem {
    /// A word that isn't allowed there.
    #[error("`{found}` is not allowed here, give {allowed}")]
    NotAllowed {
        /// The word.
        found: String,
        /// What is allowed there.
        allowed: String,
    },
    /// The line ends too early.
    #[error("the line ends here, give {allowed}")]
    Missing {
        /// What is allowed there.
        allowed: String,
    },
    /// Words behind a complete command.
    #[error("`{found}` is too much, the command is complete before it")]
    TooMuch {
        /// The first of them.
        found: String,
    },
    /// A name that several SubDevices have.
    #[error("`{name}` is the name of {count} SubDevices, use its number")]
    Ambiguous {
        /// The name.
        name: String,
        /// How many have it.
        count: usize,
    },
    /// A quotation mark without its pair.
    #[error("the quotation mark is not closed")]
    Quote,
    /// A time that is not allowed there.
    #[error("{0}")]
    Time(&'static str),
}

/// One word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Word {
    /// In characters, from 1.
    pub(crate) column: usize,
    pub(crate) text: String,
}

/// The words of a line, one after the other.
#[derive(Debug)]
pub(crate) struct Words {
    words: std::vec::IntoIter<Word>,
    /// Column behind the last word.
    end: usize,
}

impl Words {
    /// Splits a line at blanks. `#` begins a comment; a name with blanks is written in `"` marks.
    pub(crate) fn of(line: &str) -> Result<Self, CommandError> {
        let mut words: Vec<Word> = Vec::new();
        let mut word: Option<Word> = None;
        let mut quote = None;
        let mut end = 1;
        for (column, c) in (1..).zip(line.chars()) {
            match c {
                '"' if quote.is_some() => {
                    quote = None;
                    words.extend(word.take());
                }
                _ if quote.is_some() => word.get_or_insert_with(|| Word::at(column)).text.push(c),
                '"' => {
                    words.extend(word.take());
                    quote = Some(column);
                    word = Some(Word::at(column));
                }
                '#' => break,
                c if c.is_whitespace() => {
                    words.extend(word.take());
                    continue;
                }
                c => word.get_or_insert_with(|| Word::at(column)).text.push(c),
            }
            end = column + 1;
        }
        if let Some(column) = quote {
            return Err(CommandError { column, problem: CommandProblem::Quote });
        }
        words.extend(word);
        Ok(Self { words: words.into_iter(), end })
    }

    /// The next word; `allowed` says what is allowed there.
    pub(crate) fn next(&mut self, allowed: &str) -> Result<Word, CommandError> {
        self.words.next().ok_or_else(|| CommandError {
            column: self.end,
            problem: CommandProblem::Missing { allowed: allowed.to_owned() },
        })
    }

    /// The next word, if there is one.
    pub(crate) fn next_if_any(&mut self) -> Option<Word> {
        self.words.next()
    }

    /// The next word without taking it.
    pub(crate) fn peek(&self) -> Option<&str> {
        self.words.as_slice().first().map(|word| word.text.as_str())
    }

    /// The words that are left, with one blank between them.
    pub(crate) fn rest(&self) -> String {
        let words: Vec<&str> = self.words.as_slice().iter().map(|word| word.text.as_str()).collect();
        words.join(" ")
    }

    /// No word is left.
    pub(crate) fn end(mut self) -> Result<(), CommandError> {
        match self.words.next() {
            None => Ok(()),
            Some(Word { column, text }) => {
                Err(CommandError { column, problem: CommandProblem::TooMuch { found: text } })
            }
        }
    }
}

impl Word {
    fn at(column: usize) -> Self {
        Self { column, text: String::new() }
    }

    /// The word isn't allowed there.
    pub(crate) fn refused(&self, allowed: impl Into<String>) -> CommandError {
        self.problem(CommandProblem::NotAllowed { found: self.text.clone(), allowed: allowed.into() })
    }

    /// Something is wrong with the word.
    pub(crate) fn problem(&self, problem: CommandProblem) -> CommandError {
        CommandError { column: self.column, problem }
    }

    /// What the word stands for, or that it isn't allowed there.
    pub(crate) fn read<T>(&self, allowed: &str, read: impl FnOnce(&str) -> Option<T>) -> Result<T, CommandError> {
        read(&self.text).ok_or_else(|| self.refused(allowed))
    }
}

/// A number, decimal or with 0x, in the range of `T`.
pub(crate) fn number<T: TryFrom<i64>>(text: &str) -> Option<T> {
    let (negative, digits) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
    let value = match digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X")) {
        Some(hex) if hex.bytes().all(|b| b.is_ascii_hexdigit()) => i64::from_str_radix(hex, 16).ok()?,
        None if digits.bytes().all(|b| b.is_ascii_digit()) => digits.parse().ok()?,
        _ => return None,
    };
    T::try_from(if negative { -value } else { value }).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(line: &str) -> Vec<(usize, String)> {
        Words::of(line).unwrap().words.map(|word| (word.column, word.text)).collect()
    }

    #[test]
    fn words_have_columns_and_comments_are_none() {
        assert_eq!(split("  pull  axis # now"), [(3, "pull".into()), (9, "axis".into())]);
        assert!(split("# all of it").is_empty());
        assert_eq!(split(r#"pull "left axis" 1"#), [(1, "pull".into()), (6, "left axis".into()), (18, "1".into())]);
    }

    #[test]
    fn an_open_quotation_is_refused_where_it_begins() {
        let error = Words::of(r#"pull "axis"#).unwrap_err();
        assert_eq!(error, CommandError { column: 6, problem: CommandProblem::Quote });
    }

    #[test]
    fn numbers_are_decimal_or_hexadecimal_and_in_range() {
        assert_eq!(number::<u16>("0x001b"), Some(27));
        assert_eq!(number::<i16>("-0x10"), Some(-16));
        assert_eq!(number::<u8>("255"), Some(255));
        for wrong in ["256", "-1", "0x", "", "+1", "0x+1", "1.5", "ten", "99999999999999999999"] {
            assert_eq!(number::<u8>(wrong), None, "{wrong}");
        }
    }
}
