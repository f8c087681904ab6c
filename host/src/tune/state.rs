//! What an interface was before it was tuned, in a file that outlives the process.
//!
//! Guarantees: the file is there, whole and on disk before the first setting is changed, and holds each setting as it
//! was before it was tuned for the first time; a later tuning adds and never overwrites. A crash at any point leaves
//! the old file or the new one.

use super::TuneError;
use super::plan::{Found, Item, Reading};
use super::setting::{Setting, Value};
use serde::{Deserialize, Serialize};
use std::fs;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

/// Name and version of the schema.
const SCHEMA: &str = "zerocat-tune-state/1";

/// No state file is longer than this, in bytes.
const LONGEST: u64 = 1 << 20;

/// Which interface it is, so that no other gets its settings.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Identity {
    /// Its name.
    pub interface: String,
    /// Its number, which another interface of that name doesn't get.
    pub index: u32,
    /// `/proc/sys/kernel/random/boot_id`: a restart takes all settings back by itself.
    pub boot: Option<String>,
    /// The network namespace, as in `/proc/self/ns/net`.
    pub namespace: Option<String>,
}

impl Identity {
    /// That of an interface of the calling thread's network namespace; `/proc` is below `root`.
    #[must_use]
    pub fn of(root: &Path, interface: &str, index: u32) -> Self {
        let boot = fs::read_to_string(root.join("proc/sys/kernel/random/boot_id"));
        let namespace = fs::read_link(root.join("proc/thread-self/ns/net"));
        Self {
            interface: interface.to_owned(),
            index,
            boot: boot.ok().map(|text| text.trim().to_owned()),
            namespace: namespace.ok().map(|link| link.to_string_lossy().into_owned()),
        }
    }
}

/// A setting that was changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// Which.
    pub setting: Setting,
    /// What it was before it was tuned for the first time.
    pub from: Value,
    /// What it was to be.
    pub to: Value,
    /// What it was read back as, after; none if the tuning was interrupted.
    pub after: Option<Value>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Contents {
    schema: String,
    of: Identity,
    settings: Vec<Entry>,
}

/// The file, and what is in it.
#[derive(Debug)]
pub struct State {
    path: PathBuf,
    contents: Contents,
}

impl State {
    /// What is in the file at `path` of this interface; empty where there is none, or where it is of an interface that
    /// is gone, with its settings: of an earlier start of the machine, or of another number.
    ///
    /// # Errors
    /// `StateRead`, `StateWrong`, `StateElsewhere`.
    pub fn open(path: &Path, of: &Identity) -> Result<Self, TuneError> {
        let empty = Contents { schema: SCHEMA.to_owned(), of: of.clone(), settings: Vec::new() };
        let contents = match read(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => empty,
            Err(source) => return Err(TuneError::StateRead { path: path.into(), source }),
            Ok(text) => Self::admit(path, &text, of)?.unwrap_or(empty),
        };
        Ok(Self { path: path.into(), contents })
    }

    fn admit(path: &Path, text: &str, of: &Identity) -> Result<Option<Contents>, TuneError> {
        let wrong = |reason: String| TuneError::StateWrong { path: path.into(), reason };
        let contents: Contents = serde_json::from_str(text).map_err(|error| wrong(error.to_string()))?;
        if contents.schema != SCHEMA {
            return Err(wrong(format!("schema {}, and this is {SCHEMA}", contents.schema)));
        }
        let Identity { interface, index, boot, namespace } = &contents.of;
        if *interface != of.interface {
            return Err(wrong(format!("it is of interface {interface}")));
        }
        if *boot != of.boot {
            return Ok(None);
        }
        if *namespace != of.namespace {
            return Err(TuneError::StateElsewhere { path: path.into(), interface: interface.clone() });
        }
        Ok((*index == of.index).then_some(contents))
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What was changed.
    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        &self.contents.settings
    }

    /// Takes note of what is about to be changed. What was tuned before keeps what it was at first.
    pub(super) fn keep(&mut self, items: &[Item]) -> Result<(), TuneError> {
        for item in items {
            let (Some(to), Found::Is(from)) = (item.to.first(), &item.found) else { continue };
            let (to, from) = (to.clone(), from.clone());
            match self.contents.settings.iter_mut().find(|entry| entry.setting == item.setting) {
                Some(known) => (known.to, known.after) = (to, None),
                None => {
                    self.contents.settings.push(Entry { setting: item.setting.clone(), from, to, after: None });
                }
            }
        }
        self.save()
    }

    /// Takes note of how what was `touched` was read back, and forgets what is as it was at first.
    pub(super) fn settle(&mut self, touched: &[Setting], readings: &[Reading]) -> Result<(), TuneError> {
        for entry in &mut self.contents.settings {
            let reading = readings.iter().find(|reading| reading.setting == entry.setting);
            if touched.contains(&entry.setting) {
                entry.after = reading.and_then(|reading| reading.found.value().cloned());
            }
        }
        self.contents.settings.retain(|entry| entry.after.as_ref() != Some(&entry.from));
        self.save()
    }

    /// Forgets what was put back.
    pub(super) fn forget(&mut self, settings: &[Setting]) -> Result<(), TuneError> {
        self.contents.settings.retain(|entry| !settings.contains(&entry.setting));
        self.save()
    }

