//! A device behind a port of the SubDevice, as one at an IO-Link port is: some parameters, and a small area of bytes.
//!
//! Parameters are in group 0xF302, index in the upper word and subindex in the lowest byte, as Beckhoff's IO-Link masters have them.
//! The area is in group 0x4020, at offsets from 0.

use zerocat_wire::aoe::{AdsError, AdsRequest, AdsState, DEVICE_NAME, DeviceInfo, group};

use super::Served;

/// Group of the area.
const AREA: u32 = 0x4020;
/// Bytes of the area.
const LEN: usize = 256;
/// Index of the product name, which is read.
const PRODUCT_NAME: u16 = 0x12;
/// Index of the application tag, which is read and written.
const APPLICATION_TAG: u16 = 0x18;
/// Most bytes of it.
const LONGEST_TAG: usize = 32;

/// One device.
#[derive(Debug)]
pub(super) struct Behind {
    port: u16,
    tag: Vec<u8>,
    area: Vec<u8>,
}

impl Behind {
    pub(super) fn new(port: u16) -> Self {
        Self { port, tag: b"***".to_vec(), area: vec![0; LEN] }
    }

    pub(super) const fn port(&self) -> u16 {
        self.port
    }

    fn name(&self) -> String {
        format!("port {:#06x}", self.port)
    }

    /// Serves a request; the outer error is one of the header.
    pub(super) fn serve(&mut self, request: &AdsRequest<'_>) -> Result<Served, AdsError> {
        Ok(match *request {
            AdsRequest::DeviceInfo => {
                let mut name = [0; DEVICE_NAME];
                name.iter_mut().zip(self.name().bytes()).for_each(|(to, from)| *to = from);
                Ok(DeviceInfo { major: 0, minor: 1, build: 0, name }.emit().to_vec())
            }
            AdsRequest::State => Ok(AdsState { ads: AdsState::RUN, device: 0 }.emit().to_vec()),
            AdsRequest::Read { group, offset, len } => self.read(group, offset, len),
            AdsRequest::Write { group, offset, data } => self.write(group, offset, data).map(|()| Vec::new()),
            AdsRequest::ReadWrite { group, offset, len, data } => {
                self.write(group, offset, data).and_then(|()| self.read(group, offset, len))
            }
            _ => return Err(AdsError::SERVICE_NOT_SUPPORTED),
        })
    }

    fn read(&self, group: u32, offset: u32, len: u32) -> Served {
        let len = usize::try_from(len).unwrap_or(usize::MAX);
        match group {
            AREA => self.area.get(place(offset, len)?).map(<[u8]>::to_vec).ok_or(AdsError::INVALID_SIZE),
            group::SDO => {
                let value = match parameter(offset)? {
                    PRODUCT_NAME => self.name().into_bytes(),
                    APPLICATION_TAG => self.tag.clone(),
                    _ => return Err(AdsError::NOT_FOUND),
                };
                if len < value.len() { Err(AdsError::INVALID_SIZE) } else { Ok(value) }
            }
            _ => Err(AdsError::INVALID_GROUP),
        }
    }

    fn write(&mut self, group: u32, offset: u32, data: &[u8]) -> Result<(), AdsError> {
        match group {
            AREA => {
                let place = self.area.get_mut(place(offset, data.len())?).ok_or(AdsError::INVALID_SIZE)?;
                place.copy_from_slice(data);
                Ok(())
            }
            group::SDO => match parameter(offset)? {
                APPLICATION_TAG if data.len() > LONGEST_TAG => Err(AdsError::INVALID_SIZE),
                APPLICATION_TAG => {
                    self.tag = data.to_vec();
                    Ok(())
                }
                PRODUCT_NAME => Err(AdsError::INVALID_ACCESS),
                _ => Err(AdsError::NOT_FOUND),
            },
            _ => Err(AdsError::INVALID_GROUP),
        }
    }
}

/// Where in the area bytes are; one that begins behind it is refused.
fn place(offset: u32, len: usize) -> Result<std::ops::Range<usize>, AdsError> {
    let start = usize::try_from(offset).ok().filter(|start| *start < LEN).ok_or(AdsError::INVALID_OFFSET)?;
    Ok(start..start.saturating_add(len))
}

/// The index of a parameter, which has no subindices.
fn parameter(offset: u32) -> Result<u16, AdsError> {
    let [subindex, reserved, low, high] = offset.to_le_bytes();
    if reserved != 0 {
        return Err(AdsError::INVALID_OFFSET);
    }
    if subindex != 0 { Err(AdsError::NOT_FOUND) } else { Ok(u16::from_le_bytes([low, high])) }
}
