//! Names of vendors by the ID that the ETG assigned.
//!
//! A short table of those whose ID and name stand in device descriptions that are public; it isn't the ETG's list. A vendor
//! that is not in it goes by its number everywhere.

/// ID and short name. From public device descriptions of these vendors, and for the drives' (Copley, Hilscher, HMS,
/// Leadshine, maxon, Rtelligent) from public lists of devices.
const VENDORS: &[(u32, &str)] = &[
    (0x0000_0002, "Beckhoff"),
    (0x0000_001b, "HMS"),
    (0x0000_0044, "Hilscher"),
    (0x0000_00ab, "Copley"),
    (0x0000_00fb, "maxon"),
    (0x0000_0114, "SMC"),
    (0x0000_01dd, "Delta"),
    (0x0000_01f9, "National Instruments"),
    (0x0000_029c, "Ingenia"),
    (0x0000_04d8, "Microchip"),
    (0x0000_079a, "AB&T"),
    (0x0000_0a07, "Glowbuzzer"),
    (0x0000_0a88, "Rtelligent"),
    (0x0000_0f3f, "Pollen Robotics"),
    (0x0000_22d2, "Synapticon"),
    (0x0000_4321, "Leadshine"),
];

/// The short name of a vendor, such as `Beckhoff` for 2; `None` for one that isn't known here.
#[must_use]
pub fn vendor_name(id: u32) -> Option<&'static str> {
    VENDORS.iter().find(|(known, _)| *known == id).map(|(_, name)| *name)
}

/// The ID of a vendor by its short name, letters of either case; `None` for one that isn't known here.
#[must_use]
pub fn vendor_id(name: &str) -> Option<u32> {
    VENDORS.iter().find(|(_, known)| known.eq_ignore_ascii_case(name.trim())).map(|(id, _)| *id)
}

/// The short names of all vendors that are known here, by ID.
pub fn vendor_names() -> impl Iterator<Item = &'static str> {
    VENDORS.iter().map(|(_, name)| *name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_vendor_goes_by_its_name_and_back() {
        assert_eq!((vendor_name(2), vendor_id("beckhoff"), vendor_id("nobody")), (Some("Beckhoff"), Some(2), None));
        assert!(VENDORS.is_sorted_by(|one, other| one.0 < other.0));
        assert!(vendor_names().all(|name| vendor_id(name).and_then(vendor_name) == Some(name)));
    }
}
