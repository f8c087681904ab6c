//! Names of entries that SubDevices told, kept between runs: a JSON file for each kind of SubDevice (vendor, product, revision)
//! in `$XDG_CACHE_HOME/zerocat/names`, or `$HOME/.cache/zerocat/names`.
//!
//! Guarantees: nothing here is an error. A file that can't be read, or isn't one of ours, is as one that isn't there; where
//! nothing can be written, nothing is kept. A file is replaced as a whole.

use serde::{Deserialize, Serialize};
use std::env;
use std::fs::{self, File, OpenOptions};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use zerocat_bus::{Kind, NameBook, Named, Names};

/// Longest file that is read, in bytes.
const LONGEST: u64 = 1 << 20;
const SCHEMA: &str = "zerocat-names/1";

/// Where names are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NameCache(Option<PathBuf>);

/// A file.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Kept {
    schema: String,
    vendor_id: u32,
    product_code: u32,
    revision: u32,
    entries: Vec<KeptEntry>,
    objects: Vec<KeptObject>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct KeptEntry {
    index: u16,
    subindex: u8,
    name: String,
    data_type: u16,
    bit_length: u16,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct KeptObject {
    index: u16,
    name: String,
}

impl NameCache {
    /// The cache of this user.
    #[must_use]
    pub fn of_user() -> Self {
        let absolute = |name| env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
        let base = absolute("XDG_CACHE_HOME").or_else(|| absolute("HOME").map(|home| home.join(".cache")));
        Self(base.map(|base| base.join("zerocat/names")))
    }

    /// A cache in a folder of its own.
    #[must_use]
    pub const fn at(folder: PathBuf) -> Self {
        Self(Some(folder))
    }

    /// No cache.
    #[must_use]
    pub const fn none() -> Self {
        Self(None)
    }

    /// Fills in what is known of these kinds.
    pub(crate) fn load(&self, kinds: impl IntoIterator<Item = Kind>, book: &mut NameBook) {
        let Some(folder) = &self.0 else { return };
        for kind in kinds {
            if !book.known.contains_key(&kind)
                && let Some(names) = read(&file(folder, kind)).and_then(|kept| kept.names_of(kind))
            {
                book.known.insert(kind, names);
            }
        }
    }

    /// Keeps what was learned.
    pub(crate) fn store(&self, book: &NameBook) {
        let Some(folder) = &self.0 else { return };
        for kind in &book.learned {
            let Some(names) = book.known.get(kind) else { continue };
            if let Err(error) = write(folder, *kind, names) {
                tracing::info!("names of entries are not kept in {}: {error}", folder.display());
                return;
            }
        }
    }
}

impl Kept {
    fn new(kind: Kind, names: &Names) -> Self {
        let Kind { vendor_id, product_code, revision } = kind;
        let entry = |(place, named): (&(u16, u8), &Named)| KeptEntry {
            index: place.0,
            subindex: place.1,
            name: named.name.clone(),
            data_type: named.type_code,
            bit_length: named.bit_length,
        };
        let object = |(index, name): (&u16, &String)| KeptObject { index: *index, name: name.clone() };
        let (entries, objects) = (names.entries.iter().map(entry), names.objects.iter().map(object));
        let (entries, objects) = (entries.collect(), objects.collect());
        Self { schema: SCHEMA.to_owned(), vendor_id, product_code, revision, entries, objects }
    }

    /// What it says, if it is of this kind.
    fn names_of(self, kind: Kind) -> Option<Names> {
        let Self { schema, vendor_id, product_code, revision, entries, objects } = self;
        if schema != SCHEMA || kind != (Kind { vendor_id, product_code, revision }) {
            return None;
        }
        let entry = |kept: KeptEntry| {
            let named = Named { name: kept.name, type_code: kept.data_type, bit_length: kept.bit_length };
            ((kept.index, kept.subindex), named)
        };
        Some(Names {
            entries: entries.into_iter().map(entry).collect(),
            objects: objects.into_iter().map(|kept| (kept.index, kept.name)).collect(),
        })
    }
}

fn file(folder: &Path, kind: Kind) -> PathBuf {
    let Kind { vendor_id, product_code, revision } = kind;
    folder.join(format!("{vendor_id:08x}-{product_code:08x}-{revision:08x}.json"))
}

fn read(path: &Path) -> Option<Kept> {
    let mut text = String::new();
    File::open(path).ok()?.take(LONGEST).read_to_string(&mut text).ok()?;
    serde_json::from_str(&text).ok()
}

fn write(folder: &Path, kind: Kind, names: &Names) -> std::io::Result<()> {
    fs::create_dir_all(folder)?;
    let path = file(folder, kind);
    let unfinished = path.with_extension(format!("{}.part", std::process::id()));
    let text = serde_json::to_string_pretty(&Kept::new(kind, names))? + "\n";
    let written = OpenOptions::new().write(true).create_new(true).open(&unfinished);
    let written =
        written.and_then(|mut file| file.write_all(text.as_bytes())).and_then(|()| fs::rename(&unfinished, &path));
    if written.is_err() {
        let _ = fs::remove_file(&unfinished);
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;
    use zerocat_testkit::Folder;

    const KIND: Kind = Kind { vendor_id: 0x7a63, product_code: 0x402, revision: 1 };

    fn book() -> NameBook {
        let named = Named { name: "Status word".to_owned(), type_code: 6, bit_length: 16 };
        let mut book = NameBook::default();
        let names = book.known.entry(KIND).or_default();
        names.entries.insert((0x6041, 0), named);
        names.objects.insert(0x1a00, "Inputs".to_owned());
        book.learned.insert(KIND);
        book
    }

    fn loaded(cache: &NameCache, kind: Kind) -> NameBook {
        let mut loaded = NameBook::default();
        cache.load([kind], &mut loaded);
        loaded
    }

    #[test]
    fn what_was_learned_is_there_in_the_next_run_for_this_kind_only() {
        let folder = Folder::new();
        let cache = NameCache::at(folder.path("not/there/yet"));
        cache.store(&book());
        assert_eq!(loaded(&cache, KIND).known, book().known);
        assert_eq!(loaded(&cache, Kind { revision: 2, ..KIND }), NameBook::default());
    }

    #[test]
    fn a_file_that_is_damaged_or_of_another_kind_is_as_none() {
        let folder = Folder::new();
        let cache = NameCache::at(folder.root().to_owned());
        cache.store(&book());
        let path = file(folder.root(), KIND);
        let text = fs::read_to_string(&path).unwrap();
        for bad in
            [text.replace("zerocat-names/1", "zerocat-names/9"), text.replace("1026", "7"), text[..40].to_owned()]
        {
            assert_ne!(bad, text);
            fs::write(&path, bad).unwrap();
            assert_eq!(loaded(&cache, KIND), NameBook::default());
        }
    }

    #[test]
    fn where_nothing_can_be_written_nothing_is_kept_and_nothing_fails() {
        let folder = Folder::new();
        let cache = NameCache::at(folder.write("file", "no folder").join("names"));
        cache.store(&book());
        assert_eq!(loaded(&cache, KIND), NameBook::default());
        NameCache::none().store(&book());
    }
}