    /// Writes it; removes it when there is nothing in it.
    fn save(&self) -> Result<(), TuneError> {
        let failed = |source| TuneError::StateWrite { path: self.path.clone(), source };
        if self.contents.settings.is_empty() {
            return match fs::remove_file(&self.path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed(error)),
                _ => Ok(()),
            };
        }
        let text = serde_json::to_string_pretty(&self.contents).map_err(|error| failed(error.into()))? + "\n";
        replace(&self.path, &text).map_err(failed)
    }
}

/// The text of a file. A device isn't one: some never end.
fn read(path: &Path) -> io::Result<String> {
    let kind = fs::metadata(path)?.file_type();
    if !kind.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file"));
    }
    let mut text = String::new();
    fs::File::open(path)?.take(LONGEST).read_to_string(&mut text)?;
    Ok(text)
}

/// Puts a file in the place of another, whole or not at all.
fn replace(path: &Path, text: &str) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}", std::process::id()));
    let temporary = folder.join(name);
    let written = fs::File::create(&temporary).and_then(|mut file| {
        file.write_all(text.as_bytes())?;
        file.sync_all()
    });
    if let Err(error) = written.and_then(|()| fs::rename(&temporary, path)) {
        // What is said is why it couldn't be written, not what became of the rest.
        let _ = fs::remove_file(&temporary);
        return Err(error);
    }
    // The name is on disk when the folder is.
    fs::File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;
    use zerocat_testkit::FakeTree;
    use zerocat_xdp::NapiKnob;

    fn identity() -> Identity {
        Identity {
            interface: "eth1".to_owned(),
            index: 3,
            boot: Some("a".to_owned()),
            namespace: Some("net:[1]".to_owned()),
        }
    }

    fn knob(from: u64, to: u64) -> Item {
        let setting = Setting::Napi(NapiKnob::DeferHardIrqs);
        Item { setting, found: Found::Is(Value::Number(from)), to: vec![Value::Number(to)], check: "", why: "" }
    }

    fn kept(path: &Path) -> State {
        let mut state = State::open(path, &identity()).unwrap();
        state.keep(&[knob(2, 0)]).unwrap();
        state
    }

    #[test]
    fn what_was_kept_is_read_back_and_gone_when_forgotten() {
        let folder = FakeTree::new(&[]);
        let path = folder.path("new/state.json");
        let mut state = kept(&path);
        assert_eq!(State::open(&path, &identity()).unwrap().entries(), state.entries());
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1, "no temporary file is left");
        state.forget(&[Setting::Napi(NapiKnob::DeferHardIrqs)]).unwrap();
        assert!(!path.exists());
    }

    #[test]
    fn a_device_is_no_state_file_and_is_not_read() {
        for path in ["/dev/zero", "/dev/null", "/dev"] {
            let error = State::open(Path::new(path), &identity()).unwrap_err();
            assert!(matches!(error, TuneError::StateRead { .. }), "{path}: {error:?}");
        }
    }

    #[test]
    fn a_state_that_cannot_be_put_in_its_place_leaves_nothing_behind() {
        let folder = FakeTree::new(&[]);
        let path = folder.path("state.json");
        let mut state = State::open(&path, &identity()).unwrap();
        fs::create_dir_all(path.join("in the way")).unwrap();
        assert!(matches!(state.keep(&[knob(0, 1)]), Err(TuneError::StateWrite { .. })));
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
    }

    #[test]
    fn a_second_tuning_keeps_what_was_at_first() {
        let folder = FakeTree::new(&[]);
        let path = folder.path("state.json");
        drop(kept(&path));
        let mut again = State::open(&path, &identity()).unwrap();
        again.keep(&[knob(7, 1)]).unwrap();
        let entry = &State::open(&path, &identity()).unwrap().contents.settings[0];
        assert_eq!((&entry.from, &entry.to), (&Value::Number(2), &Value::Number(1)));
    }

    #[test]
    fn what_a_driver_did_not_take_is_forgotten() {
        let folder = FakeTree::new(&[]);
        let path = folder.path("state.json");
        let mut state = kept(&path);
        let setting = Setting::Napi(NapiKnob::DeferHardIrqs);
        let reading = Reading { setting: setting.clone(), found: Found::Is(Value::Number(2)) };
        state.settle(&[setting], &[reading]).unwrap();
        assert!(state.entries().is_empty() && !path.exists());
    }

    #[test]
    fn a_file_of_an_interface_that_is_gone_is_empty() {
        let folder = FakeTree::new(&[]);
        let path = folder.path("state.json");
        drop(kept(&path));
        let gone = [Identity { boot: Some("b".to_owned()), ..identity() }, Identity { index: 4, ..identity() }];
        for other in gone {
            assert!(State::open(&path, &other).unwrap().entries().is_empty(), "{other:?}");
        }
    }

    #[test]
    fn a_file_of_another_interface_namespace_or_schema_is_refused() {
        let folder = FakeTree::new(&[]);
        let path = folder.path("state.json");
        drop(kept(&path));
        let elsewhere = Identity { namespace: Some("net:[2]".to_owned()), ..identity() };
        assert!(matches!(State::open(&path, &elsewhere), Err(TuneError::StateElsewhere { .. })));
        let other = Identity { interface: "eth2".to_owned(), ..identity() };
        assert!(matches!(State::open(&path, &other), Err(TuneError::StateWrong { .. })));
        let text = fs::read_to_string(&path).unwrap().replace("state/1", "state/9");
        fs::write(&path, text).unwrap();
        assert!(matches!(State::open(&path, &identity()), Err(TuneError::StateWrong { .. })));
        fs::write(&path, "{").unwrap();
        assert!(matches!(State::open(&path, &identity()), Err(TuneError::StateWrong { .. })));
    }
}
