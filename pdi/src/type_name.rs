//! Data types by name: those of the configuration, and the names that vendors' documents use for them.
//!
//! A name of a document stands for the type of a channel that holds its values: `INT24` is an `int32` of 24 bits. Case
//! doesn't matter there.

use crate::value::DataType;
use alloc::borrow::ToOwned;
use alloc::string::String;
use core::fmt;
use core::str::FromStr;

/// A name that no data type has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownType(String);

impl fmt::Display for UnknownType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(name) = self;
        write!(
            f,
            "`{name}` is no data type; one of {names}, or a name of the ETG such as INT, UDINT, BIT4 or OCTET_STRING(10)",
            names = names()
        )
    }
}

impl core::error::Error for UnknownType {}

/// Names in documents (ETG.1020, table of base data types, by memory; ETG.2000) and what they are here.
const DOCUMENTS: [(DataType, &[&str]); 11] = [
    (DataType::Bool, &["BOOLEAN", "BIT", "BIT1"]),
    (DataType::Int8, &["SINT", "INTEGER8"]),
    (
        DataType::Uint8,
        &["USINT", "UNSIGNED8", "BYTE", "BITARR8", "BIT2", "BIT3", "BIT4", "BIT5", "BIT6", "BIT7", "BIT8"],
    ),
    (DataType::Int16, &["INT", "INTEGER16"]),
    (
        DataType::Uint16,
        &[
            "UINT",
            "UNSIGNED16",
            "WORD",
            "BITARR16",
            "BIT9",
            "BIT10",
            "BIT11",
            "BIT12",
            "BIT13",
            "BIT14",
            "BIT15",
            "BIT16",
        ],
    ),
    (DataType::Int32, &["DINT", "INTEGER32", "INT24", "INTEGER24"]),
    (DataType::Uint32, &["UDINT", "UNSIGNED32", "DWORD", "BITARR32", "UINT24", "UNSIGNED24"]),
    (DataType::Int64, &["LINT", "INTEGER64", "INT40", "INTEGER40", "INT48", "INTEGER48", "INT56", "INTEGER56"]),
    (
        DataType::Uint64,
        &["ULINT", "UNSIGNED64", "LWORD", "UINT40", "UNSIGNED40", "UINT48", "UNSIGNED48", "UINT56", "UNSIGNED56"],
    ),
    (DataType::Float32, &["REAL", "REAL32"]),
    (DataType::Float64, &["LREAL", "REAL64"]),
];

/// Types with a length or bounds behind them, and those of a fixed number of bytes.
const BYTES: [&str; 6] = ["OCTET_STRING", "VISIBLE_STRING", "UNICODE_STRING", "STRING", "ARRAY", "GUID"];

impl FromStr for DataType {
    type Err = UnknownType;

    fn from_str(name: &str) -> Result<Self, UnknownType> {
        if let Some(own) = Self::ALL.into_iter().find(|own| own.name() == name) {
            return Ok(own);
        }
        let upper = name.trim().to_ascii_uppercase();
        let known = DOCUMENTS
            .iter()
            .find(|(own, names)| own.name().eq_ignore_ascii_case(&upper) || names.contains(&upper.as_str()));
        let word = upper.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_').next();
        match known {
            Some((own, _)) => Ok(*own),
            None if word.is_some_and(|word| BYTES.contains(&word)) || upper == "BYTES" => Ok(Self::Bytes),
            None => Err(UnknownType(name.to_owned())),
        }
    }
}

impl TryFrom<String> for DataType {
    type Error = UnknownType;

    fn try_from(name: String) -> Result<Self, UnknownType> {
        name.parse()
    }
}

fn names() -> String {
    DataType::ALL.map(DataType::name).join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_has_its_own_name_in_any_case() {
        for own in DataType::ALL {
            assert_eq!(own.name().parse(), Ok(own));
            assert_eq!(own.name().to_uppercase().parse(), Ok(own));
        }
    }

    #[test]
    fn names_of_documents_are_known() {
        let names = ["BOOL", "int", "UDINT", "BIT4", "BIT12", "INT24", "LREAL", "WORD"];
        let types: [DataType; 8] = names.map(|name| name.parse().unwrap());
        let expected = [
            DataType::Bool,
            DataType::Int16,
            DataType::Uint32,
            DataType::Uint8,
            DataType::Uint16,
            DataType::Int32,
            DataType::Float64,
            DataType::Uint16,
        ];
        assert_eq!(types, expected);
        for bytes in ["OCTET_STRING(10)", "ARRAY [0..15] OF BYTE", "VISIBLE_STRING(4)", "STRING(8)", "bytes"] {
            assert_eq!(bytes.parse(), Ok(DataType::Bytes), "{bytes}");
        }
    }

    #[test]
    fn an_unknown_name_is_answered_with_those_that_there_are() {
        let error = "float16".parse::<DataType>().unwrap_err().to_string();
        assert!(error.starts_with("`float16` is no data type; one of bool, int8, uint8"), "{error}");
        assert!("".parse::<DataType>().is_err() && "(8)".parse::<DataType>().is_err());
    }
}
