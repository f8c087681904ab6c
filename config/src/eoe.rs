//! Ethernet of SubDevices with EoE: an interface of the host for one of them, or one switch for all; and the IP parameter of each.

#[cfg(feature = "schema")]
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, Error, MapAccess, Unexpected, Visitor};
use serde::ser::Serializer;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::net::Ipv4Addr;
use std::str::FromStr;
use std::time::Duration;

use crate::duration;
use crate::ip_address;
use crate::rig::{Rig, Slave};

/// What becomes of a SubDevice's EoE.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Eoe {
    /// A program may use it, and the network's switch.
    #[default]
    Allowed,
    /// It is off: what it sends is dropped.
    Off,
    /// It is used so.
    Set(Box<EoeSection>),
}

/// How a SubDevice's EoE is used.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct EoeSection {
    /// Network interface (TAP) that is made for it, such as `eoe0`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interface: Option<String>,
    /// IP address that it is given.
    #[serde(deserialize_with = "ip_address::optional", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>"))]
    pub ip: Option<Ipv4Addr>,
    /// Subnet mask that it is given.
    #[serde(deserialize_with = "ip_address::optional", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>"))]
    pub mask: Option<Ipv4Addr>,
    /// Default gateway that it is given.
    #[serde(deserialize_with = "ip_address::optional", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>"))]
    pub gateway: Option<Ipv4Addr>,
    /// DNS server that it is given.
    #[serde(deserialize_with = "ip_address::optional", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>"))]
    pub dns: Option<Ipv4Addr>,
    /// MAC address that it is given; by default one that is made of its position.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>"))]
    pub mac: Option<Mac>,
    /// DNS name that it is given, at most 32 bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

impl EoeSection {
    /// Whether it gives the SubDevice an IP parameter.
    #[must_use]
    pub const fn has_parameter(&self) -> bool {
        let Self { interface: _, ip, mask, gateway, dns, mac, name } = self;
        ip.is_some() || mask.is_some() || gateway.is_some() || dns.is_some() || mac.is_some() || name.is_some()
    }
}

/// The switch that connects all SubDevices with EoE.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct EoeSwitch {
    /// Network interface (TAP) that is made for it, such as `eoe`; null connects the SubDevices with each other alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interface: Option<String>,
    /// Time after which an address is forgotten that sends nothing.
    #[serde(with = "duration")]
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub age: Duration,
}

impl Default for EoeSwitch {
    fn default() -> Self {
        Self { interface: None, age: Duration::from_secs(300) }
    }
}

impl Rig {
    /// What becomes of the EoE of a slave.
    #[must_use]
    pub fn eoe_of(&self, key: &str) -> &Eoe {
        self.slaves.iter().find(|slave| slave.key == key).map_or(&Eoe::Allowed, |slave| &slave.eoe)
    }
}

impl Rig {
    /// Whether it asks for an interface of the host for EoE.
    #[must_use]
    pub fn wants_eoe_interfaces(&self) -> bool {
        let own = self.slaves.iter().filter_map(|slave| slave.eoe.section()?.interface.as_ref());
        let switch = self.network.eoe_switch.as_ref().and_then(|switch| switch.interface.as_ref());
        own.chain(switch).next().is_some()
    }

    /// What carries Ethernet of SubDevices, and whose is off, a sentence each; of those that are said to speak EoE, by their keys.
    #[must_use]
    pub fn ethernet_in_words(&self, speaks: impl Fn(&str) -> bool) -> Vec<String> {
        let switched = self.network.eoe_switch.is_some();
        let of = |slave: &Slave| match &slave.eoe {
            Eoe::Allowed => None,
            Eoe::Off => Some(format!("EoE of `{}` is off", slave.key)),
            Eoe::Set(section) => {
                let interface = section.interface.as_ref().map(|name| format!("interface {name}"));
                let address = section.ip.map(|ip| format!("address {ip}"));
                let switch = (switched && section.interface.is_none()).then(|| "on the switch".to_owned());
                let parts: Vec<_> = interface.into_iter().chain(address).chain(switch).collect();
                (!parts.is_empty()).then(|| format!("Ethernet of `{}`: {}", slave.key, parts.join(", ")))
            }
        };
        let switch = self.network.eoe_switch.as_ref().map(|switch| match &switch.interface {
            Some(name) => {
                format!("a switch among all with EoE but without an interface of their own, and interface {name}")
            }
            None => "a switch among all with EoE but without an interface of their own".to_owned(),
        });
        self.slaves.iter().filter(|slave| speaks(&slave.key)).filter_map(of).chain(switch).collect()
    }
}

impl Eoe {
    pub(crate) fn is_allowed(&self) -> bool {
        *self == Self::Allowed
    }

    /// What is set.
    #[must_use]
    pub fn section(&self) -> Option<&EoeSection> {
        if let Self::Set(section) = self { Some(section) } else { None }
    }
}

impl Serialize for Eoe {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Set(section) => section.serialize(serializer),
            other => serializer.serialize_bool(*other == Self::Allowed),
        }
    }
}

impl<'de> Deserialize<'de> for Eoe {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct SwitchOrObject;
        impl<'de> Visitor<'de> for SwitchOrObject {
            type Value = Eoe;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("true, false, or an object such as { \"interface\": \"eoe0\", \"ip\": \"192.168.5.10\" }")
            }

            fn visit_bool<E: Error>(self, on: bool) -> Result<Eoe, E> {
                Ok(if on { Eoe::Allowed } else { Eoe::Off })
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Eoe, A::Error> {
                Ok(Eoe::Set(Box::new(EoeSection::deserialize(MapAccessDeserializer::new(map))?)))
            }
        }
        deserializer.deserialize_any(SwitchOrObject)
    }
}

#[cfg(feature = "schema")]
impl JsonSchema for Eoe {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Eoe".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "Whether and how its EoE is used.",
            "oneOf": [{ "type": "boolean" }, generator.subschema_for::<EoeSection>()]
        })
    }
}

/// A MAC address of one station.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mac(pub [u8; 6]);

impl fmt::Display for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.map(|byte| format!("{byte:02x}")).join(":"))
    }
}

impl FromStr for Mac {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let byte = |part: &str| if part.len() == 2 { u8::from_str_radix(part, 16).map_err(drop) } else { Err(()) };
        let bytes: Vec<u8> = text.split([':', '-']).map(byte).collect::<Result<_, _>>()?;
        let mac: [u8; 6] = bytes.try_into().map_err(drop)?;
        // One of a group can't be a station's.
        if mac[0] & 1 == 0 && mac != [0; 6] { Ok(Self(mac)) } else { Err(()) }
    }
}

impl Serialize for Mac {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Mac {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl Visitor<'_> for Text {
            type Value = Mac;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the MAC address of a station, such as \"02:00:00:00:00:0a\"")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Mac, E> {
                text.parse().map_err(|()| E::invalid_value(Unexpected::Str(text), &self))
            }
        }
        deserializer.deserialize_str(Text)
    }
}
