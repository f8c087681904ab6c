//! SubDevices that a file describes: a vendor's device description (ESI) or a binary SII image.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use zerocat_esi::{Device, DeviceQuery};

use super::check::{ConfigProblem, invalid};
use super::{ProfileKind, SegmentConfig, SegmentConfigError, SubDeviceConfig};
use crate::describe::esi::{self, DeviceError};
use crate::describe::image::{self, ImageError};
use crate::describe::{Channel, Description};
use crate::esc::{EscModel, known};

/// Why the file that describes a SubDevice was refused.
#[derive(Debug, thiserror::Error)]
pub enum DescribeError {
    /// A device description.
    #[error("{}", .path.display())]
    Esi {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: DeviceError,
    },
    /// An SII image.
    #[error("{}", .path.display())]
    Image {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: ImageError,
    },
}

/// What a SubDevice's file says; empty until it has been read. Two of them always count as equal, because what they
/// hold follows from the other keys of the configuration.
#[derive(Debug, Clone, Default)]
pub struct Described(Option<Arc<Description>>);

impl PartialEq for Described {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Described {
    pub(crate) fn get(&self) -> Option<&Description> {
        self.0.as_deref()
    }

    /// Whether its memory says that it has a clock.
    pub(super) fn has_clock(&self) -> bool {
        self.0.as_ref().is_some_and(|description| description.sii.has_clock())
    }

    /// The ESC that it has in reality and the bits of its clock, if that is known.
    pub(super) fn known(&self) -> Option<(EscModel, u8)> {
        let identity = self.0.as_ref()?.identity;
        known(identity.vendor, identity.product)
    }

    /// What is wrong with the memory that it holds, though it is served.
    pub(super) fn notes(&self) -> &[String] {
        self.0.as_ref().map_or(&[], |description| &description.sii.notes)
    }

    fn list(&self, direction: &str) -> &[Channel] {
        match &self.0 {
            Some(description) if direction == "out" => &description.channels_out,
            Some(description) => &description.channels_in,
            None => &[],
        }
    }

    /// Channels that a wire may start from (`out`) or end at (`in`): the values that are mapped by default.
    pub(super) fn channels(&self, direction: &str) -> usize {
        self.list(direction).len()
    }

    /// Whether a channel (from 0) is a bit.
    pub(super) fn is_bit(&self, direction: &str, channel: usize) -> bool {
        self.list(direction).get(channel).is_some_and(|channel| channel.bits == 1)
    }
}

/// Whether it is an image; file, device, revision, product code, modules.
type Source = (bool, PathBuf, Option<String>, [Option<u32>; 2], Option<Vec<String>>);

/// Checks the keys that belong to files.
pub(super) fn check(n: usize, subdevice: &SubDeviceConfig) -> Result<(), SegmentConfigError> {
    let fail = |key: &str, problem| Err(invalid(format!("subdevices[{n}].{key}"), problem));
    let missing = |profile, key| fail("profile", ConfigProblem::KeyMissing { profile, key });
    match subdevice.profile {
        ProfileKind::Esi if subdevice.device.is_none() => missing("esi", "device"),
        ProfileKind::Esi if subdevice.file.is_none() => missing("esi", "file"),
        ProfileKind::Sii if subdevice.file.is_none() => missing("sii", "file"),
        ProfileKind::Esi | ProfileKind::Sii if subdevice.described.0.is_none() => fail("file", ConfigProblem::NotRead),
        ProfileKind::Esi => Ok(()),
        _ if subdevice.device.is_some() => fail("device", ConfigProblem::NotForProfile("device")),
        _ if subdevice.slots.is_some() => fail("slots", ConfigProblem::NotForProfile("slots")),
        ProfileKind::Sii => Ok(()),
        _ if subdevice.file.is_some() => fail("file", ConfigProblem::NotForProfile("file")),
        _ => Ok(()),
    }
}

impl SubDeviceConfig {
    /// The device of a type (or name) in a vendor's device description, with all else by default. Without a revision
    /// the newest is taken.
    ///
    /// # Errors
    /// `Esi`; its source names the devices of the file when there is none of that type.
    pub fn from_esi(path: &Path, device: &str, revision: Option<u32>) -> Result<Self, DescribeError> {
        let mut config = Self {
            file: Some(path.to_owned()),
            device: Some(device.to_owned()),
            revision,
            ..Self::new(ProfileKind::Esi)
        };
        config.read_file(Path::new(""))?;
        Ok(config)
    }

