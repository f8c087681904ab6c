//! What the owner of a format knows about its keys beside their types.

/// Words for errors. All are optional.
#[derive(Debug, Clone, Copy, Default)]
pub struct Hints {
    /// What belongs to a key whose type says too little, such as (`sample_rate`, "a number of Hz, such as 100").
    pub belongs: &'static [(&'static str, &'static str)],
    /// Where a key belongs that people look for elsewhere, such as (`cpu`, "it belongs in `engine`").
    pub elsewhere: &'static [(&'static str, &'static str)],
}

impl Hints {
    pub(crate) fn belongs(&self, key: &str) -> Option<&'static str> {
        find(self.belongs, key)
    }

    pub(crate) fn elsewhere(&self, key: &str) -> Option<&'static str> {
        find(self.elsewhere, key)
    }
}

fn find(words: &[(&'static str, &'static str)], key: &str) -> Option<&'static str> {
    words.iter().find(|(of, _)| *of == key).map(|(_, words)| *words)
}
