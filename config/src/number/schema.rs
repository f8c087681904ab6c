//! The JSON schema of numbers that may be written as hexadecimal text.

use schemars::{Schema, SchemaGenerator, json_schema};

/// Schema of a 16-bit number.
pub(crate) fn schema_u16(_: &mut SchemaGenerator) -> Schema {
    schema(u64::from(u16::MAX))
}

/// Schema of an 8-bit number.
pub(crate) fn schema_u8(_: &mut SchemaGenerator) -> Schema {
    schema(u64::from(u8::MAX))
}

/// Schema of a 32-bit number or null.
pub(crate) fn schema_maybe_u32(_: &mut SchemaGenerator) -> Schema {
    maybe(schema(u64::from(u32::MAX)))
}

/// Schema of a 16-bit number or null.
pub(crate) fn schema_maybe_u16(_: &mut SchemaGenerator) -> Schema {
    maybe(schema(u64::from(u16::MAX)))
}

/// Schema of an 8-bit number or null.
pub(crate) fn schema_maybe_u8(_: &mut SchemaGenerator) -> Schema {
    maybe(schema(u64::from(u8::MAX)))
}

fn maybe(number: Schema) -> Schema {
    json_schema!({ "anyOf": [number, { "type": "null" }] })
}

fn schema(maximum: u64) -> Schema {
    json_schema!({
        "anyOf": [
            { "type": "integer", "minimum": 0, "maximum": maximum },
            { "type": "string", "pattern": "^(0[xX][0-9a-fA-F]+|[0-9]+)$" }
        ]
    })
}
