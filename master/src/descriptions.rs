//! Vendors' device descriptions (ESI) in folders that a rig file or a command names: which one is a SubDevice's, and what of it
//! is used.
//!
//! Guarantees: each SubDevice of one kind gets the same description; one that can't be read costs that SubDevice what it would
//! have said, and is told once. Without folders nobody has a description. What is taken from it is what nobody nearer says: the
//! rig file counts before it, and so does what the SubDevice says of itself, but for time-outs.

use serde::Serialize;
use std::collections::HashMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use zerocat_bus::sii::Content;
use zerocat_bus::{Identity, Network, SubDevice};
use zerocat_esi::{Choice, Chosen, Device, Library, LibraryError, Wanted};

/// Folders of descriptions, and those of them that were asked for.
#[derive(Debug, Default)]
pub struct Descriptions {
    library: Library,
    known: HashMap<Key, Option<Arc<Described>>>,
    /// What couldn't be used, in words, that nobody was told yet.
    untold: Vec<String>,
    /// Descriptions of other revisions that nobody was told of yet.
    fallbacks: Vec<String>,
}

/// Identity without the serial number, name, and what is in the slots.
type Key = (u32, u32, u32, String, Option<Vec<u32>>);

/// A SubDevice's description.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Described {
    /// Where it is from.
    pub description: Description,
    /// What it says.
    pub device: Device,
}

/// Where a SubDevice's description is from, and why it was chosen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Description {
    /// Its file, without the folder.
    pub file: String,
    /// Type as in a catalogue.
    pub order: String,
    /// The revision that it is of.
    pub revision: u32,
    /// Why it was chosen: `exact`, `stands_for`, `older` or `newer`, for its revision beside the SubDevice's.
    pub choice: &'static str,
    /// What is in the slots of a modular SubDevice, as the SubDevice says it: the idents, 0 for an empty slot.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub modules: Option<Vec<u32>>,
}

impl Description {
    fn of(chosen: &Chosen, modules: Option<Vec<u32>>) -> Self {
        let name = chosen.path.file_name().unwrap_or(chosen.path.as_os_str());
        let choice = match chosen.choice {
            Choice::Exact => "exact",
            Choice::StandsFor => "stands_for",
            Choice::Older => "older",
            Choice::Newer => "newer",
        };
        let file = name.to_string_lossy().into_owned();
        Self { file, order: chosen.order.clone(), revision: chosen.revision, choice, modules }
    }

    /// Whether it is of another revision, and doesn't say that it stands for the SubDevice's.
    #[must_use]
    pub fn is_fallback(&self) -> bool {
        matches!(self.choice, "older" | "newer")
    }
}

impl fmt::Display for Description {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { file, order, revision, choice, .. } = self;
        write!(f, "{order} in {file}")?;
        match *choice {
            "exact" => Ok(()),
            "stands_for" => write!(f, ", of revision {revision:#010x}, which stands for this one"),
            other => write!(f, ", of revision {revision:#010x}, which is {other}: there is none of this one"),
        }
    }
}

impl Descriptions {
    /// Those in some folders.
    ///
    /// # Errors
    /// A folder can't be read, or has no description.
    pub fn open(folders: &[PathBuf]) -> Result<Self, LibraryError> {
        let library = Library::open(folders)?;
        let told = |one: &zerocat_esi::LeftOut| format!("{}: {}", one.path.display(), zerocat_faults::chain(&one.why));
        let untold = library.left_out().iter().map(told).collect();
        Ok(Self { library, untold, ..Self::default() })
    }

