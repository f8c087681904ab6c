//! Startup commands: objects and IDNs of a SubDevice that are written in its transitions, before the process data is laid out or
//! before OP.

use serde::{Deserialize, Serialize};
use zerocat_pdi::{BitSpan, DataType, Idn, IdnValue, Octets, Value};

/// A command that is sent to a SubDevice in a transition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct StartupCommand {
    /// Transition in which it is sent.
    pub transition: Transition,
    /// Object, such as `0x8010:01`: index and subindex, the subindex in hexadecimal as everywhere; without one it is 0. Of a drive with
    /// SoE an IDN, such as `S-0-0015`.
    pub object: String,
    /// With an IDN: number of the drive in the SubDevice, 0 to 7.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drive: Option<u8>,
    /// Data type of the value: one of a channel, a name of the ETG such as `UDINT`, or `string`. Null for bytes as hexadecimal text; with
    /// an IDN for what the drive's own attribute says.
    #[serde(default)]
    pub data_type: Option<String>,
    /// The value: a number, a boolean, a text, or bytes as hexadecimal text; of an IDN also a list of numbers or of IDNs.
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

/// What a startup command writes by SoE.
#[derive(Debug, Clone, PartialEq)]
pub struct IdnWrite {
    /// Drive in the SubDevice.
    pub drive: u8,
    /// Which IDN.
    pub idn: Idn,
    /// Its value.
    pub value: IdnValue,
}

impl StartupCommand {
    /// A command that writes a value of a data type to an object such as `0x8010:01`. It must succeed, and isn't read back.
    #[must_use]
    pub fn of(
        transition: Transition,
        object: impl Into<String>,
        data_type: impl Into<String>,
        value: impl Into<serde_json::Value>,
    ) -> Self {
        Self {
            transition,
            object: object.into(),
            data_type: Some(data_type.into()),
            value: value.into(),
            drive: None,
            complete_access: false,
            verify: false,
            on_error: OnError::default(),
        }
    }

    /// What it writes by SoE; `None` where it names an object.
    ///
    /// # Errors
    /// The key that is wrong, and why.
    #[must_use]
    pub fn idn_write(&self) -> Option<Result<IdnWrite, (&'static str, String)>> {
        let named = self.object.get(..2).is_some_and(|start| matches!(start, "S-" | "P-" | "s-" | "p-"));
        named.then(|| self.as_idn())
    }

    fn as_idn(&self) -> Result<IdnWrite, (&'static str, String)> {
        let idn = self.object.parse().map_err(|error| ("object", format!("`{}` is {error}", self.object)))?;
        if self.complete_access {
            return Err(("complete_access", "an IDN has no subindexes".to_owned()));
        }
        let drive = self.drive.unwrap_or(0);
        if drive > LAST_DRIVE {
            return Err(("drive", format!("{drive}: a SubDevice has drives 0 to {LAST_DRIVE}")));
        }
        let value = match self.data_type.as_deref() {
            None => idn_value(&self.value),
            Some("string") => self.text().map(IdnValue::Text),
            Some(_) => self.bytes().map(IdnValue::Bytes),
        };
        Ok(IdnWrite { drive, idn, value: value.map_err(|why| (self.wrong_key(), why))? })
    }

