//! Who is recognised, and what is said of those that are not.

use super::*;
use crate::subdevice::Identity;

fn expected(key: &str, product_code: u32, serial: u32, position: u16) -> Expected {
    Expected {
        key: key.to_owned(),
        vendor: Accepts::Exactly(2),
        product: Product::Code(Accepts::Exactly(product_code)),
        revision: Accepts::Exactly(0x10),
        serial: if serial == 0 { Accepts::Any } else { Accepts::Exactly(serial) },
        alias: None,
        device_id: None,
        position: Some(position),
    }
}

fn found(position: u16, product_code: u32, serial: u32) -> Found {
    let identity = Identity { vendor_id: 2, product_code, revision: 0x10, serial };
    Found { position, identity, name: format!("P{product_code}"), ..Found::default() }
}

fn short(matching: &Matching) -> Vec<(&str, u16, FoundBy)> {
    matching.matches.iter().map(|m| (m.key.as_str(), m.position, m.by)).collect()
}

/// What is said of the only one that is missing.
fn said(expected: &[Expected], found: &[Found]) -> String {
    let missing = identify(expected, found).missing;
    assert_eq!(missing.len(), 1, "{missing:?}");
    missing[0].to_string()
}

#[test]
fn a_unique_serial_is_followed_to_another_position() {
    let matching =
        identify(&[expected("a", 7, 100, 0), expected("b", 7, 200, 1)], &[found(0, 7, 200), found(1, 7, 100)]);
    assert_eq!(short(&matching), [("a", 1, FoundBy::Serial), ("b", 0, FoundBy::Serial)]);
    assert_eq!(matching.matches[0].asides(), [Aside::Moved { from: 0, to: 1 }]);
    assert_eq!(matching.matches[0].asides()[0].to_string(), "moved from position 0 to 1");
}

#[test]
fn those_without_serial_are_found_by_position() {
    let matching = identify(&[expected("a", 7, 0, 0), expected("b", 7, 0, 1)], &[found(0, 7, 0), found(1, 7, 0)]);
    assert_eq!(short(&matching), [("a", 0, FoundBy::Position), ("b", 1, FoundBy::Position)]);
}

#[test]
fn of_two_with_the_same_serial_the_one_at_the_position_is_meant() {
    let matching = identify(&[expected("a", 7, 5, 1)], &[found(0, 7, 5), found(1, 7, 5)]);
    assert_eq!(short(&matching), [("a", 1, FoundBy::Serial)]);
    assert_eq!(matching.unexpected, [0]);
}

#[test]
fn an_alias_comes_before_the_position() {
    let wanted = Expected { alias: Some(42), ..expected("a", 7, 0, 0) };
    let there = Found { alias: 42, ..found(1, 7, 0) };
    let matching = identify(&[wanted], &[found(0, 7, 0), there]);
    assert_eq!(short(&matching), [("a", 1, FoundBy::Alias)]);
}

#[test]
fn one_with_another_alias_than_configured_is_found_by_its_serial_and_the_alias_is_told() {
    let wanted = Expected { alias: Some(42), ..expected("a", 7, 5, 0) };
    let matching = identify(&[wanted], &[found(0, 7, 5)]);
    assert_eq!(short(&matching), [("a", 0, FoundBy::Serial)]);
    assert_eq!(matching.matches[0].asides()[0].to_string(), "has the station alias 0, the rig file says 42");
}

#[test]
fn those_of_which_nothing_but_the_kind_is_said_are_found_in_bus_order() {
    let one = |key| Expected { position: None, ..expected(key, 7, 0, 0) };
    let all = [one("a"), one("b"), expected("c", 7, 0, 1)];
    let matching = identify(&all, &[found(0, 9, 0), found(1, 7, 0), found(2, 7, 0), found(3, 7, 0)]);
    assert_eq!(
        short(&matching),
        [("a", 2, FoundBy::Identity), ("b", 3, FoundBy::Identity), ("c", 1, FoundBy::Position)]
    );
    assert_eq!(matching.unexpected, [0]);
}

#[test]
fn a_newer_one_of_the_same_terminal_is_taken_by_at_least() {
    let wanted = Expected { revision: Accepts::AtLeast(0x0f), ..expected("a", 7, 0, 0) };
    assert_eq!(short(&identify(std::slice::from_ref(&wanted), &[found(0, 7, 0)])), [("a", 0, FoundBy::Position)]);
    let wanted = Expected { revision: Accepts::AtLeast(0x11), ..wanted };
    assert_eq!(
        said(&[wanted], &[found(0, 7, 0)]),
        "`a`: P7 at position 0 has revision 0x00000010, which is older; the rig file wants >= 0x00000011; to accept it write \
         \"revision\": \">= 0x00000010\""
    );
}

#[test]
fn another_revision_is_refused_with_the_line_that_accepts_it() {
    let wanted = Expected { revision: Accepts::Exactly(0x0f), ..expected("a", 7, 0, 0) };
    assert_eq!(
        said(&[wanted], &[found(0, 7, 0)]),
        "`a`: P7 at position 0 has revision 0x00000010, which is newer; the rig file wants 0x0000000f; to accept it write \
         \"revision\": \">= 0x0000000f\""
    );
}

