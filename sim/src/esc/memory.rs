//! The 64 KiB address space of an ESC, of which registers and RAM are there. The rest reads as 0.

use zerocat_wire::register;

/// Registers (4 KiB) and process data RAM behind them.
#[derive(Debug)]
pub(crate) struct Memory {
    bytes: Vec<u8>,
}

impl Memory {
    pub(crate) fn new(ram_kib: u8) -> Self {
        Self { bytes: vec![0; usize::from(register::RAM) + usize::from(ram_kib) * 1024] }
    }

    /// First address behind the RAM.
    pub(crate) fn end(&self) -> usize {
        self.bytes.len()
    }

    /// The bytes from `address` on, at most `len`, fewer at the end of the RAM.
    pub(crate) fn get(&self, address: u16, len: usize) -> &[u8] {
        let start = usize::from(address).min(self.bytes.len());
        let end = (start + len).min(self.bytes.len());
        &self.bytes[start..end]
    }

    pub(crate) fn get_mut(&mut self, address: u16, len: usize) -> &mut [u8] {
        let start = usize::from(address).min(self.bytes.len());
        let end = (start + len).min(self.bytes.len());
        &mut self.bytes[start..end]
    }

    pub(crate) fn byte(&self, address: u16) -> u8 {
        self.bytes.get(usize::from(address)).copied().unwrap_or(0)
    }

    pub(crate) fn set_byte(&mut self, address: u16, value: u8) {
        if let Some(byte) = self.bytes.get_mut(usize::from(address)) {
            *byte = value;
        }
    }

    pub(crate) fn u16(&self, address: u16) -> u16 {
        let at = usize::from(address);
        match self.bytes.get(at..at + 2) {
            Some(&[low, high]) => u16::from_le_bytes([low, high]),
            _ => u16::from(self.byte(address)),
        }
    }

    pub(crate) fn put(&mut self, address: u16, value: &[u8]) {
        let target = self.get_mut(address, value.len());
        let len = target.len();
        target.copy_from_slice(&value[..len]);
    }
}
