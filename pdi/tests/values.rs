//! Values to raw bits and back, at the limits of each type and length.
#![allow(clippy::unwrap_used, reason = "a test")]

use proptest::prelude::*;
use zerocat_pdi::{BitSpan, DataType, Octets, Value, ValueError};

const INTEGERS: [DataType; 8] = [
    DataType::Int8,
    DataType::Uint8,
    DataType::Int16,
    DataType::Uint16,
    DataType::Int32,
    DataType::Uint32,
    DataType::Int64,
    DataType::Uint64,
];

fn integer() -> impl Strategy<Value = (DataType, u8)> {
    prop::sample::select(INTEGERS.as_slice()).prop_flat_map(|data_type| (Just(data_type), 1..=data_type.bits()))
}

fn mask(bits: u8) -> u64 {
    u64::MAX >> (64 - bits)
}

#[test]
fn each_type_says_its_width_and_its_name_in_the_configuration() {
    let widths: Vec<_> = DataType::ALL.iter().map(|data_type| (data_type.name(), data_type.bits())).collect();
    let expected = [
        ("bool", 1),
        ("int8", 8),
        ("uint8", 8),
        ("int16", 16),
        ("uint16", 16),
        ("int32", 32),
        ("uint32", 32),
        ("int64", 64),
        ("uint64", 64),
        ("float32", 32),
        ("float64", 64),
        ("bytes", 255),
    ];
    assert_eq!(widths, expected);
}

#[test]
fn lengths_that_a_type_takes() {
    for bits in 0..=255 {
        assert_eq!(DataType::Bool.fits(bits), (1..=8).contains(&bits));
        assert_eq!(DataType::Int16.fits(bits), (1..=16).contains(&bits));
        assert_eq!(DataType::Uint64.fits(bits), (1..=64).contains(&bits));
        assert_eq!(DataType::Float32.fits(bits), bits == 32);
        assert_eq!(DataType::Float64.fits(bits), bits == 64);
        assert_eq!(DataType::Bytes.fits(bits), bits > 0);
    }
    let error = DataType::Int16.encode(1, 17).unwrap_err();
    assert_eq!(error.to_string(), "int16 takes 1 to 16 bits, the entry has 17");
    assert_eq!(DataType::Float32.check(16).unwrap_err().to_string(), "float32 takes 32 bits, the entry has 16");
}

#[test]
fn short_signed_entries_are_sign_extended() {
    assert_eq!(DataType::Int16.decode(0xfff, 12), Value::Int(-1));
    assert_eq!(DataType::Int16.decode(0x7ff, 12), Value::Int(2047));
    assert_eq!(DataType::Int32.decode(0x80_0000, 24), Value::Int(-8_388_608));
    assert_eq!(DataType::Int64.decode(u64::MAX, 64), Value::Int(-1));
    assert_eq!(DataType::Uint16.decode(0xffff, 12), Value::Uint(0xfff));
    assert_eq!(DataType::Int8.decode(1, 1), Value::Int(-1));
}

#[test]
fn floats_and_bools_are_read() {
    assert_eq!(DataType::Float32.decode(0x3fc0_0000, 32), Value::Float32(1.5));
    assert_eq!(DataType::Float64.decode(1.5f64.to_bits(), 64), Value::Float64(1.5));
    assert_eq!(DataType::Bool.decode(0x80, 8), Value::Bool(true));
    assert_eq!(DataType::Bool.decode(0b10, 1), Value::Bool(false));
}

#[test]
fn what_does_not_fit_is_an_error_that_names_value_and_type() {
    let text = |result: Result<u64, ValueError>| result.unwrap_err().to_string();
    assert_eq!(
        text(DataType::Int16.encode(32_768, 16)),
        "32768 is out of range for int16 of 16 bits (-32768 to 32767)"
    );
    assert_eq!(text(DataType::Uint8.encode(-1, 8)), "-1 is out of range for uint8 of 8 bits (0 to 255)");
    assert_eq!(text(DataType::Bool.encode(2, 1)), "2 is out of range for bool of 1 bits (0 to 1)");
    assert_eq!(text(DataType::Int32.encode(1.5, 32)), "1.5 is not a whole number, as int32 of 32 bits needs");
    assert!(DataType::Int32.encode(f64::NAN, 32).is_err());
    assert!(DataType::Float32.encode(1e300, 32).is_err());
    assert!(DataType::Int64.encode(u64::MAX, 64).is_err());
    assert!(DataType::Uint64.encode(18_446_744_073_709_551_616.0, 64).is_err());
}