#[test]
fn the_right_serial_does_not_excuse_another_revision() {
    let wanted = Expected { revision: Accepts::Exactly(0x0f), ..expected("a", 7, 5, 0) };
    let message = said(&[wanted], &[found(0, 7, 0), found(1, 7, 5)]);
    assert!(message.starts_with("`a`: P7 at position 1 has revision 0x00000010"), "{message}");
}

#[test]
fn a_replaced_one_is_missing_and_the_line_to_change_is_told() {
    let matching = identify(&[expected("a", 7, 100, 0)], &[found(0, 7, 300)]);
    assert_eq!(short(&matching), []);
    assert_eq!(
        matching.missing[0].to_string(),
        "`a`: P7 at position 0 has serial number 300, the rig file wants 100: another unit of the same kind; if it is a \
         replacement, write \"serial\": 300"
    );
    assert_eq!(matching.unexpected, [0]);
}

#[test]
fn a_serial_that_was_said_is_not_kept_by_one_without() {
    assert_eq!(
        said(&[expected("a", 7, 100, 0)], &[found(0, 7, 0)]),
        "`a`: P7 at position 0 has no serial number (0), the rig file wants 100; to accept it write \"serial\": \"any\""
    );
}

#[test]
fn another_device_in_its_place_is_named_with_both_kinds() {
    let wanted = Expected { product: Product::Named("EL7211".to_owned()), ..expected("a", 7, 100, 0) };
    assert_eq!(
        said(&[wanted], &[found(0, 8, 5)]),
        "`a`: P8 at position 0 is another device (vendor 0x00000002, product 0x00000008), the rig file wants vendor \
         0x00000002 (Beckhoff), EL7211; put the right one there, or write \"product_code\": \"0x00000008\""
    );
}

#[test]
fn one_of_the_right_kind_at_another_position_is_pointed_out() {
    let message = said(&[expected("a", 7, 0, 0)], &[found(0, 8, 0), found(1, 7, 0)]);
    assert!(
        message.ends_with("P7 at position 1 is such a one and not in the rig file, to take it write \"position\": 1"),
        "{message}"
    );
}

#[test]
fn a_position_that_another_one_has_moved_to_is_told_with_its_key() {
    let bus = [found(0, 7, 0), found(1, 7, 100)];
    let message = said(&[expected("a", 7, 100, 0), expected("b", 7, 0, 1)], &bus);
    assert_eq!(
        message,
        "`b`: position 1 is that of `a`; P7 at position 0 is such a one and not in the rig file, to take it write \
         \"position\": 0"
    );
}

#[test]
fn a_short_bus_names_who_is_missing() {
    let message = said(&[expected("a", 7, 0, 0), expected("b", 8, 0, 1)], &[found(0, 7, 0)]);
    assert_eq!(
        message,
        "`b`: nothing is at position 1 (vendor 0x00000002 (Beckhoff), product 0x00000008); the last SubDevice is at position 0"
    );
    let by_alias = Expected { alias: Some(9), ..expected("b", 8, 0, 1) };
    assert!(said(&[expected("a", 7, 0, 0), by_alias], &[found(0, 7, 0)]).contains("has the station alias 9"));
}

#[test]
fn nobody_is_two_of_the_configuration() {
    let one = |key| Expected { position: None, ..expected(key, 7, 5, 0) };
    let matching = identify(&[one("a"), one("b")], &[found(0, 7, 5)]);
    assert_eq!(short(&matching), [("a", 0, FoundBy::Serial)]);
    assert_eq!(
        matching.missing[0].to_string(),
        "`b`: no SubDevice has serial number 5 (vendor 0x00000002 (Beckhoff), product 0x00000007)"
    );
}

#[test]
fn where_no_kind_is_said_none_is_looked_for_elsewhere() {
    let wanted = Expected { key: "a".to_owned(), position: Some(4), ..Expected::default() };
    assert_eq!(
        said(&[wanted], &[found(0, 7, 5)]),
        "`a`: nothing is at position 4; the last SubDevice is at position 0"
    );
    let wanted = Expected { key: "a".to_owned(), serial: Accepts::Exactly(9), ..Expected::default() };
    assert_eq!(said(&[wanted], &[found(0, 7, 5)]), "`a`: no SubDevice has serial number 9");
}

#[test]
fn another_device_id_beside_an_alias_is_told() {
    let wanted = Expected { alias: Some(7), device_id: Some(6), ..expected("a", 7, 0, 0) };
    let told = |device_id| {
        let there = Found { alias: 7, device_id, ..found(0, 7, 0) };
        identify(std::slice::from_ref(&wanted), &[there]).matches[0]
            .asides()
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
    };
    assert_eq!(told(Some(5)), ["has the device ID 5, the rig file says 6"]);
    assert_eq!(told(None), ["shows no device ID, the rig file says 6"]);
    assert!(told(Some(6)).is_empty());
}

#[test]
fn one_without_an_alias_is_not_accepted_by_writing_alias_0() {
    let by_alias = Expected { alias: Some(77), ..expected("a", 7, 0, 0) };
    let said = said(&[by_alias], &[found(0, 7, 0)]);
    assert!(said.contains("has no station alias (0)") && said.contains("find it by `position`"), "{said}");
}
