//! Types from the tree: a serde deserializer whose errors keep path and place.

use crate::error::TextError;
use crate::fault::Fault;
use crate::found::Found;
use crate::hints::Hints;
use crate::node::{Key, Kind, Node};
use crate::words::list;
use serde::de::value::BorrowedStrDeserializer;
use serde::de::{DeserializeSeed, Deserializer, EnumAccess, Error, MapAccess, SeqAccess, VariantAccess, Visitor};
use serde::{Deserialize, forward_to_deserialize_any};
use std::rc::Rc;

/// Reads a type.
pub(crate) fn read<'de, T: Deserialize<'de>>(root: &'de Node, hints: &Hints) -> Result<T, TextError> {
    T::deserialize(Reader(root)).map_err(|fault| fault.told(hints))
}

/// A node that is read.
struct Reader<'de>(&'de Node);

impl<'de> Reader<'de> {
    /// What the node is, whatever the type asked for.
    fn plainly<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match &self.0.kind {
            Kind::Null => visitor.visit_unit(),
            Kind::Bool(bool) => visitor.visit_bool(*bool),
            Kind::Unsigned(number) => visitor.visit_u64(*number),
            Kind::Signed(number) => visitor.visit_i64(*number),
            Kind::Float(number) => visitor.visit_f64(*number),
            Kind::Text(text) => visitor.visit_borrowed_str(text),
            Kind::List(items) => visitor.visit_seq(Items { items: items.iter().enumerate() }),
            Kind::Object(entries) => visitor.visit_map(Entries { entries: entries.iter(), value: None }),
        }
    }

    /// A value of one of these words, or an object that names one by its key.
    fn choice<V: Visitor<'de>>(self, known: &'static [&'static str], visitor: V) -> Result<V::Value, Fault> {
        match &self.0.kind {
            Kind::Text(word) => visitor.visit_enum(Choice { word, at: self.0, value: None }),
            Kind::Object(entries) => match entries.as_slice() {
                [(key, value)] => visitor.visit_enum(Choice { word: &key.name, at: self.0, value: Some(value) }),
                _ => Err(Fault::custom(format!("one of the keys {} belongs here, and no other", list(known)))),
            },
            kind => Err(Fault::kind(Found::of(kind), &format!("one of {}", list(known)))),
        }
    }

    fn object(&self, expected: &str) -> Result<(), Fault> {
        match &self.0.kind {
            Kind::Object(_) => Ok(()),
            kind => Err(Fault::kind(Found::of(kind), expected)),
        }
    }
}

impl<'de> Deserializer<'de> for Reader<'de> {
    type Error = Fault;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        let at = self.0.at;
        self.plainly(visitor).map_err(|fault| fault.at(at))
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match (&self.0.kind, &self.0.plain) {
            (Kind::Null, _) | (_, None) => self.deserialize_any(visitor),
            (_, Some(plain)) => visitor.visit_borrowed_str(plain).map_err(|fault: Fault| fault.at(self.0.at)),
        }
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.deserialize_str(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        let at = self.0.at;
        let read = if matches!(self.0.kind, Kind::Null) { visitor.visit_none() } else { visitor.visit_some(self) };
        read.map_err(|fault: Fault| fault.at(at))
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Fault> {
        let at = self.0.at;
        visitor.visit_newtype_struct(self).map_err(|fault: Fault| fault.at(at))
    }

    /// A list is no struct, although derived ones take lists.
    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        self.object("a map").map_err(|fault| fault.at(self.0.at))?;
        self.deserialize_any(visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        known: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        let at = self.0.at;
        self.choice(known, visitor).map_err(|fault| fault.at(at))
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_unit()
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char bytes byte_buf unit unit_struct seq tuple tuple_struct
        map identifier
    }
}

struct Items<'de> {
    items: std::iter::Enumerate<std::slice::Iter<'de, Rc<Node>>>,
}

impl<'de> SeqAccess<'de> for Items<'de> {
    type Error = Fault;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Fault> {
        let Some((index, item)) = self.items.next() else { return Ok(None) };
        seed.deserialize(Reader(item)).map(Some).map_err(|fault| fault.at(item.at).below_item(index))
    }
}

struct Entries<'de> {
    entries: std::slice::Iter<'de, (Key, Rc<Node>)>,
    value: Option<&'de (Key, Rc<Node>)>,
}

impl<'de> MapAccess<'de> for Entries<'de> {
    type Error = Fault;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Fault> {
        let Some(entry) = self.entries.next() else { return Ok(None) };
        self.value = Some(entry);
        let key = &entry.0;
        seed.deserialize(BorrowedStrDeserializer::new(&key.name)).map(Some).map_err(|fault: Fault| fault.at(key.at))
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Fault> {
        let Some((key, value)) = self.value.take() else { return Err(Fault::custom("a value without a key")) };
        seed.deserialize(Reader(value)).map_err(|fault| fault.at(value.at).below_key(&key.name))
    }
}

/// A word, alone or as the only key of an object.
struct Choice<'de> {
    word: &'de str,
    at: &'de Node,
    value: Option<&'de Node>,
}

impl<'de> EnumAccess<'de> for Choice<'de> {
    type Error = Fault;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Self), Fault> {
        Ok((seed.deserialize(BorrowedStrDeserializer::<Fault>::new(self.word))?, self))
    }
}

impl<'de> Choice<'de> {
    fn content(&self) -> Result<Reader<'de>, Fault> {
        let missing = || Fault::custom(format!("`{}` needs a value: {{ \"{}\": … }}", self.word, self.word));
        self.value.map(Reader).ok_or_else(|| missing().at(self.at.at))
    }
}

impl<'de> VariantAccess<'de> for Choice<'de> {
    type Error = Fault;

    fn unit_variant(self) -> Result<(), Fault> {
        match self.value {
            None => Ok(()),
            Some(value) => {
                let what = format!("`{}` takes no value; write it alone, as \"{}\"", self.word, self.word);
                Err(Fault::custom(what).at(value.at))
            }
        }
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Fault> {
        seed.deserialize(self.content()?).map_err(|fault| fault.below_key(self.word))
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Fault> {
        self.content()?.deserialize_seq(visitor).map_err(|fault| fault.below_key(self.word))
    }

    fn struct_variant<V: Visitor<'de>>(self, fields: &'static [&'static str], visitor: V) -> Result<V::Value, Fault> {
        self.content()?.deserialize_struct("", fields, visitor).map_err(|fault| fault.below_key(self.word))
    }
}
