//! Folders of device descriptions: which file describes a device of a bus, and which of its revisions is taken.
//!
//! [`Library::open`] goes through all files once and keeps where each device stands, nothing of what it says; a device is
//! read when it is asked for. A file that can't be read leaves the others, and is in [`Library::left_out`]. Files that
//! device descriptions refer to (modules, dictionaries, diagnosis messages) are passed over.
//!
//! Which description is taken ([`Choice`]): that of the device's revision; else one that says that it stands for it; else
//! the newest older one, because a vendor's newer devices do what older ones did (Beckhoff's rule, not the ETG's); else the
//! oldest newer one. Of several that are alike in this, the one whose type is the device's own name, else the first by path.

use std::collections::HashMap;
use std::ops::Range;
use std::path::PathBuf;

use crate::catalogue::load;
use crate::contents::{Brief, Contents};
use crate::device::Device;
use crate::error::EsiError;
use crate::files::{FolderError, xml_files};
use crate::text;
use crate::tree::{self, Node, Span};

/// Outermost elements of files that device descriptions refer to.
const COMPANIONS: [&str; 3] = ["EtherCATModule", "EtherCATDict", "EtherCATDiag"];

/// Why folders of descriptions can't be used at all.
#[derive(Debug, thiserror::Error)]
pub enum LibraryError {
    /// A folder or a file can't be read.
    #[error("read {}", .path.display())]
    Read {
        /// Which one.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// There is no device description.
    #[error("no device description (*.xml with devices) below {}", .0.display())]
    Nothing(PathBuf),
    /// There is none that can be used.
    #[error("no device description that can be used below {}: {why}", .folder.display())]
    Unusable {
        /// The folder.
        folder: PathBuf,
        /// What is wrong with the first file that may be one.
        why: String,
    },
}

/// A file that isn't used, or not all of it.
#[derive(Debug)]
pub struct LeftOut {
    /// The file.
    pub path: PathBuf,
    /// Why.
    pub why: EsiError,
}

/// How a description was chosen for a device's revision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Choice {
    /// It is of that revision.
    Exact,
    /// It is of another one, and says that it stands for that.
    StandsFor,
    /// It is of an older revision: the newest of those.
    Older,
    /// It is of a newer revision: there is no other.
    Newer,
}

/// A description that was chosen for a device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chosen {
    /// Its file.
    pub path: PathBuf,
    /// Type as in a catalogue, `EL3102`.
    pub order: String,
    /// The revision that it is of.
    pub revision: u32,
    /// Why this one.
    pub choice: Choice,
    file: usize,
    place: usize,
}

/// What is known of a device on a bus.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wanted<'a> {
    /// Vendor.
    pub vendor: u32,
    /// Product code.
    pub product: u32,
    /// Revision.
    pub revision: u32,
    /// What it calls itself; tells descriptions of one identity apart.
    pub order: &'a str,
}

/// Device descriptions of some folders.
#[derive(Debug, Default)]
pub struct Library {
    files: Vec<Indexed>,
    /// Places in `files` and in the file, by vendor and product.
    kinds: HashMap<(u32, u32), Vec<(usize, usize)>>,
    left_out: Vec<LeftOut>,
    /// The text of the file that was read last.
    held: Option<(usize, String)>,
}

#[derive(Debug)]
struct Indexed {
    path: PathBuf,
    vendor: u32,
    devices: Vec<Brief>,
    modules: Vec<Range<usize>>,
}

impl Library {
    /// Goes through all `.xml` files of some folders and of those below them. A path may also be that of a file. What
    /// stands first in `folders`, and first by name in a folder, comes first.
    ///
    /// # Errors
    /// A folder can't be read, or holds no description.
    pub fn open(folders: &[PathBuf]) -> Result<Self, LibraryError> {
        let mut library = Self::default();
        for folder in folders {
            let paths = if folder.is_file() { vec![folder.clone()] } else { xml_files(folder)? };
            let (before, left_out) = (library.files.len(), library.left_out.len());
            paths.into_iter().for_each(|path| library.add(path));
            if library.files.len() == before {
                return Err(match library.left_out.get(left_out) {
                    Some(LeftOut { path, why }) => {
                        let why = format!("{}: {why}", path.display());
                        LibraryError::Unusable { folder: folder.clone(), why }
                    }
                    None => LibraryError::Nothing(folder.clone()),
                });
            }
        }
        Ok(library)
    }

    /// Files that aren't used, or not to their end.
    #[must_use]
    pub fn left_out(&self) -> &[LeftOut] {
        &self.left_out
    }

    /// Files with descriptions.
    #[must_use]
    pub fn files(&self) -> usize {
        self.files.len()
    }

    /// Devices that are described.
    #[must_use]
    pub fn devices(&self) -> usize {
        self.files.iter().map(|file| file.devices.len()).sum()
    }

