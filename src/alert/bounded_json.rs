//! JSON of any shape, of which only so much is kept.

use std::cell::Cell;
use std::fmt;

use serde::de::{Deserialize, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

/// Values kept, however they are nested. A value takes some hundred bytes, so that an event of half a megabyte of commas stays
/// at a few megabytes: whoever sends events need not be known yet when they are read.
const MAX_VALUES: usize = 10_000;

/// A value of which the first [`MAX_VALUES`] parts are kept; what comes after them is read over.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct BoundedJson(pub(super) Value);

impl<'de> Deserialize<'de> for BoundedJson {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Part(&Cell::new(MAX_VALUES)).deserialize(deserializer).map(Self)
    }
}

/// One value, and how many may still be kept.
#[derive(Clone, Copy)]
struct Part<'a>(&'a Cell<usize>);

impl Part<'_> {
    /// Whether one more value may be kept.
    fn takes_one(self) -> bool {
        let left = self.0.get();
        self.0.set(left.saturating_sub(1));
        left > 0
    }
}

impl<'de> DeserializeSeed<'de> for Part<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Part<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
        let mut kept = Vec::new();
        while self.takes_one() {
            let Some(value) = list.next_element_seed(self)? else { return Ok(kept.into()) };
            kept.push(value);
        }
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(kept.into())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut kept = Map::new();
        while self.takes_one() {
            let Some(name) = map.next_key::<String>()? else { return Ok(kept.into()) };
            let value = map.next_value_seed(self)?;
            kept.insert(name, value);
        }
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(kept.into())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(text: &str) -> Value {
        serde_json::from_str::<BoundedJson>(text).unwrap().0
    }

    #[test]
    fn what_is_small_comes_through() {
        for text in ["null", "7", "-7", "1.5", r#""a""#, "[]", "{}", r#"{"a":[1,{"b":null}],"c":"d"}"#] {
            assert_eq!(read(text).to_string(), text);
        }
    }

    #[test]
    fn what_is_large_is_cut_and_what_follows_it_is_found() {
        let text = format!(r#"{{"first":1,"list":[{}0],"last":2}}"#, "0,".repeat(50_000));
        let value = read(&text);
        assert_eq!((value["first"].as_i64(), value.get("last")), (Some(1), None));
        assert_eq!(value["list"].as_array().unwrap().len(), MAX_VALUES - 2, "the two names before count too");
        assert!(serde_json::from_str::<BoundedJson>(&"[".repeat(100_000)).is_err(), "the reader's own limit on depth");
        let deep = format!("{}{}", "[".repeat(100), "]".repeat(100));
        assert_eq!(read(&deep).to_string(), deep);
    }

    proptest! {
        #[test]
        fn lists_of_any_sizes_are_kept_as_far_as_they_go(sizes in prop::collection::vec(0_usize..5_000, 0..8)) {
            let lists: Vec<String> = sizes.iter().map(|size| format!("[{}]", vec!["0"; *size].join(","))).collect();
            let value = read(&format!("[{}]", lists.join(",")));
            let kept: usize = value.as_array().unwrap().iter().map(|list| 1 + list.as_array().unwrap().len()).sum();
            let all: usize = sizes.iter().map(|size| 1 + size).sum();
            prop_assert!(kept <= MAX_VALUES.min(all));
            // Looking for the end of a list takes one, too.
            prop_assert!(all + sizes.len() >= MAX_VALUES || kept == all);
        }
    }
}
