//! A bring-up that knows nothing but what the SII says, as masters do it: sync managers in their order, PDOs as they are
//! assigned, one FMMU for each sync manager with process data.

use zerocat_wire::sii::{Categories, CategoryType, Fixed, Pdos, SyncManagerEntry, SyncManagerUse, pdo::NOT_ASSIGNED};
use zerocat_wire::{Address, Command};

use super::Rig;

/// A sync manager as it is programmed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Area {
    pub(crate) number: u16,
    pub(crate) start: u16,
    pub(crate) length: u16,
    pub(crate) control: u8,
    pub(crate) usage: SyncManagerUse,
    /// First byte in the logical image.
    pub(crate) logical: u16,
}

/// One SubDevice and what its SII says.
#[derive(Debug)]
pub(crate) struct FromSii {
    pub(crate) position: u16,
    pub(crate) image: Vec<u8>,
    /// All sync managers.
    pub(crate) areas: Vec<Area>,
    counter: u8,
}

impl FromSii {
    pub(crate) fn read(rig: &mut Rig, position: u16, logical: u16) -> Self {
        let image = rig.sii(position, 4096);
        let find = |kind| Categories::find(&image, kind).unwrap_or_default();
        let mailbox = Fixed::parse(&image).unwrap().mailbox;
        let mut bits = [0usize; 16];
        for kind in [CategoryType::RX_PDO, CategoryType::TX_PDO] {
            for pdo in Pdos::new(find(kind)).map(Result::unwrap).filter(|pdo| pdo.header().sync_manager != NOT_ASSIGNED)
            {
                let length: usize = pdo.entries().map(|entry| usize::from(entry.bit_length)).sum();
                bits[usize::from(pdo.header().sync_manager)] += length;
            }
        }
        let mut next = logical;
        let area = |(number, entry): (u16, SyncManagerEntry)| {
            let bytes = u16::try_from(bits[usize::from(number)].div_ceil(8)).unwrap();
            let length = match entry.usage {
                SyncManagerUse::MailboxOut => mailbox.receive_size,
                SyncManagerUse::MailboxIn => mailbox.send_size,
                _ => bytes,
            };
            let logical = next;
            next += bytes;
            Area { number, start: entry.start, length, control: entry.control, usage: entry.usage, logical }
        };
        let areas = (0u16..).zip(SyncManagerEntry::walk(find(CategoryType::SYNC_MANAGER))).map(area).collect();
        Self { position, areas, counter: 0, image: image.clone() }
    }

    fn program(&self, rig: &mut Rig, mailboxes: bool) {
        let is_mailbox = |area: &&Area| matches!(area.usage, SyncManagerUse::MailboxOut | SyncManagerUse::MailboxIn);
        for area in self.areas.iter().filter(|area| is_mailbox(area) == mailboxes && area.length > 0) {
            rig.sync_manager(self.position, area.number, area.start, area.length, area.control);
        }
    }

    /// Those with process data.
    pub(crate) fn mapped(&self) -> impl Iterator<Item = &Area> {
        let process_data = |area: &&Area| matches!(area.usage, SyncManagerUse::Outputs | SyncManagerUse::Inputs);
        self.areas.iter().filter(process_data).filter(|area| area.length > 0)
    }

    pub(crate) fn preop(&self, rig: &mut Rig) {
        self.program(rig, true);
        assert_eq!(rig.al(self.position, 2), (2, 0), "SubDevice {}", self.position);
    }

    pub(crate) fn safeop(&self, rig: &mut Rig) -> (u16, u16) {
        self.program(rig, false);
        for (n, area) in (0..).zip(self.mapped()) {
            let kind = if area.usage == SyncManagerUse::Outputs { 2 } else { 1 };
            let [a, b] = area.logical.to_le_bytes();
            let [l, m] = area.length.to_le_bytes();
            let [s, t] = area.start.to_le_bytes();
            rig.fmmu(self.position, n, [a, b, 0, 0, l, m, 0, 7, s, t, 0, kind, 1]);
        }
        rig.al(self.position, 4)
    }

    /// From INIT to OP with zeros as outputs; `len` is that of the logical image.
    pub(crate) fn op(&self, rig: &mut Rig, len: usize) {
        self.preop(rig);
        assert_eq!(self.safeop(rig), (4, 0), "SubDevice {}", self.position);
        rig.al(self.position, 8);
        rig.send(Command::Lrw, Address::logical(0), &vec![0; len]);
        assert_eq!(rig.al(self.position, 8), (8, 0), "SubDevice {}", self.position);
    }

    /// A mail of CoE through the mailboxes of the SII, and the reply's type and body.
    pub(crate) fn mail(&mut self, rig: &mut Rig, body: &[u8]) -> (u8, Vec<u8>) {
        let find = |usage| *self.areas.iter().find(|area| area.usage == usage).unwrap();
        let (out, input) = (find(SyncManagerUse::MailboxOut), find(SyncManagerUse::MailboxIn));
        self.counter = self.counter % 7 + 1;
        let mut mail = vec![0u8; usize::from(out.length)];
        mail[..2].copy_from_slice(&u16::try_from(body.len()).unwrap().to_le_bytes());
        mail[5] = 3 | self.counter << 4;
        mail[6..6 + body.len()].copy_from_slice(body);
        rig.write(self.position, out.start, &mail);
        let reply = rig.read(self.position, input.start, usize::from(input.length));
        let len = usize::from(u16::from_le_bytes([reply[0], reply[1]]));
        (reply[5] & 0x0f, reply[6..6 + len].to_vec())
    }

    /// Uploads an entry; an abort is its code.
    pub(crate) fn upload(&mut self, rig: &mut Rig, index: u16, subindex: u8) -> Result<Vec<u8>, u32> {
        let [low, high] = index.to_le_bytes();
        let (_, reply) = self.mail(rig, &[0x00, 0x20, 0x40, low, high, subindex, 0, 0, 0, 0]);
        let reply = &reply[2..];
        match reply[0] {
            0x80 => Err(u32::from_le_bytes(*reply[4..].first_chunk().unwrap())),
            command if command & 2 != 0 => Ok(reply[4..8 - usize::from(command >> 2 & 3)].to_vec()),
            _ => Ok(reply[8..].to_vec()),
        }
    }

    /// Downloads up to four bytes; an abort is its code.
    pub(crate) fn download(&mut self, rig: &mut Rig, index: u16, subindex: u8, data: &[u8]) -> Result<(), u32> {
        let [low, high] = index.to_le_bytes();
        let command = 0x23 | u8::try_from(4 - data.len()).unwrap() << 2;
        let mut body = vec![0x00, 0x20, command, low, high, subindex, 0, 0, 0, 0];
        body[6..6 + data.len()].copy_from_slice(data);
        let (_, reply) = self.mail(rig, &body);
        let code = || u32::from_le_bytes(*reply[6..].first_chunk().unwrap());
        if reply[2] == 0x80 { Err(code()) } else { Ok(()) }
    }
}

impl Rig {
    /// The SII as a MainDevice reads it, `len` bytes from word 0 on.
    pub(crate) fn sii(&mut self, position: u16, len: usize) -> Vec<u8> {
        let mut image = Vec::new();
        while image.len() < len {
            let word = u32::try_from(image.len() / 2).unwrap();
            let mut command = vec![0x00, 0x01];
            command.extend(word.to_le_bytes());
            self.write(position, 0x0502, &command);
            let step = if self.read_u16(position, 0x0502) & 0x40 != 0 { 8 } else { 4 };
            image.extend(self.read(position, 0x0508, step));
        }
        image.truncate(len);
        image
    }
}