#[test]
fn what_fits_is_written_from_any_kind_of_value() {
    assert_eq!(DataType::Int16.encode(-2.0, 16), Ok(0xfffe));
    assert_eq!(DataType::Int16.encode(true, 16), Ok(1));
    assert_eq!(DataType::Uint64.encode(u64::MAX, 64), Ok(u64::MAX));
    assert_eq!(DataType::Int64.encode(i64::MIN, 64), Ok(1 << 63));
    assert_eq!(DataType::Bool.encode(1.0, 1), Ok(1));
    assert_eq!(DataType::Float32.encode(0.1, 32), Ok(u64::from(0.1f32.to_bits())));
    assert_eq!(DataType::Float64.encode(7u8, 64), Ok(7f64.to_bits()));
    assert_eq!(DataType::Float32.encode(f64::INFINITY, 32), Ok(u64::from(f32::INFINITY.to_bits())));
}

#[test]
fn bytes_are_written_as_they_are_and_no_number_is_taken_for_them() {
    let text = |result: Result<bool, ValueError>| result.unwrap_err().to_string();
    let (mut image, span) = ([0; 12], BitSpan::new(4, 77));
    let octets: Octets = "00112233445566778812".parse().unwrap();
    assert_eq!(DataType::Bytes.write(octets, span, &mut image), Ok(true));
    assert_eq!(DataType::Bytes.read(span, &image), Some(Value::Bytes(octets)));
    assert_eq!(DataType::Bytes.write_nearest(octets, span, &mut image), Ok(true));
    assert_eq!(
        text(DataType::Bytes.write(5, span, &mut image)),
        "5 is a number, bytes of 77 bits need 10 bytes as hexadecimal text, with nothing behind its last bit"
    );
    let short: Octets = "0011".parse().unwrap();
    assert_eq!(
        text(DataType::Bytes.write(short, BitSpan::new(0, 80), &mut image)),
        "0011 is 2 bytes, bytes of 80 bits need 10 bytes as hexadecimal text"
    );
    assert_eq!(
        text(DataType::Int16.write(short, BitSpan::new(0, 16), &mut image)),
        "0011 is 2 bytes, int16 of 16 bits needs a number"
    );
    assert!(DataType::Int16.write_nearest(short, BitSpan::new(0, 16), &mut image).is_err());
    assert_eq!(DataType::Bytes.read(span, &image), Some(Value::Bytes(octets)));
}

#[test]
fn a_data_type_is_read_by_its_name_or_by_that_of_a_document() {
    let read = |text: &str| serde_json::from_str::<DataType>(text);
    assert_eq!(read("\"uint16\"").unwrap(), DataType::Uint16);
    assert_eq!(read("\"OCTET_STRING(10)\"").unwrap(), DataType::Bytes);
    assert_eq!(serde_json::to_string(&read("\"UDINT\"").unwrap()).unwrap(), "\"uint32\"");
    assert!(read("\"word32\"").unwrap_err().to_string().starts_with("`word32` is no data type; one of bool, "));
}

#[test]
fn waveforms_saturate() {
    assert_eq!(DataType::Int16.encode_saturating(1e9, 16), Ok(0x7fff));
    assert_eq!(DataType::Int16.encode_saturating(-1e9, 12), Ok(0x800));
    assert_eq!(DataType::Uint8.encode_saturating(-3, 8), Ok(0));
    assert_eq!(DataType::Int32.encode_saturating(2.5, 32), Ok(3));
    assert_eq!(DataType::Int32.encode_saturating(f64::NAN, 32), Ok(0));
    assert_eq!(DataType::Uint64.encode_saturating(f64::INFINITY, 64), Ok(u64::MAX));
    assert_eq!(DataType::Bool.encode_saturating(0.7, 1), Ok(1));
    assert_eq!(DataType::Bool.encode_saturating(-1.0, 1), Ok(0));
    assert_eq!(DataType::Float32.encode_saturating(1e300, 32), Ok(u64::from(f32::MAX.to_bits())));
    assert_eq!(
        DataType::Uint8.encode_saturating(1, 9),
        Err(ValueError::Length { data_type: DataType::Uint8, bits: 9 })
    );
}

