//! Builder of one text or binary column made of views.

use std::sync::Arc;

use arrow::array::{ArrayRef, BinaryViewArray, StringViewArray, new_null_array};
use arrow::buffer::{Buffer, NullBuffer, ScalarBuffer};
use arrow::datatypes::DataType;
use arrow::error::ArrowError;

/// Text up to this length stands in the view itself.
const INLINE: usize = 12;

/// An arena is closed at this size: offsets within a buffer are 32-bit, and some readers take them as signed.
const ARENA_LIMIT: usize = 1 << 30;

/// Longest value of a column. Longer ones are cut by [`fit`]; frames are far smaller, so this only guards the format.
pub(super) const VALUE_LIMIT: usize = 1 << 28;

/// A 16-byte Arrow view: length, first four bytes, buffer, offset; or length and up to twelve bytes.
pub(super) type View = u128;

/// Views and the buffers they point into. Most columns are all text or all null, so neither views nor validity are
/// written before the first row that needs them.
#[derive(Debug, Default)]
pub(super) struct TextColumn {
    views: Vec<View>,
    /// Nulls before the first text, while there are no `views`.
    leading_nulls: usize,
    capacity: usize,
    /// The registered blocks in use and the closed arenas.
    buffers: Vec<Buffer>,
    /// Bytes of the closed arenas and the open one.
    copied_bytes: usize,
    /// Copied text; its place in `buffers` is `arena_slot`, kept by an empty buffer until it is closed.
    arena: Vec<u8>,
    arena_slot: Option<u32>,
    /// The place of the current block in `buffers`, once the column has used it.
    block_slot: Option<u32>,
    valid: Option<Vec<bool>>,
}

/// The block that the current records borrow from.
#[derive(Debug, Clone, Default)]
pub(super) struct Block {
    buffer: Option<Buffer>,
}

impl Block {
    /// Registers a block; one too large for 32-bit offsets is not borrowed from (its text is copied).
    pub(super) fn new(data: &bytes::Bytes) -> Self {
        let borrowable = !data.is_empty() && i32::try_from(data.len()).is_ok();
        Self { buffer: borrowable.then(|| Buffer::from(data.clone())) }
    }

    /// The block and the place of `text` in it, if `text` stands there and is too long to stand in its view.
    fn find(&self, text: &[u8]) -> Option<(&Buffer, u32)> {
        let buffer = self.buffer.as_ref().filter(|_| text.len() > INLINE)?;
        let start = (text.as_ptr() as usize).checked_sub(buffer.as_ptr() as usize)?;
        (start + text.len() <= buffer.len()).then_some((buffer, start as u32))
    }
}

/// `text` cut to what a column can hold, at a character boundary.
pub(super) fn fit(text: &str) -> &str {
    if text.len() <= VALUE_LIMIT {
        return text;
    }
    &text[..text.floor_char_boundary(VALUE_LIMIT)]
}

/// At most [`INLINE`] bytes as a view. Two overlapping words cover any length: a copy of variable length would be a call,
/// five times a line.
fn inline_view(text: &[u8]) -> View {
    let length = text.len();
    let bytes = match (text.first_chunk::<8>(), text.first_chunk::<4>(), text.last_chunk::<4>()) {
        (Some(head), _, Some(tail)) => View::from(u64::from_le_bytes(*head)) | View::from(u32::from_le_bytes(*tail)) << (8 * (length - 4)),
        (None, Some(head), Some(tail)) => {
            View::from(u32::from_le_bytes(*head)) | View::from(u32::from_le_bytes(*tail)) << (8 * (length - 4))
        }
        _ => text.iter().rev().fold(0, |view, byte| view << 8 | View::from(*byte)),
    };
    length as View | bytes << 32
}

fn long_view(text: &[u8], slot: u32, offset: u32) -> View {
    let prefix = u32::from_le_bytes([text[0], text[1], text[2], text[3]]);
    text.len() as View | View::from(prefix) << 32 | View::from(slot) << 64 | View::from(offset) << 96
}

impl TextColumn {
    pub(super) fn with_capacity(rows: usize) -> Self {
        Self { capacity: rows, ..Self::default() }
    }

    /// Forgets the current block: the next text that borrows from the new one registers it.
    pub(super) fn leave_block(&mut self) {
        self.block_slot = None;
    }

    /// The view of `text`, which must be at most [`VALUE_LIMIT`] long: in the block if it stands there, else copied.
    pub(super) fn view(&mut self, text: &[u8], block: &Block) -> View {
        if text.len() <= INLINE {
            return inline_view(text);
        }
        match block.find(text) {
            Some((buffer, offset)) => {
                let slot = *self.block_slot.get_or_insert_with(|| {
                    self.buffers.push(buffer.clone());
                    (self.buffers.len() - 1) as u32
                });
                long_view(text, slot, offset)
            }
            None => self.copy(text),
        }
    }

    fn copy(&mut self, text: &[u8]) -> View {
        if self.arena.len() + text.len() > ARENA_LIMIT {
            self.close_arena();
        }
        let slot = *self.arena_slot.get_or_insert_with(|| {
            self.buffers.push(Buffer::default());
            (self.buffers.len() - 1) as u32
        });
        let offset = self.arena.len() as u32;
        self.arena.extend_from_slice(text);
        self.copied_bytes += text.len();
        long_view(text, slot, offset)
    }