    fn add(&mut self, path: PathBuf) {
        let contents = match load(&path) {
            Ok(bytes) => Contents::of(&text::readable(&bytes)),
            Err(why) => return self.left_out.push(LeftOut { path, why }),
        };
        let Contents { root, vendor, devices, modules, cut } = contents;
        if COMPANIONS.contains(&root.as_str()) {
            return;
        }
        let none = || devices.is_empty().then_some(EsiError::NoDescription { root });
        if let Some(why) = cut.or_else(none) {
            self.left_out.push(LeftOut { path: path.clone(), why });
        }
        if devices.is_empty() {
            return;
        }
        let file = self.files.len();
        for (place, device) in devices.iter().enumerate() {
            self.kinds.entry((vendor, device.product)).or_default().push((file, place));
        }
        self.files.push(Indexed { path, vendor, devices, modules });
    }

    /// The description of a device; `None` where there is none of its vendor and product.
    #[must_use]
    pub fn find(&self, wanted: Wanted<'_>) -> Option<Chosen> {
        let places = self.kinds.get(&(wanted.vendor, wanted.product))?;
        let all = places.iter().filter_map(|(file, place)| {
            let indexed = self.files.get(*file)?;
            Some((*file, *place, indexed, indexed.devices.get(*place)?))
        });
        let ranked = all.map(|one| (rank(one.3, wanted), one));
        // Of those that are alike the first is the least.
        let (_, (file, place, indexed, brief)) = ranked.min_by_key(|(rank, _)| *rank)?;
        Some(Chosen {
            path: indexed.path.clone(),
            order: brief.order.clone(),
            revision: brief.revision,
            choice: choice(brief, wanted.revision),
            file,
            place,
        })
    }

    /// Reads a description, with the modules in its slots: those that are named by type, name or ident, or the defaults of
    /// the file.
    ///
    /// # Errors
    /// What is wrong with the file or the device; `Changed` where the file isn't what it was.
    pub fn read(&mut self, chosen: &Chosen, modules: Option<&[String]>) -> Result<Device, EsiError> {
        let changed = || EsiError::Changed { path: chosen.path.display().to_string() };
        let text = match self.held.take() {
            Some((file, text)) if file == chosen.file => text,
            _ => text::readable(&load(&chosen.path)?).into_owned(),
        };
        let device = self.device(&text, chosen, modules);
        self.held = Some((chosen.file, text));
        device?.ok_or_else(changed)
    }

    /// `None` where another device stands in its place.
    fn device(&self, text: &str, chosen: &Chosen, modules: Option<&[String]>) -> Result<Option<Device>, EsiError> {
        let Some(indexed) = self.files.get(chosen.file) else { return Ok(None) };
        let Some(brief) = indexed.devices.get(chosen.place) else { return Ok(None) };
        let Ok(node) = tree::element(text, &Span::of(text, brief.bytes.clone())) else { return Ok(None) };
        let there: Vec<Span> = indexed.modules.iter().map(|bytes| Span::of(text, bytes.clone())).collect();
        let device = read(text, (indexed.vendor, &node), &there, modules)?;
        let is_it = (device.identity.product, device.identity.revision) == (brief.product, brief.revision);
        Ok(is_it.then_some(device))
    }
}

/// The device of an element, with the modules of its file where it has slots.
pub(crate) fn read(
    text: &str,
    (vendor, node): (u32, &Node),
    modules: &[Span],
    chosen: Option<&[String]>,
) -> Result<Device, EsiError> {
    let modular = node.children.iter().any(|child| child.name == "Slots");
    let there = if modular { modules } else { &[] };
    let there: Vec<Node> = there.iter().map(|span| tree::element(text, span)).collect::<Result<_, _>>()?;
    Device::read((vendor, node), &there, chosen)
}

fn choice(brief: &Brief, revision: u32) -> Choice {
    match brief.revision.cmp(&revision) {
        std::cmp::Ordering::Equal => Choice::Exact,
        _ if brief.stands_for.contains(&revision) => Choice::StandsFor,
        std::cmp::Ordering::Less => Choice::Older,
        std::cmp::Ordering::Greater => Choice::Newer,
    }
}

impl From<FolderError> for LibraryError {
    fn from(FolderError { path, source }: FolderError) -> Self {
        Self::Read { path, source }
    }
}

/// The lower the better: the kind of choice, how far the revision is, whether the name is another.
fn rank(brief: &Brief, wanted: Wanted<'_>) -> (u8, u32, bool) {
    let kind = match choice(brief, wanted.revision) {
        Choice::Exact => 0,
        Choice::StandsFor => 1,
        Choice::Older => 2,
        Choice::Newer => 3,
    };
    (kind, brief.revision.abs_diff(wanted.revision), !brief.order.eq_ignore_ascii_case(wanted.order))
}
