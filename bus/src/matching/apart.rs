//! What tells SubDevices of one kind apart, for whoever writes a configuration of a bus that was found.

use super::expected::{Found, FoundBy};

/// For each SubDevice the strongest rule that finds it, and no other one on this bus: its serial number where it has one of
/// its own among those of its vendor and product, else its station alias where it has one of its own, else its device ID likewise, else its identity
/// where no other is of its vendor and product, else its position.
///
/// Those that are told apart by position are *twins*: whoever changes their order gives each the other's part.
#[must_use]
pub fn told_apart_by(found: &[Found]) -> Vec<FoundBy> {
    found.iter().map(|one| told_apart(one, found)).collect()
}

fn told_apart(one: &Found, found: &[Found]) -> FoundBy {
    let others = || found.iter().filter(|other| other.position != one.position);
    let kin = |other: &&Found| same_kind(one, other);
    let serial = one.identity.serial;
    if serial != 0 && !others().filter(kin).any(|other| other.identity.serial == serial) {
        FoundBy::Serial
    } else if one.alias != 0 && !others().any(|other| other.alias == one.alias) {
        FoundBy::Alias
    } else if one.device_id.is_some() && !others().any(|other| other.device_id == one.device_id) {
        FoundBy::DeviceId
    } else if others().any(|other| kin(&other)) {
        FoundBy::Position
    } else {
        FoundBy::Identity
    }
}

/// The groups of twins, by position, each with its members in bus order.
#[must_use]
pub fn twins(found: &[Found]) -> Vec<Vec<u16>> {
    let by = told_apart_by(found);
    let alike: Vec<&Found> =
        found.iter().zip(by).filter(|(_, by)| *by == FoundBy::Position).map(|(one, _)| one).collect();
    let mut groups: Vec<Vec<&Found>> = Vec::new();
    for one in alike {
        match groups.iter_mut().find(|group| same_kind(group[0], one)) {
            Some(group) => group.push(one),
            None => groups.push(vec![one]),
        }
    }
    let several = groups.into_iter().filter(|group| group.len() > 1);
    several.map(|group| group.iter().map(|one| one.position).collect()).collect()
}

const fn same_kind(one: &Found, other: &Found) -> bool {
    one.identity.vendor_id == other.identity.vendor_id && one.identity.product_code == other.identity.product_code
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::subdevice::Identity;

    fn found(position: u16, product_code: u32, serial: u32, alias: u16) -> Found {
        let identity = Identity { vendor_id: 2, product_code, revision: 1, serial };
        Found { position, identity, alias, ..Found::default() }
    }

    #[test]
    fn equal_ones_without_serial_and_alias_are_twins() {
        let bus = [found(0, 1, 0, 0), found(1, 7, 0, 0), found(2, 8, 0, 0), found(3, 7, 0, 0), found(4, 8, 0, 0)];
        assert_eq!(told_apart_by(&bus)[..2], [FoundBy::Identity, FoundBy::Position]);
        assert_eq!(twins(&bus), [vec![1, 3], vec![2, 4]]);
    }

    #[test]
    fn a_device_id_of_its_own_tells_a_twin_apart() {
        let with = |position, device_id| Found { device_id, ..found(position, 7, 0, 0) };
        let bus = [with(0, Some(4)), with(1, Some(5)), with(2, Some(5)), with(3, None)];
        let by = [FoundBy::DeviceId, FoundBy::Position, FoundBy::Position, FoundBy::Position];
        assert_eq!(told_apart_by(&bus), by);
    }

    #[test]
    fn a_serial_or_an_alias_of_its_own_tells_a_twin_apart() {
        let bus = [found(0, 7, 5, 0), found(1, 7, 0, 9), found(2, 7, 0, 0), found(3, 7, 6, 0), found(4, 7, 6, 0)];
        let by = [FoundBy::Serial, FoundBy::Alias, FoundBy::Position, FoundBy::Position, FoundBy::Position];
        assert_eq!(told_apart_by(&bus), by);
        assert_eq!(twins(&bus), [vec![2, 3, 4]]);
    }
}
