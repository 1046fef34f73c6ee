//! Fields of a message that are looked at one by one: whatever stands there is read, and what was expected is asked later, so
//! that the complaint names the field and the other alerts of the message are not lost.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::MAX_ALERTS;
use super::label_set::MAX_LABELS;
use crate::document::Complaint;

/// A field that should be text.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) enum Field {
    /// It is not there, or null.
    #[default]
    Absent,
    /// Text.
    Text(String),
    /// Something else.
    Other(&'static str),
}

impl Field {
    /// The text, if there is one.
    pub(super) fn text(self, field: impl FnOnce() -> String) -> Result<Option<String>, Complaint> {
        match self {
            Self::Absent => Ok(None),
            Self::Text(text) => Ok(Some(text)),
            Self::Other(what) => Err(Complaint::new(field(), format!("is {what}; send text"))),
        }
    }
}

/// A field that should be an object of texts.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) enum Pairs {
    /// It is not there, or null.
    #[default]
    Absent,
    /// Names and texts.
    Texts(BTreeMap<String, String>),
    /// One of its values is no text: its name, and what it is.
    OtherValue(String, &'static str),
    /// There are too many.
    TooMany,
    /// Something else.
    Other(&'static str),
}

impl Pairs {
    /// The texts; none, if the field is not there.
    pub(super) fn texts(self, field: impl Fn() -> String) -> Result<BTreeMap<String, String>, Complaint> {
        match self {
            Self::Absent => Ok(BTreeMap::new()),
            Self::Texts(texts) => Ok(texts),
            Self::OtherValue(name, what) => {
                let name: String = name.chars().filter(|character| !character.is_control()).take(60).collect();
                Err(Complaint::new(format!("{}.{name}", field()), format!("is {what}; send text")))
            }
            Self::TooMany => Err(Complaint::new(field(), format!("has more than {MAX_LABELS} entries; send fewer"))),
            Self::Other(what) => Err(Complaint::new(field(), format!("is {what}; send an object whose values are texts"))),
        }
    }
}

/// A list of which the first [`MAX_ALERTS`] entries are kept and the rest is counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Items<T> {
    pub(super) kept: Vec<T>,
    pub(super) beyond: usize,
}

impl<T> Default for Items<T> {
    fn default() -> Self {
        Self { kept: Vec::new(), beyond: 0 }
    }
}

impl<'de> Deserialize<'de> for Field {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(FieldVisitor)
    }
}

struct FieldVisitor;

impl<'de> Visitor<'de> for FieldVisitor {
    type Value = Field;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("text")
    }

    fn visit_str<E>(self, text: &str) -> Result<Field, E> {
        Ok(Field::Text(text.to_owned()))
    }

    fn visit_unit<E>(self) -> Result<Field, E> {
        Ok(Field::Absent)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Field, E> {
        Ok(Field::Other("true or false"))
    }

    fn visit_i64<E>(self, _: i64) -> Result<Field, E> {
        Ok(Field::Other("a number"))
    }

    fn visit_u64<E>(self, _: u64) -> Result<Field, E> {
        Ok(Field::Other("a number"))
    }

    fn visit_f64<E>(self, _: f64) -> Result<Field, E> {
        Ok(Field::Other("a number"))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Field, A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Field::Other("a list"))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Field, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Field::Other("an object"))
    }
}

impl<'de> Deserialize<'de> for Pairs {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(PairsVisitor)
    }
}

struct PairsVisitor;

impl<'de> Visitor<'de> for PairsVisitor {
    type Value = Pairs;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object whose values are texts")
    }

    fn visit_str<E>(self, _: &str) -> Result<Pairs, E> {
        Ok(Pairs::Other("text"))
    }

    fn visit_unit<E>(self) -> Result<Pairs, E> {
        Ok(Pairs::Absent)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Pairs, E> {
        Ok(Pairs::Other("true or false"))
    }

    fn visit_i64<E>(self, _: i64) -> Result<Pairs, E> {
        Ok(Pairs::Other("a number"))
    }

    fn visit_u64<E>(self, _: u64) -> Result<Pairs, E> {
        Ok(Pairs::Other("a number"))
    }

    fn visit_f64<E>(self, _: f64) -> Result<Pairs, E> {
        Ok(Pairs::Other("a number"))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Pairs, A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Pairs::Other("a list"))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Pairs, A::Error> {
        let (mut texts, mut wrong) = (BTreeMap::new(), None);
        // Whatever is wrong, the rest of the object is read over, so that what follows it is found.
        while let Some(name) = map.next_key::<String>()? {
            if wrong.is_some() {
                map.next_value::<IgnoredAny>()?;
                continue;
            }
            match map.next_value::<Field>()? {
                Field::Absent => {}
                Field::Other(what) => wrong = Some(Pairs::OtherValue(name, what)),
                Field::Text(_) if texts.len() >= MAX_LABELS && !texts.contains_key(&name) => wrong = Some(Pairs::TooMany),
                Field::Text(text) => {
                    texts.insert(name, text);
                }
            }
        }
        Ok(wrong.unwrap_or(Pairs::Texts(texts)))
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Items<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(ItemsVisitor(std::marker::PhantomData))
    }
}

struct ItemsVisitor<T>(std::marker::PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for ItemsVisitor<T> {
    type Value = Items<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Items<T>, A::Error> {
        let mut items = Items::default();
        while items.kept.len() < MAX_ALERTS {
            let Some(item) = list.next_element()? else { return Ok(items) };
            items.kept.push(item);
        }
        while list.next_element::<IgnoredAny>()?.is_some() {
            items.beyond += 1;
        }
        Ok(items)
    }
}
