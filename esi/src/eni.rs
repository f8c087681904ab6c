//! A network description (EtherCAT Network Information, ENI; ETG.2100) as values: what TwinCAT, EC-Engineer and other tools
//! export of a network that they configured.
//!
//! [`Network`] has the SubDevices in bus order with identity, process data, startup commands and clock; the variables of the
//! process image; the cycle. Addresses, FMMUs and cyclic frames are the tool's own layout and are not values here: whoever
//! brings the network up makes its own. What is not a value is in [`Network::left_out`], so that nothing is lost in silence.
//!
//! Numbers may be decimal, `#x1A`, `0x1A` or negative (as a bit pattern); unknown elements do no harm. A file that says two
//! things about its process data is refused, and so is an encrypted one. No input panics.

mod command;
mod error;
mod image;
mod left_out;
mod pdo_objects;
mod state_timeouts;
mod subdevice;

use std::path::Path;
use std::time::Duration;

pub use command::{CoeCommand, RegisterCommand};
pub use error::EniError;
pub use image::Variable;
pub use left_out::LeftOut;
pub use pdo_objects::PdoObjects;
pub use state_timeouts::StateTimeouts;
pub use subdevice::{Area, Clock, EniSubDevice};

use crate::catalogue::load;
use crate::element::Element;
use crate::tree;

/// A network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Network {
    /// Its SubDevices in the order of the bus.
    pub subdevices: Vec<EniSubDevice>,
    /// Variables of the process image that the MainDevice reads.
    pub inputs: Vec<Variable>,
    /// Variables of the process image that it writes.
    pub outputs: Vec<Variable>,
    /// Time from one cycle to the next, of the first cyclic task.
    pub cycle: Option<Duration>,
    /// What the file holds and this value does not, with the reason.
    pub left_out: Vec<LeftOut>,
}

impl Network {
    /// Reads a file.
    ///
    /// # Errors
    /// All of [`EniError`].
    pub fn read(path: &Path) -> Result<Self, EniError> {
        Self::from_bytes(&load(path)?)
    }

    /// The same from the file's bytes.
    ///
    /// # Errors
    /// All of [`EniError`] but that of reading.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, EniError> {
        let text = crate::text::readable(bytes);
        let node = tree::whole(&text)?;
        match node.name.as_str() {
            "EtherCATConfig" => {}
            "EncryptedEtherCATConfig" => return Err(EniError::Encrypted),
            other => return Err(EniError::OtherRoot { root: other.to_owned() }),
        }
        let root = Element::top(&node);
        let config = root.child("Config").ok_or(EniError::NoConfig)?;
        Self::of(&config)
    }

    fn of(config: &Element<'_>) -> Result<Self, EniError> {
        let mut left_out = Vec::new();
        let mut subdevices = Vec::new();
        for (position, slave) in config.children("Slave").enumerate() {
            let position = u16::try_from(position).map_err(|_| EniError::TooMany)?;
            subdevices.push(subdevice::read(&slave, position, &mut left_out)?);
        }
        if subdevices.is_empty() {
            return Err(EniError::NoSubDevices);
        }
        let image = config.child("ProcessImage");
        let variables = |direction| match &image {
            Some(image) => image.child(direction).map_or(Ok(Vec::new()), |side| image::read(&side)),
            None => Ok(Vec::new()),
        };
        let (inputs, outputs) = (variables("Inputs")?, variables("Outputs")?);
        let cycle = cycle(config, &mut left_out)?;
        Ok(Self { subdevices, inputs, outputs, cycle, left_out })
    }
}

/// The cycle of the first cyclic task; the others, and copies between SubDevices, are left out.
fn cycle(config: &Element<'_>, left_out: &mut Vec<LeftOut>) -> Result<Option<Duration>, EniError> {
    let more = config.children("Cyclic").count().saturating_sub(1);
    if more > 0 {
        let why = "all SubDevices are exchanged in the cycle of the first one";
        left_out.push(LeftOut::of_network(format!("further cyclic tasks ({more})"), why));
    }
    let mut copies = 0_usize;
    for cyclic in config.children("Cyclic") {
        for frame in cyclic.children("Frame") {
            for command in frame.children("Cmd") {
                copies += command.child("CopyInfos").map_or(0, |infos| infos.children("CopyInfo").count());
            }
        }
    }
    if copies > 0 {
        let what = format!("copies from SubDevice to SubDevice ({copies} in CopyInfos)");
        left_out.push(LeftOut::of_network(what, "a program has to make them"));
    }
    let Some(first) = config.child("Cyclic") else { return Ok(None) };
    let micros: Option<u32> = first.child_number("CycleTime")?;
    Ok(micros.filter(|micros| *micros > 0).map(|micros| Duration::from_micros(micros.into())))
}

#[cfg(test)]
mod tests;
