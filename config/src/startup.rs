//! Startup commands: objects of a SubDevice that are written in its transitions, before the process data is laid out or before OP.

use serde::{Deserialize, Serialize};
use zerocat_pdi::{BitSpan, DataType, Octets, Value};

/// A command that is sent to a SubDevice in a transition.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct StartupCommand {
    /// Transition in which it is sent.
    pub transition: Transition,
    /// Object, such as `0x8010:01`: index and subindex, the subindex in hexadecimal as everywhere; without one it is 0.
    pub object: String,
    /// Data type of the value: one of a channel, a name of the ETG such as `UDINT`, or `string`. Null for bytes as hexadecimal text.
    #[serde(default)]
    pub data_type: Option<String>,
    /// The value: a number, a boolean, a text, or bytes as hexadecimal text.
    pub value: serde_json::Value,
    /// Whether all subindexes are written at once: the value is then all of them as bytes, subindex 0 in 16 bits first.
    #[serde(default)]
    pub complete_access: bool,
    /// Whether the value is read back and compared.
    #[serde(default)]
    pub verify: bool,
    /// What happens where it is refused.
    #[serde(default)]
    pub on_error: OnError,
}

/// A transition between AL states (ETG.1000.6).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Transition {
    /// INIT to PRE-OP.
    #[serde(rename = "IP")]
    InitToPreOp,
    /// PRE-OP to SAFE-OP.
    #[serde(rename = "PS")]
    PreOpToSafeOp,
    /// SAFE-OP to OP.
    #[serde(rename = "SO")]
    SafeOpToOp,
    /// OP to SAFE-OP.
    #[serde(rename = "OS")]
    OpToSafeOp,
    /// SAFE-OP to PRE-OP.
    #[serde(rename = "SP")]
    SafeOpToPreOp,
    /// PRE-OP to INIT.
    #[serde(rename = "PI")]
    PreOpToInit,
}

/// What happens where a startup command is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum OnError {
    /// Bring-up fails.
    #[default]
    Fail,
    /// It is told, and bring-up goes on.
    Warn,
}

/// What a startup command writes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectWrite {
    /// Index.
    pub index: u16,
    /// Subindex; with complete access the first one.
    pub subindex: u8,
    /// The bytes, as they go to the SubDevice.
    pub data: Vec<u8>,
}

impl StartupCommand {
    /// What it writes.
    ///
    /// # Errors
    /// The key that is wrong, and why.
    pub fn write(&self) -> Result<ObjectWrite, (&'static str, String)> {
        let (index, subindex) = self.place().map_err(|why| ("object", why))?;
        let data = self.bytes().map_err(|why| ("value", why))?;
        Ok(ObjectWrite { index, subindex, data })
    }

    fn place(&self) -> Result<(u16, u8), String> {
        let wrong = || format!("`{}` is no index and subindex, such as 0x8010:01", self.object);
        let (index, subindex) = self.object.split_once(':').unwrap_or((&self.object, "0"));
        let index = index.strip_prefix("0x").or_else(|| index.strip_prefix("0X")).ok_or_else(wrong)?;
        let subindex = subindex.strip_prefix("0x").unwrap_or(subindex);
        let index = u16::from_str_radix(index, 16).map_err(|_| wrong())?;
        let subindex = u8::from_str_radix(subindex, 16).map_err(|_| wrong())?;
        if self.complete_access && subindex > 1 {
            return Err(format!("complete access begins with subindex 0 or 1, not with {subindex}"));
        }
        Ok((index, subindex))
    }

    fn bytes(&self) -> Result<Vec<u8>, String> {
        match self.data_type.as_deref() {
            None => self.raw(),
            Some("string") => {
                self.value.as_str().map(|text| text.as_bytes().to_vec()).ok_or_else(|| "it is no text".to_owned())
            }
            Some(name) => {
                let data_type: DataType = name.parse().map_err(|unknown| format!("{unknown}"))?;
                if data_type == DataType::Bytes { self.raw() } else { self.number(data_type) }
            }
        }
    }