proptest! {
    #[test]
    fn any_raw_bits_come_back((data_type, bits) in integer(), raw: u64) {
        let value = data_type.decode(raw, bits);
        prop_assert_eq!(data_type.encode(value, bits), Ok(raw & mask(bits)));
        prop_assert_eq!(data_type.encode_saturating(value, bits), Ok(raw & mask(bits)));
    }

    #[test]
    fn any_float_bits_come_back(raw: u64) {
        let narrow = raw & mask(32);
        prop_assert_eq!(DataType::Float64.encode(DataType::Float64.decode(raw, 64), 64), Ok(raw));
        prop_assert_eq!(DataType::Float32.encode(DataType::Float32.decode(narrow, 32), 32), Ok(narrow));
    }

    #[test]
    fn exact_writing_keeps_the_number_or_refuses((data_type, bits) in integer(), value: i64) {
        match data_type.encode(value, bits) {
            Ok(raw) => {
                let back = match data_type.decode(raw, bits) {
                    Value::Int(back) => i128::from(back),
                    Value::Uint(back) => i128::from(back),
                    other => panic!("{other:?} from an integer type"),
                };
                prop_assert_eq!(back, i128::from(value));
            }
            Err(error) => prop_assert_eq!(
                error,
                ValueError::OutOfRange { value: Value::Int(value), data_type, bits }
            ),
        }
    }

    #[test]
    fn saturating_is_exact_where_exact_works((data_type, bits) in integer(), value: f64) {
        if let Ok(raw) = data_type.encode(value, bits) {
            prop_assert_eq!(data_type.encode_saturating(value, bits), Ok(raw));
        }
        prop_assert!(data_type.encode_saturating(value, bits).unwrap() <= mask(bits));
    }
}

/// An entry of any type that a channel can have, in an image.
fn entry_in_an_image() -> impl Strategy<Value = (DataType, BitSpan, Vec<u8>)> {
    let data_type = prop::sample::select(DataType::ALL.as_slice());
    let entry = (data_type, any::<u8>()).prop_filter("a length of its own", |(data_type, bits)| data_type.fits(*bits));
    let any_length = prop_oneof![entry, (129u8..=255).prop_map(|bits| (DataType::Bytes, bits))];
    (any_length, 0usize..40, prop::collection::vec(any::<u8>(), 40))
        .prop_map(|((data_type, bits), offset, image)| (data_type, BitSpan::new(offset, bits), image))
}

/// Equal, or not a number both.
fn same(one: Option<Value>, other: Option<Value>) -> bool {
    one == other || one.zip(other).is_some_and(|(one, other)| one.to_f64().is_nan() && other.to_f64().is_nan())
}

proptest! {
    #[test]
    fn every_value_reads_as_it_was_written_and_nothing_beside_it_changes((data_type, span, image) in entry_in_an_image()) {
        let value = data_type.read(span, &image).unwrap();
        for fill in [0x00, 0xff] {
            let mut other = vec![fill; 40];
            prop_assert!(data_type.admit(value, span.len).is_ok());
            prop_assert_eq!(data_type.write(value, span, &mut other), Ok(true));
            prop_assert!(same(data_type.read(span, &other), Some(value)));
            if data_type != DataType::Bool {
                prop_assert_eq!(span.extract_octets(&other), span.extract_octets(&image));
            }
            for bit in (0..320).filter(|bit| !(span.offset..span.end()).contains(bit)) {
                prop_assert_eq!(BitSpan::new(bit, 1).extract(&other), Some(u64::from(fill & 1)), "bit {}", bit);
            }
            let mut nearest = other.clone();
            prop_assert_eq!(data_type.write_nearest(value, span, &mut nearest), Ok(true));
            prop_assert_eq!(&nearest, &other);
        }
    }

    #[test]
    fn bytes_come_back_from_their_text(bytes in prop::collection::vec(any::<u8>(), 0..=32)) {
        let octets = Octets::new(&bytes).unwrap();
        prop_assert_eq!(octets.to_string().parse(), Ok(octets));
        let json = serde_json::to_string(&Value::Bytes(octets)).unwrap();
        prop_assert_eq!(serde_json::from_str::<Octets>(&json).unwrap(), octets);
    }

    #[test]
    fn any_text_is_bytes_or_refused(text in "[0-9a-fA-Fx +é]{0,70}") {
        if let Ok(octets) = text.parse::<Octets>() {
            prop_assert_eq!(octets.to_string(), text.to_lowercase());
        }
    }
}