    /// The key that is wrong where there are no bytes: the data type where there is none of that name.
    fn wrong_key(&self) -> &'static str {
        match self.data_type.as_deref() {
            Some(name) if name != "string" && name.parse::<DataType>().is_err() => "data_type",
            _ => "value",
        }
    }

    fn text(&self) -> Result<String, String> {
        self.value.as_str().map(str::to_owned).ok_or_else(|| "it is no text".to_owned())
    }

    /// What it writes.
    ///
    /// # Errors
    /// The key that is wrong, and why.
    pub fn write(&self) -> Result<ObjectWrite, (&'static str, String)> {
        let (index, subindex) = self.place().map_err(|why| ("object", why))?;
        if self.drive.is_some() {
            return Err(("drive", "it is for an IDN, such as S-0-0015".to_owned()));
        }
        let data = self.bytes().map_err(|why| (self.wrong_key(), why))?;
        Ok(ObjectWrite { index, subindex, data })
    }

    fn place(&self) -> Result<(u16, u8), String> {
        let wrong =
            || format!("`{}` is no index and subindex, such as 0x8010:01, and no IDN, such as S-0-0015", self.object);
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
            Some("string") => self.text().map(String::into_bytes),
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
            serde_json::Value::Number(value) => number(value)?,
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

/// A value whose bytes the drive's own attribute says.
fn idn_value(value: &serde_json::Value) -> Result<IdnValue, String> {
    Ok(match value {
        serde_json::Value::Number(value) => IdnValue::Number(number(value)?),
        serde_json::Value::String(text) => IdnValue::Text(text.clone()),
        serde_json::Value::Array(items) => {
            let single = |item: &serde_json::Value| match item {
                serde_json::Value::Array(_) => Err("an item of a list is no list".to_owned()),
                item => idn_value(item),
            };
            IdnValue::List(items.iter().map(single).collect::<Result<_, _>>()?)
        }
        other => return Err(format!("{other} is no value of an IDN: give a number, a text, or a list of them")),
    })
}

fn number(number: &serde_json::Number) -> Result<Value, String> {
    let whole = number.as_i64().map(Value::Int).or_else(|| number.as_u64().map(Value::Uint));
    whole.or_else(|| number.as_f64().map(Value::Float64)).ok_or_else(|| format!("{number} is no number here"))
}

impl Transition {
    /// As a rig file has it: `PS`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::InitToPreOp => "IP",
            Self::PreOpToSafeOp => "PS",
            Self::SafeOpToOp => "SO",
            Self::OpToSafeOp => "OS",
            Self::SafeOpToPreOp => "SP",
            Self::PreOpToInit => "PI",
        }
    }

    /// Whether it leads to a higher state.
    #[must_use]
    pub const fn is_upward(self) -> bool {
        matches!(self, Self::InitToPreOp | Self::PreOpToSafeOp | Self::SafeOpToOp)
    }
}

/// Last drive that a SubDevice can have: SoE has 3 bits for its number.
const LAST_DRIVE: u8 = 7;

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
        assert!(data(Some("colour"), json!(1)).unwrap_err().starts_with("data_type: `colour` is no data type"));
        let object =
            |object| command(object, Some("uint8"), json!(1)).write().map(|write| (write.index, write.subindex));
        assert_eq!(object("0x8010:11"), Ok((0x8010, 0x11)));
        assert_eq!(object("0x6060"), Ok((0x6060, 0)));
        assert_eq!(object("8010:01").unwrap_err().0, "object");
        assert_eq!(object("S-0-0015").unwrap_err().0, "object");
    }

    fn idn(command: serde_json::Value) -> Option<Result<IdnWrite, (&'static str, String)>> {
        serde_json::from_value::<StartupCommand>(command).unwrap().idn_write()
    }

    #[test]
    fn an_idn_has_a_value_for_the_drive_to_say_its_bytes() {
        let of = |value| idn(json!({ "transition": "PS", "object": "P-0-0053", "drive": 1, "value": value })).unwrap();
        let value = |value| of(value).map(|write| (write.drive, write.idn.to_string(), write.value));
        let named = |value| Ok((1, "P-0-0053".to_owned(), value));
        assert_eq!(value(json!(7)), named(IdnValue::Number(Value::Int(7))));
        assert_eq!(value(json!("0700")), named(IdnValue::Text("0700".into())));
        let list = IdnValue::List(vec![IdnValue::Text("S-0-0051".into()), IdnValue::Number(Value::Int(40))]);
        assert_eq!(value(json!(["S-0-0051", 40])), named(list));
        let typed = json!({ "transition": "PS", "object": "s-0-1", "data_type": "uint16", "value": 2 });
        assert_eq!(idn(typed).unwrap().unwrap().value, IdnValue::Bytes(vec![2, 0]));
        assert_eq!(idn(json!({ "transition": "PS", "object": "0x8010:01", "value": "00" })), None);
    }

    #[test]
    fn an_idn_that_is_none_and_keys_that_are_not_for_it_are_refused() {
        let key = |command| idn(command).unwrap().unwrap_err().0;
        assert_eq!(key(json!({ "transition": "PS", "object": "S-9-0001", "value": 1 })), "object");
        assert_eq!(key(json!({ "transition": "PS", "object": "S-0-0001", "drive": 8, "value": 1 })), "drive");
        assert_eq!(key(json!({ "transition": "PS", "object": "S-0-0001", "value": [[1]] })), "value");
        assert_eq!(key(json!({ "transition": "PS", "object": "S-0-0001", "value": true })), "value");
        let complete = json!({ "transition": "PS", "object": "S-0-0001", "value": 1, "complete_access": true });
        assert_eq!(key(complete), "complete_access");
        let command: StartupCommand =
            serde_json::from_value(json!({ "transition": "PS", "object": "0x8010", "drive": 1, "value": "00" }))
                .unwrap();
        assert_eq!(command.write().unwrap_err().0, "drive");
    }
}