    /// Bytes of any number, as hexadecimal text.
    fn raw(&self) -> Result<Vec<u8>, String> {
        let text = self
            .value
            .as_str()
            .ok_or("a number needs its `data_type`; bytes are hexadecimal text, such as \"00ff\"")?;
        if !text.len().is_multiple_of(2) || text.is_empty() {
            return Err(format!(
                "{} hexadecimal digits are no whole bytes; give two digits a byte, such as \"00ff\"",
                text.len()
            ));
        }
        let pairs: Vec<&str> = (0..text.len()).step_by(2).filter_map(|at| text.get(at..at + 2)).collect();
        let mut bytes = Vec::with_capacity(pairs.len());
        for pair in pairs {
            bytes.extend(pair.parse::<Octets>().map_err(|error| error.to_string())?.as_bytes());
        }
        Ok(bytes)
    }

    fn number(&self, data_type: DataType) -> Result<Vec<u8>, String> {
        let value = match &self.value {
            serde_json::Value::Bool(value) => Value::Bool(*value),
            serde_json::Value::Number(number) => {
                let whole = number.as_i64().map(Value::Int).or_else(|| number.as_u64().map(Value::Uint));
                whole
                    .or_else(|| number.as_f64().map(Value::Float64))
                    .ok_or_else(|| format!("{number} is no number here"))?
            }
            other => return Err(format!("{other} is no value of {data_type}")),
        };
        // A `bool` of the object dictionary is a byte.
        let bits = data_type.bits().next_multiple_of(8);
        let mut bytes = vec![0; usize::from(bits / 8)];
        let span = BitSpan { offset: 0, len: bits };
        data_type.write(value, span, &mut bytes).map_err(|error| error.to_string())?;
        Ok(bytes)
    }
}

impl Transition {
    /// Whether commands of it are sent.
    #[must_use]
    pub const fn is_upward(self) -> bool {
        matches!(self, Self::InitToPreOp | Self::PreOpToSafeOp | Self::SafeOpToOp)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn command(object: &str, data_type: Option<&str>, value: serde_json::Value) -> StartupCommand {
        let data_type = data_type.map(str::to_owned);
        serde_json::from_value(json!({ "transition": "PS", "object": object, "data_type": data_type, "value": value }))
            .unwrap()
    }

    fn data(data_type: Option<&str>, value: serde_json::Value) -> Result<Vec<u8>, String> {
        command("0x8010:01", data_type, value)
            .write()
            .map(|write| write.data)
            .map_err(|(key, why)| format!("{key}: {why}"))
    }

    #[test]
    fn values_of_every_kind_are_the_bytes_that_an_object_takes() {
        assert_eq!(data(Some("uint16"), json!(0x1234)), Ok(vec![0x34, 0x12]));
        assert_eq!(data(Some("DINT"), json!(-2)), Ok(vec![0xfe, 0xff, 0xff, 0xff]));
        assert_eq!(data(Some("uint64"), json!(u64::MAX)), Ok(vec![0xff; 8]));
        assert_eq!(data(Some("bool"), json!(true)), Ok(vec![1]));
        assert_eq!(data(Some("float32"), json!(1.5)), Ok(1.5f32.to_le_bytes().to_vec()));
        assert_eq!(data(Some("string"), json!("axis")), Ok(b"axis".to_vec()));
        assert_eq!(data(None, json!("00ff10")), Ok(vec![0x00, 0xff, 0x10]));
    }

    #[test]
    fn what_is_no_value_is_refused_with_its_key() {
        assert!(data(Some("uint8"), json!(256)).unwrap_err().starts_with("value: 256 is out of range"));
        assert!(data(None, json!(5)).unwrap_err().contains("needs its `data_type`"));
        assert!(data(None, json!("0f0")).unwrap_err().contains("no whole bytes"));
        assert!(data(Some("colour"), json!(1)).unwrap_err().contains("`colour` is no data type"));
        let object =
            |object| command(object, Some("uint8"), json!(1)).write().map(|write| (write.index, write.subindex));
        assert_eq!(object("0x8010:11"), Ok((0x8010, 0x11)));
        assert_eq!(object("0x6060"), Ok((0x6060, 0)));
        assert_eq!(object("8010:01").unwrap_err().0, "object");
        assert_eq!(object("S-0-0015").unwrap_err().0, "object");
    }
}