    fn close_arena(&mut self) {
        if let Some(slot) = self.arena_slot.take() {
            let mut arena = std::mem::take(&mut self.arena);
            // The batch may wait in memory for minutes; spare capacity would wait with it.
            arena.shrink_to_fit();
            self.buffers[slot as usize] = Buffer::from_vec(arena);
        }
    }

    pub(super) fn push_view(&mut self, view: View) {
        if self.views.is_empty() {
            self.start_views();
        }
        self.views.push(view);
        if let Some(valid) = &mut self.valid {
            valid.push(true);
        }
    }

    fn start_views(&mut self) {
        let nulls = std::mem::take(&mut self.leading_nulls);
        self.views.reserve(self.capacity.max(nulls + 1));
        self.views.resize(nulls, 0);
        if nulls > 0 {
            self.valid = Some(vec![false; nulls]);
        }
    }

    pub(super) fn push_null(&mut self) {
        if self.views.is_empty() {
            self.leading_nulls += 1;
            return;
        }
        let rows = self.views.len();
        self.valid.get_or_insert_with(|| vec![true; rows]).push(false);
        self.views.push(0);
    }

    pub(super) fn push(&mut self, text: Option<&[u8]>, block: &Block) {
        match text {
            Some(text) => {
                let view = self.view(text, block);
                self.push_view(view);
            }
            None => self.push_null(),
        }
    }

    /// Bytes of the views and of copied text; blocks are shared among columns and counted by their owner.
    pub(super) fn byte_size(&self) -> usize {
        self.views.len() * size_of::<View>() + self.copied_bytes
    }

    /// The column, as `Utf8View` or `BinaryView`; the builder is empty afterwards.
    pub(super) fn finish(&mut self, data_type: &DataType) -> Result<ArrayRef, ArrowError> {
        self.close_arena();
        let column = std::mem::take(self);
        if column.views.is_empty() {
            return Ok(new_null_array(data_type, column.leading_nulls));
        }
        let views = ScalarBuffer::from(column.views);
        let nulls = column.valid.map(NullBuffer::from);
        let buffers: Arc<[Buffer]> = column.buffers.into();
        Ok(match data_type {
            DataType::BinaryView => Arc::new(BinaryViewArray::try_new(views, buffers, nulls)?),
            _ => Arc::new(StringViewArray::try_new(views, buffers, nulls)?),
        })
    }
}

/// Rows of a finished column, for the tests of this room.
#[cfg(test)]
pub(super) fn texts(column: &dyn arrow::array::Array) -> Vec<Option<&str>> {
    use arrow::array::AsArray;
    column.as_string_view().iter().collect()
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    #[test]
    fn borrowed_text_is_not_copied_and_other_text_is() {
        let data = Bytes::from_static(b"a line that is longer than twelve bytes and a short one");
        let block = Block::new(&data);
        let mut column = TextColumn::default();
        column.push(Some(&data[0..38]), &block);
        column.push(Some(&data[46..51]), &block);
        column.push(None, &block);
        column.push(Some("text from somewhere else".as_bytes()), &block);
        assert_eq!(column.byte_size(), 4 * 16 + 24, "only the foreign text is copied");
        let array = column.finish(&DataType::Utf8View).unwrap();
        assert_eq!(texts(&array), [Some("a line that is longer than twelve byte"), Some("short"), None, Some("text from somewhere else")]);
        assert_eq!(column.byte_size(), 0);
    }

    #[test]
    fn short_text_of_every_length_stands_in_the_view() {
        let text = "abcdefghijklm";
        let mut column = TextColumn::default();
        for length in 0..=13 {
            column.push(Some(&text.as_bytes()[..length]), &Block::default());
        }
        let array = column.finish(&DataType::Utf8View).unwrap();
        let found = texts(&array);
        assert!((0..=13).all(|length| found[length] == Some(&text[..length])));
    }

    #[test]
    fn nulls_before_the_first_text_keep_their_places() {
        let none = Block::default();
        let mut column = TextColumn::with_capacity(4);
        for text in [None, None, Some("a"), None, Some("b")] {
            column.push(text.map(str::as_bytes), &none);
        }
        assert_eq!(texts(&column.finish(&DataType::Utf8View).unwrap()), [None, None, Some("a"), None, Some("b")]);
        column.push(None, &none);
        assert_eq!(texts(&column.finish(&DataType::Utf8View).unwrap()), [None]);
    }

    #[test]
    fn blocks_and_copies_alternate() {
        let blocks: Vec<Bytes> = (0..5).map(|n| Bytes::from(format!("block number {n} with enough text"))).collect();
        let mut column = TextColumn::default();
        for data in &blocks {
            let block = Block::new(data);
            column.leave_block();
            column.push(Some(data), &block);
            column.push(Some(format!("copied beside {}", data.len()).as_bytes()), &block);
        }
        let array = column.finish(&DataType::Utf8View).unwrap();
        assert_eq!(texts(&array)[8], Some("block number 4 with enough text"));
        assert_eq!(texts(&array)[9], Some("copied beside 31"));
        assert_eq!(array.to_data().buffers().len(), 1 + 6, "views, five blocks, one arena");
    }

    #[test]
    fn text_that_is_not_utf8_is_an_error_and_not_a_panic() {
        let mut column = TextColumn::default();
        column.push(Some(&[0xFF; 20]), &Block::default());
        assert!(column.finish(&DataType::Utf8View).is_err());
    }
}