    /// The same from the bytes of a device description. The file's name is left out, so the configuration can't be
    /// written to a file.
    ///
    /// # Errors
    /// Those of the description.
    pub fn from_esi_bytes(bytes: &[u8], device: &str) -> Result<Self, DeviceError> {
        let mut config = Self { device: Some(device.to_owned()), ..Self::new(ProfileKind::Esi) };
        let description = esi::describe_bytes(bytes, config.wanted(device))?;
        config.file = Some(PathBuf::new());
        config.described = Described(Some(Arc::new(description)));
        Ok(config)
    }

    /// The same for a device that was read. The file's name is left out as above.
    ///
    /// # Errors
    /// Those of the description.
    pub fn from_device(device: &Device) -> Result<Self, DeviceError> {
        let description = esi::composable(device)?;
        let mut config = Self { device: Some(device.order.clone()), ..Self::new(ProfileKind::Esi) };
        config.file = Some(PathBuf::new());
        config.described = Described(Some(Arc::new(description)));
        Ok(config)
    }

    fn wanted<'a>(&'a self, device: &'a str) -> DeviceQuery<'a> {
        let (revision, product) = (self.revision, self.product_code);
        DeviceQuery { device, revision, product, modules: self.slots.as_deref() }
    }

    /// A SubDevice from a binary SII image, with all else by default.
    ///
    /// # Errors
    /// `Image`.
    pub fn from_sii(path: &Path) -> Result<Self, DescribeError> {
        let mut config = Self { file: Some(path.to_owned()), ..Self::new(ProfileKind::Sii) };
        config.read_file(Path::new(""))?;
        Ok(config)
    }

    /// The same from the image's bytes, whatever they are. The file's name is left out, so the configuration can't be
    /// written to a file.
    #[must_use]
    pub fn from_sii_bytes(image: &[u8]) -> Self {
        Self {
            file: Some(PathBuf::new()),
            described: Described(Some(Arc::new(image::describe_bytes(image)))),
            ..Self::new(ProfileKind::Sii)
        }
    }

    /// Everything that decides what is read from its file, if it has one.
    fn source(&self) -> Option<Source> {
        let file = self.file.clone()?;
        let numbers = [self.revision, self.product_code];
        Some((self.profile == ProfileKind::Sii, file, self.device.clone(), numbers, self.slots.clone()))
    }

    /// Reads the file that describes it, if there is one.
    fn read_file(&mut self, folder: &Path) -> Result<(), DescribeError> {
        let Some(file) = &self.file else { return Ok(()) };
        let path = folder.join(file);
        let description = match (self.profile, &self.device) {
            (ProfileKind::Esi, Some(device)) => esi::describe(&path, self.wanted(device))
                .map_err(|source| DescribeError::Esi { path: path.clone(), source })?,
            (ProfileKind::Sii, _) => {
                image::describe(&path).map_err(|source| DescribeError::Image { path: path.clone(), source })?
            }
            _ => return Ok(()),
        };
        self.described = Described(Some(Arc::new(description)));
        Ok(())
    }
}

impl SegmentConfig {
    /// What is wrong with the SII images that are served all the same, in words for the user. Empty before the files
    /// were read.
    #[must_use]
    pub fn warnings(&self) -> Vec<String> {
        let mut said = Vec::new();
        for (n, subdevice) in self.subdevices.iter().enumerate() {
            let file = subdevice.file.as_deref().unwrap_or(Path::new("")).display();
            let notes = subdevice.described.notes();
            said.extend(notes.iter().map(|note| format!("subdevices[{n}], SII image {file}: {note}")));
        }
        said
    }

    /// Reads the files that describe SubDevices, relative to a folder. [`SegmentConfig::load`] does it by itself. What
    /// several SubDevices have in common is read once.
    ///
    /// # Errors
    /// `Described`, with the path of the key.
    pub fn read_files(&mut self, folder: &Path) -> Result<(), SegmentConfigError> {
        let mut known = HashMap::new();
        for (n, subdevice) in self.subdevices.iter_mut().enumerate() {
            let Some(key) = subdevice.source() else { continue };
            if let Some(described) = known.get(&key) {
                subdevice.described = Described::clone(described);
                continue;
            }
            subdevice.read_file(folder).map_err(|source| SegmentConfigError::Described {
                path: format!("subdevices[{n}].file"),
                source: Box::new(source),
            })?;
            known.insert(key, subdevice.described.clone());
        }
        Ok(())
    }
}
