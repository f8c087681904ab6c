//! Which mailbox protocols a device has (ETG.2000, Mailbox).

use zerocat_wire::sii::fixed::protocol;
use zerocat_wire::sii::general::coe;

use super::at::At;

/// Protocols and details.
#[derive(Debug, Clone, Copy)]
pub(super) struct Mailbox {
    /// The SII's list of protocols.
    pub(super) protocols: u16,
    /// The SII's CoE details.
    pub(super) coe: u8,
    /// The repeat service.
    pub(super) data_link: bool,
}

impl Mailbox {
    pub(super) fn read(at: &At<'_>) -> Self {
        let known = [
            ("AoE", protocol::AOE),
            ("EoE", protocol::EOE),
            ("CoE", protocol::COE),
            ("FoE", protocol::FOE),
            ("SoE", protocol::SOE),
            ("VoE", protocol::VOE),
        ];
        let protocols = known.iter().filter(|(name, _)| at.child(name).is_some()).fold(0, |all, (_, bit)| all | bit);
        Self { protocols, coe: at.child("CoE").map_or(0, |coe| details(&coe)), data_link: at.flag("DataLinkLayer") }
    }
}

/// Bits of the details (ETG.2010, table 7). SDOs go without saying.
fn details(at: &At<'_>) -> u8 {
    let flags = [
        ("SdoInfo", coe::SDO_INFO),
        ("PdoAssign", coe::PDO_ASSIGN),
        ("PdoConfig", coe::PDO_CONFIG),
        ("PdoUpload", coe::UPLOAD_AT_STARTUP),
        ("CompleteAccess", coe::COMPLETE_ACCESS),
    ];
    flags.iter().filter(|(name, _)| at.flag(name)).fold(coe::SDO, |all, (_, bit)| all | bit)
}
