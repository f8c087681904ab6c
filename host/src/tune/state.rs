//! The settings that an interface had before it was tuned, in a file that outlives the process.
//!
//! Guarantees: the file is completely on disk before the first setting is changed, and has each setting's value from
//! before its first tuning; a later tuning adds entries and never overwrites these values. A crash at any point leaves
//! either the old file or the new one.

use super::TuneError;
use super::plan::{Found, Item, Reading};
use super::setting::{Setting, Value};
use serde::{Deserialize, Serialize};
use std::fs;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

/// Name and version of the schema.
const SCHEMA: &str = "zerocat-tune-state/1";

/// Longest state file that is read, in bytes.
const LONGEST: u64 = 1 << 20;

/// Identifies an interface, so that its settings are not restored to another.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Identity {
    /// Its name.
    pub interface: String,
    /// Its number, which a new interface of the same name doesn't get.
    pub index: u32,
    /// `/proc/sys/kernel/random/boot_id`, because a restart of the machine resets all settings.
    pub boot: Option<String>,
    /// The network namespace, as in `/proc/self/ns/net`.
    pub namespace: Option<String>,
}

impl Identity {
    /// The identity of an interface of the calling thread's network namespace; `/proc` is below `root`.
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
    /// Its value before it was tuned for the first time.
    pub from: Value,
    /// The value that it was to get.
    pub to: Value,
    /// The value that was read back; `None` if tuning was interrupted.
    pub after: Option<Value>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Contents {
    schema: String,
    of: Identity,
    settings: Vec<Entry>,
}

/// The file and its contents.
#[derive(Debug)]
pub struct State {
    path: PathBuf,
    contents: Contents,
}

impl State {
    /// Reads the file at `path` for this interface. The state is empty if there is no file, or if the file is void
    /// because the machine was restarted or the interface created anew since.
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
            return Err(wrong(format!("its schema is {}, expected {SCHEMA}", contents.schema)));
        }
        let Identity { interface, index, boot, namespace } = &contents.of;
        if *interface != of.interface {
            return Err(wrong(format!("it belongs to interface {interface}")));
        }
        if *boot != of.boot {
            return Ok(None);
        }
        if *namespace != of.namespace {
            return Err(TuneError::StateElsewhere { path: path.into(), interface: interface.clone() });
        }
        Ok((*index == of.index).then_some(contents))
    }

    /// Path of the file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The settings that were changed.
    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        &self.contents.settings
    }

    /// Records what is about to be changed. An entry from an earlier tuning keeps its original value.
    pub(super) fn record(&mut self, items: &[Item]) -> Result<(), TuneError> {
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

    /// Records the values that were read back of settings in `touched`, and removes entries that have their original
    /// value.
    pub(super) fn record_result(&mut self, touched: &[Setting], readings: &[Reading]) -> Result<(), TuneError> {
        for entry in &mut self.contents.settings {
            let reading = readings.iter().find(|reading| reading.setting == entry.setting);
            if touched.contains(&entry.setting) {
                entry.after = reading.and_then(|reading| reading.found.value().cloned());
            }
        }
        self.contents.settings.retain(|entry| entry.after.as_ref() != Some(&entry.from));
        self.save()
    }

    /// Removes the entries of restored settings.
    pub(super) fn forget(&mut self, settings: &[Setting]) -> Result<(), TuneError> {
        self.contents.settings.retain(|entry| !settings.contains(&entry.setting));
        self.save()
    }

    /// Writes the file, or removes it if there are no entries.
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

/// The text of a regular file. Devices are refused, because some never end.
fn read(path: &Path) -> io::Result<String> {
    let kind = fs::metadata(path)?.file_type();
    if !kind.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file"));
    }
    let mut text = String::new();
    fs::File::open(path)?.take(LONGEST).read_to_string(&mut text)?;
    Ok(text)
}

/// Replaces a file atomically.
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
        // The error to report is that of writing, whether or not the rest can be removed.
        let _ = fs::remove_file(&temporary);
        return Err(error);
    }
    // The new name is on disk once the folder is.
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

    fn recorded(path: &Path) -> State {
        let mut state = State::open(path, &identity()).unwrap();
        state.record(&[knob(2, 0)]).unwrap();
        state
    }

    #[test]
    fn recorded_settings_are_read_back_and_the_file_is_removed_with_the_last() {
        let folder = FakeTree::new(&[]);
        let path = folder.path("new/state.json");
        let mut state = recorded(&path);
        assert_eq!(State::open(&path, &identity()).unwrap().entries(), state.entries());
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1, "no temporary file is left");
        state.forget(&[Setting::Napi(NapiKnob::DeferHardIrqs)]).unwrap();
        assert!(!path.exists());
    }

    #[test]
    fn a_device_is_refused_and_not_read() {
        for path in ["/dev/zero", "/dev/null", "/dev"] {
            let error = State::open(Path::new(path), &identity()).unwrap_err();
            assert!(matches!(error, TuneError::StateRead { .. }), "{path}: {error:?}");
        }
    }

    #[test]
    fn a_state_that_cannot_be_written_leaves_no_temporary_file() {
        let folder = FakeTree::new(&[]);
        let path = folder.path("state.json");
        let mut state = State::open(&path, &identity()).unwrap();
        fs::create_dir_all(path.join("in the way")).unwrap();
        assert!(matches!(state.record(&[knob(0, 1)]), Err(TuneError::StateWrite { .. })));
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
    }

    #[test]
    fn a_second_tuning_keeps_the_original_value() {
        let folder = FakeTree::new(&[]);
        let path = folder.path("state.json");
        drop(recorded(&path));
        let mut again = State::open(&path, &identity()).unwrap();
        again.record(&[knob(7, 1)]).unwrap();
        let entry = &State::open(&path, &identity()).unwrap().contents.settings[0];
        assert_eq!((&entry.from, &entry.to), (&Value::Number(2), &Value::Number(1)));
    }

    #[test]
    fn a_setting_that_did_not_change_is_removed() {
        let folder = FakeTree::new(&[]);
        let path = folder.path("state.json");
        let mut state = recorded(&path);
        let setting = Setting::Napi(NapiKnob::DeferHardIrqs);
        let reading = Reading { setting: setting.clone(), found: Found::Is(Value::Number(2)) };
        state.record_result(&[setting], &[reading]).unwrap();
        assert!(state.entries().is_empty() && !path.exists());
    }

    #[test]
    fn a_file_of_an_earlier_interface_or_boot_is_void() {
        let folder = FakeTree::new(&[]);
        let path = folder.path("state.json");
        drop(recorded(&path));
        let gone = [Identity { boot: Some("b".to_owned()), ..identity() }, Identity { index: 4, ..identity() }];
        for other in gone {
            assert!(State::open(&path, &other).unwrap().entries().is_empty(), "{other:?}");
        }
    }

    #[test]
    fn a_file_of_another_interface_namespace_or_schema_is_refused() {
        let folder = FakeTree::new(&[]);
        let path = folder.path("state.json");
        drop(recorded(&path));
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
