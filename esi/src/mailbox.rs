//! Which mailbox protocols a device has (ETG.2000, Mailbox).

use zerocat_wire::sii::fixed::protocol;
use zerocat_wire::sii::general::coe;

use crate::element::Element;

/// Protocols and details.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mailbox {
    /// Bits of [`zerocat_wire::sii::fixed::protocol`].
    pub protocols: u16,
    /// CoE details, bits of [`zerocat_wire::sii::general::coe`]; 0 without CoE.
    pub coe: u8,
    /// Whether the mailbox has the repeat service.
    pub data_link: bool,
}

impl Mailbox {
    pub(crate) fn read(at: &Element<'_>) -> Self {
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

/// Bits of the details (ETG.2010, table 7). A device with CoE has SDOs, which the file needn't say.
fn details(at: &Element<'_>) -> u8 {
    let flags = [
        ("SdoInfo", coe::SDO_INFO),
        ("PdoAssign", coe::PDO_ASSIGN),
        ("PdoConfig", coe::PDO_CONFIG),
        ("PdoUpload", coe::UPLOAD_AT_STARTUP),
        ("CompleteAccess", coe::COMPLETE_ACCESS),
    ];
    flags.iter().filter(|(name, _)| at.flag(name)).fold(coe::SDO, |all, (_, bit)| all | bit)
}