    /// Whether there are any.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.library.files() == 0
    }

    /// What couldn't be used, in words, since this was asked for the last time: files, and descriptions in them.
    pub fn untold(&mut self) -> Vec<String> {
        std::mem::take(&mut self.untold)
    }

    /// The descriptions of other revisions that were taken since this was asked for the last time, in words.
    pub fn fallbacks(&mut self) -> Vec<String> {
        std::mem::take(&mut self.fallbacks)
    }

    /// The description of a SubDevice with such an identity, that calls itself so, with these modules in its slots: by their
    /// idents, or by default where nobody says which.
    pub fn of(&mut self, identity: Identity, name: &str, modules: Option<&[u32]>) -> Option<Arc<Described>> {
        let Identity { vendor_id, product_code, revision, .. } = identity;
        let key = (vendor_id, product_code, revision, name.to_owned(), modules.map(<[u32]>::to_vec));
        if let Some(known) = self.known.get(&key) {
            return known.clone();
        }
        let described = self.read(identity, name, modules).map(Arc::new);
        if let (Some(described), None) = (&described, modules) {
            self.note(&described.description, name, revision);
        }
        self.known.insert(key, described.clone());
        described
    }

    /// Tells what was chosen, once for SubDevices of one kind.
    fn note(&mut self, description: &Description, name: &str, revision: u32) {
        if description.is_fallback() {
            self.fallbacks.push(format!("{name} of revision {revision:#010x} is described by {description}"));
        } else {
            tracing::info!("{name} is described by {description}");
        }
    }

    fn read(&mut self, identity: Identity, name: &str, modules: Option<&[u32]>) -> Option<Described> {
        let Identity { vendor_id, product_code, revision, .. } = identity;
        let wanted = Wanted { vendor: vendor_id, product: product_code, revision, order: name };
        let chosen = self.library.find(wanted)?;
        let idents: Option<Vec<String>> = modules.map(|idents| idents.iter().map(|ident| named(*ident)).collect());
        let read = match self.library.read(&chosen, idents.as_deref()) {
            // Modules that the file doesn't know: what it says of the device itself is of use all the same.
            Err(error) if idents.is_some() => {
                self.untold.push(format!("{}: {error}", chosen.path.display()));
                self.library.read(&chosen, Some(&[]))
            }
            read => read,
        };
        match read {
            Ok(device) => {
                let modules = device.slots.is_some().then_some(modules).flatten().map(<[u32]>::to_vec);
                Some(Described { description: Description::of(&chosen, modules), device })
            }
            Err(error) => {
                self.untold.push(format!("{}: {error}", chosen.path.display()));
                None
            }
        }
    }

    /// The description of a vendor's product, without a bus.
    pub fn of_product(&mut self, vendor_id: u32, product_code: u32, revision: u32) -> Option<Arc<Described>> {
        self.of(Identity { vendor_id, product_code, revision, serial: 0 }, "", None)
    }

    /// The description of a SubDevice on a bus, with the default modules in its slots.
    pub(crate) fn of_kind(&mut self, subdevice: &SubDevice) -> Option<Arc<Described>> {
        let (identity, name) = own(subdevice)?;
        self.of(identity, &name, None)
    }

    /// The description of a SubDevice on a bus, which is asked for its modules where it may have some.
    pub(crate) async fn of_subdevice(&mut self, network: &mut Network<'_>, position: u16) -> Option<Arc<Described>> {
        let subdevice = network.subdevices().get(usize::from(position))?;
        let (identity, name) = own(subdevice)?;
        let described = self.of(identity, &name, None)?;
        if described.device.slots.is_none() {
            return Some(described);
        }
        match network.modules(position).await {
            Ok(Some(idents)) => self.of(identity, &name, Some(&idents)),
            Ok(None) => Some(described),
            Err(error) => {
                tracing::info!("modules of SubDevice {position} are not known: {error}");
                Some(described)
            }
        }
    }
}

/// What a module is called for: its ident, nothing for an empty slot.
fn named(ident: u32) -> String {
    if ident == 0 { String::new() } else { format!("{ident:#010x}") }
}

/// Identity and name of a SubDevice whose SII says them.
fn own(subdevice: &SubDevice) -> Option<(Identity, String)> {
    (subdevice.sii.content == Content::Programmed).then(|| (subdevice.identity, subdevice.name.clone()))
}
