//! Which devices a folder has, and a draw from them.

use crate::report::LeftOut;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use zerocat_esi::{Catalogue, DeviceSummary, EsiError, FolderError, xml_files};

/// Why a sweep can't begin.
#[derive(Debug, thiserror::Error)]
pub enum SweepError {
    /// A folder can't be read.
    #[error("read {}", .path.display())]
    Read {
        /// The folder.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// There is nothing to try.
    #[error("no device description (*.xml with an EtherCATInfo element) below {}", .0.display())]
    Nothing(PathBuf),
}

/// A file with devices. It is read again where nobody holds its contents any more.
#[derive(Debug)]
pub(crate) struct Source {
    path: PathBuf,
    known: Mutex<Weak<Catalogue>>,
}

impl Source {
    pub(crate) fn open(&self) -> Result<Arc<Catalogue>, EsiError> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(open) = known.upgrade() {
            return Ok(open);
        }
        let open = Arc::new(Catalogue::read(&self.path)?);
        *known = Arc::downgrade(&open);
        Ok(open)
    }
}

/// A device that is to be tried.
#[derive(Debug, Clone)]
pub struct Subject {
    /// Its file, below the folder.
    pub file: String,
    /// Place in the file, from 0.
    pub place: usize,
    /// Type, revision and so on.
    pub device: DeviceSummary,
    /// Vendor's id and name.
    pub vendor: (u32, String),
    pub(crate) source: Arc<Source>,
}

/// What a folder has.
#[derive(Debug)]
pub struct Found {
    /// The folder.
    pub folder: PathBuf,
    /// Files with devices.
    pub files: usize,
    /// The devices, by file and place.
    pub subjects: Vec<Subject>,
    /// Files and devices that can't be tried.
    pub left_out: Vec<LeftOut>,
}

impl Found {
    /// Keeps some devices, drawn by a seed. The same folder and seed give the same devices.
    pub fn draw(&mut self, seed: u64, count: usize) {
        let mut numbers: Vec<usize> = (0..self.subjects.len()).collect();
        fastrand::Rng::with_seed(seed).shuffle(&mut numbers);
        numbers.truncate(count);
        numbers.sort_unstable();
        let mut number = 0;
        self.subjects.retain(|_| {
            number += 1;
            numbers.binary_search(&(number - 1)).is_ok()
        });
        let mut files: Vec<&str> = self.subjects.iter().map(|subject| subject.file.as_str()).collect();
        files.dedup();
        self.files = files.len();
    }
}

impl From<FolderError> for SweepError {
    fn from(FolderError { path, source }: FolderError) -> Self {
        Self::Read { path, source }
    }
}

/// Looks for devices in a folder and those below it: `.xml` in any letter case. What is no device description is listed
/// too, with what it is.
///
/// # Errors
/// [`SweepError`].
pub fn find(folder: &Path) -> Result<Found, SweepError> {
    let mut found = Found { folder: folder.to_owned(), files: 0, subjects: Vec::new(), left_out: Vec::new() };
    for path in xml_files(folder)? {
        let file = path.strip_prefix(folder).unwrap_or(&path).display().to_string();
        let open = Catalogue::read(&path);
        match open {
            Ok(open) => found.add(&open, &file, path),
            Err(wrong) => found.left_out.push(LeftOut { file, reason: zerocat::chain(&wrong) }),
        }
    }
    if found.subjects.is_empty() { Err(SweepError::Nothing(folder.to_owned())) } else { Ok(found) }
}

impl Found {
    fn add(&mut self, open: &Catalogue, file: &str, path: PathBuf) {
        self.files += 1;
        let source = Arc::new(Source { path, known: Mutex::default() });
        let vendor = (open.vendor(), open.vendor_name().to_owned());
        let subject = |(place, device): (usize, &DeviceSummary)| Subject {
            file: file.to_owned(),
            place,
            device: device.clone(),
            vendor: vendor.clone(),
            source: Arc::clone(&source),
        };
        self.subjects.extend(open.devices().iter().enumerate().map(subject));
        let left_out = open.left_out().iter();
        self.left_out.extend(left_out.map(|wrong| LeftOut { file: file.to_owned(), reason: zerocat::chain(wrong) }));
    }
}
