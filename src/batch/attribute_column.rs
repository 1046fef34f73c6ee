//! Builder of a map column from text to text.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{ArrayRef, MapArray, StringArray, StructArray};
use arrow::buffer::{Buffer, NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow::datatypes::{DataType, Fields};
use arrow::error::ArrowError;

/// Keys or values of one batch hold at most this much text: Arrow's offsets are signed 32-bit numbers.
const TEXT_LIMIT: usize = i32::MAX as usize;

/// Rows with more entries than this find duplicate keys through a hash table instead of by comparing.
const SMALL_ROW: usize = 16;

/// Entries of all rows, one after the other.
#[derive(Debug)]
pub(super) struct AttributeColumn {
    keys: Texts,
    values: Texts,
    row_ends: Vec<i32>,
    /// Only for nullable columns: rows without entries are null.
    valid: Option<Vec<bool>>,
    /// The running row's keys, once it has more than [`SMALL_ROW`]: key to the number of times it came.
    seen: HashMap<Vec<u8>, u32>,
}

#[derive(Debug, Default)]
struct Texts {
    bytes: Vec<u8>,
    ends: Vec<i32>,
}

impl Texts {
    fn start(&self, entry: usize) -> usize {
        if entry == 0 { 0 } else { self.ends[entry - 1] as usize }
    }

    fn get(&self, entry: usize) -> &[u8] {
        &self.bytes[self.start(entry)..self.ends[entry] as usize]
    }

    fn close(&mut self) {
        self.ends.push(self.bytes.len() as i32);
    }

    fn finish(self) -> Result<StringArray, ArrowError> {
        StringArray::try_new(offsets(self.ends), Buffer::from_vec(self.bytes), None)
    }
}

fn offsets(mut ends: Vec<i32>) -> OffsetBuffer<i32> {
    ends.insert(0, 0);
    OffsetBuffer::new(ScalarBuffer::from(ends))
}

impl AttributeColumn {
    /// A column for `rows` rows, in which a row without entries is null if `nullable`, else an empty map.
    pub(super) fn with_capacity(rows: usize, nullable: bool) -> Self {
        Self {
            keys: Texts::default(),
            values: Texts::default(),
            row_ends: Vec::with_capacity(rows + 1),
            valid: nullable.then(|| Vec::with_capacity(rows)),
            seen: HashMap::new(),
        }
    }

    /// Whether the batch still has room for a row with this much text in keys and values together and `entries` entries.
    /// A number put behind a repeated key takes at most eleven bytes.
    pub(super) fn has_room(&self, text: usize, entries: usize) -> bool {
        let most = entries.saturating_mul(12).saturating_add(text);
        self.keys.bytes.len().max(self.values.bytes.len()).saturating_add(most) <= TEXT_LIMIT
    }

    /// Adds an entry to the running row. The key is `namespace.name`, or whichever of the two is not empty; the second
    /// entry with a key is called `key#2`, and so on.
    pub(super) fn entry(&mut self, namespace: &str, name: &str, value: &str) {
        let keys = &mut self.keys.bytes;
        keys.extend_from_slice(namespace.as_bytes());
        if !namespace.is_empty() && !name.is_empty() {
            keys.push(b'.');
        }
        keys.extend_from_slice(name.as_bytes());
        self.keys.close();
        self.make_key_unique();
        self.values.bytes.extend_from_slice(value.as_bytes());
        self.values.close();
    }

    fn row_start(&self) -> usize {
        self.row_ends.last().map_or(0, |end| *end as usize)
    }

    fn make_key_unique(&mut self) {
        let (start, last) = (self.row_start(), self.keys.ends.len() - 1);
        if self.seen.is_empty() && last - start < SMALL_ROW {
            let key = self.keys.get(last);
            if (start..last).all(|entry| self.keys.get(entry) != key) {
                return;
            }
        }
        if self.seen.is_empty() {
            for entry in start..last {
                self.seen.insert(self.keys.get(entry).to_vec(), 1);
            }
        }
        let key = self.keys.get(last).to_vec();
        let Some(&times) = self.seen.get(&key) else {
            self.seen.insert(key, 1);
            return;
        };
        let mut number = times;
        let unique = loop {
            number += 1;
            let candidate = [&key, format!("#{number}").as_bytes()].concat();
            if !self.seen.contains_key(&candidate) {
                break candidate;
            }
        };
        self.keys.ends.pop();
        let start = self.keys.start(last);
        self.keys.bytes.truncate(start);
        self.keys.bytes.extend_from_slice(&unique);
        self.keys.close();
        // The number is remembered, so a key repeated n times costs n steps and not n squared.
        self.seen.insert(key, number);
        self.seen.insert(unique, 1);
    }

    /// Ends the running row.
    pub(super) fn end_row(&mut self) {
        let entries = self.keys.ends.len();
        if let Some(valid) = &mut self.valid {
            let start = self.row_ends.last().map_or(0, |end| *end as usize);
            valid.push(entries > start);
        }
        // Entries are at least counted by `has_room`, which keeps them within an i32.
        self.row_ends.push(entries as i32);
        if !self.seen.is_empty() {
            self.seen.clear();
        }
    }

    /// Bytes held by the entries.
    pub(super) fn byte_size(&self) -> usize {
        self.keys.bytes.len() + self.values.bytes.len() + 8 * self.keys.ends.len() + 5 * self.row_ends.len()
    }

    /// The column with the layout of `map`, a [`DataType::Map`]; the builder is empty afterwards.
    pub(super) fn finish(&mut self, map: &DataType) -> Result<ArrayRef, ArrowError> {
        let column = std::mem::replace(self, Self::with_capacity(0, self.valid.is_some()));
        let DataType::Map(entry, sorted) = map else {
            return Err(ArrowError::SchemaError("the column of attributes is not a map".into()));
        };
        let fields: Fields = match entry.data_type() {
            DataType::Struct(fields) => fields.clone(),
            _ => return Err(ArrowError::SchemaError("the entries of the map are not structs".into())),
        };
        let entries = StructArray::try_new(fields, vec![Arc::new(column.keys.finish()?), Arc::new(column.values.finish()?)], None)?;
        let nulls = column.valid.map(NullBuffer::from).filter(|nulls| nulls.null_count() > 0);
        Ok(Arc::new(MapArray::try_new(entry.clone(), offsets(column.row_ends), entries, nulls, *sorted)?))
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::{Array, AsArray};

    use super::*;
    use crate::record::arrow_schema::text_map;

    fn keys(rows: &[&[(&str, &str)]]) -> Vec<Vec<String>> {
        let mut column = AttributeColumn::with_capacity(rows.len(), true);
        for row in rows {
            for (namespace, name) in *row {
                column.entry(namespace, name, "v");
            }
            column.end_row();
        }
        let array = column.finish(&text_map()).unwrap();
        let map = array.as_map();
        (0..map.len()).map(|row| map.value(row).column(0).as_string::<i32>().iter().flatten().map(String::from).collect()).collect()
    }

    #[test]
    fn keys_join_namespace_and_name() {
        assert_eq!(
            keys(&[&[("sd@1", "a"), ("", "b"), ("sd@2", "")], &[], &[("sd@1", "a")]]),
            [vec!["sd@1.a", "b", "sd@2"], vec![], vec!["sd@1.a"]]
        );
    }

    #[test]
    fn repeated_keys_are_numbered_and_never_collide() {
        assert_eq!(keys(&[&[("", "a"), ("", "a#2"), ("", "a"), ("", "a"), ("", "b")]]), [vec!["a", "a#2", "a#3", "a#4", "b"]]);
        assert_eq!(keys(&[&[("", "a"), ("", "a"), ("", "a#2")]]), [vec!["a", "a#2", "a#2#2"]]);
    }

    #[test]
    fn ten_thousand_equal_keys_stay_unique() {
        let row: Vec<(&str, &str)> = vec![("", "k"); 10_000];
        let found = keys(&[&row]);
        let distinct: std::collections::HashSet<&String> = found[0].iter().collect();
        assert_eq!(distinct.len(), 10_000);
        assert_eq!(found[0][9_999], "k#10000");
    }

    #[test]
    fn rows_without_entries_are_null_where_the_column_allows() {
        for (nullable, nulls) in [(true, 1), (false, 0)] {
            let mut column = AttributeColumn::with_capacity(2, nullable);
            column.entry("", "a", "1");
            column.end_row();
            column.end_row();
            assert_eq!(column.finish(&text_map()).unwrap().null_count(), nulls);
        }
    }
}
