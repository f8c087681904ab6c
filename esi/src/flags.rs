//! Access to objects (ETG.2000, ObjectFlags): to the access word of the SDO information service (ETG.1000.6, table 51).

use zerocat_wire::coe::info::access;

use crate::element::Element;

/// The access word of the `Flags` of an object or of a part of its type; read-only if they name no access.
pub(crate) fn access(at: &Element<'_>) -> Option<u16> {
    let flags = at.child("Flags")?;
    let Some(kind) = flags.child("Access") else { return Some(access::READ | mapping(&flags)) };
    let read = restricted(kind.attribute("ReadRestrictions"));
    let write = restricted(kind.attribute("WriteRestrictions")) << 3;
    let base = match kind.text().to_ascii_lowercase().as_str() {
        "rw" => read | write,
        "wo" => write,
        _ => read,
    };
    Some(base | mapping(&flags))
}

/// Bit 0 PRE-OP, 1 SAFE-OP, 2 OP.
fn restricted(states: Option<&str>) -> u16 {
    match states.map(str::to_ascii_lowercase).as_deref() {
        Some("preop") => 1,
        Some("preop_safeop") => 3,
        Some("preop_op") => 5,
        Some("safeop") => 2,
        Some("safeop_op") => 6,
        Some("op") => 4,
        _ => 7,
    }
}

fn mapping(flags: &Element<'_>) -> u16 {
    let text = flags.child_text("PdoMapping").to_ascii_uppercase();
    let bit = |letter, bit| if text.contains(letter) { bit } else { 0 };
    let yes = |name, bit| if crate::number::flag(flags.child_text(name)) { bit } else { 0 };
    bit('R', access::RX_PDO)
        | bit('T', access::TX_PDO)
        | yes("Backup", access::BACKUP)
        | yes("Setting", access::SETTINGS)
}
