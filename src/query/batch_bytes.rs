//! How many bytes the values of a batch come to.
//!
//! Arrow's own sizes count whole buffers, which slices and string views share: a hundred rows cut out of a large batch
//! would each count the whole of it. Limits on results count what the reader gets.

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::DataType;

/// Bytes of all values: texts by their length, numbers by their width, a byte for each null or boolean.
pub(super) fn batch_bytes(batch: &RecordBatch) -> u64 {
    batch.columns().iter().map(|column| array_bytes(column.as_ref())).sum()
}

fn array_bytes(array: &dyn Array) -> u64 {
    let rows = array.len() as u64;
    match array.data_type() {
        DataType::Utf8 => ends(array.as_string::<i32>().value_offsets()) + rows,
        DataType::LargeUtf8 => ends(array.as_string::<i64>().value_offsets()) + rows,
        DataType::Binary => ends(array.as_binary::<i32>().value_offsets()) + rows,
        DataType::LargeBinary => ends(array.as_binary::<i64>().value_offsets()) + rows,
        // The low half of a view is the length of its value.
        DataType::Utf8View => array.as_string_view().views().iter().map(|view| u64::from(*view as u32)).sum::<u64>() + rows,
        DataType::BinaryView => array.as_binary_view().views().iter().map(|view| u64::from(*view as u32)).sum::<u64>() + rows,
        DataType::List(_) => {
            let list = array.as_list::<i32>();
            within(list.values().as_ref(), list.value_offsets()) + rows
        }
        DataType::LargeList(_) => {
            let list = array.as_list::<i64>();
            within(list.values().as_ref(), list.value_offsets()) + rows
        }
        DataType::Map(_, _) => {
            let map = array.as_map();
            within(map.entries(), map.value_offsets()) + rows
        }
        DataType::Struct(_) => array.as_struct().columns().iter().map(|column| array_bytes(column.as_ref())).sum(),
        DataType::Boolean | DataType::Null => rows,
        other => rows * other.primitive_width().unwrap_or(16) as u64,
    }
}

fn ends<O: Copy + TryInto<u64>>(offsets: &[O]) -> u64 {
    let at = |offset: Option<&O>| offset.and_then(|offset| (*offset).try_into().ok()).unwrap_or(0);
    at(offsets.last()).saturating_sub(at(offsets.first()))
}

fn within<O: Copy + TryInto<u64>>(values: &dyn Array, offsets: &[O]) -> u64 {
    let at = |offset: Option<&O>| offset.and_then(|offset| (*offset).try_into().ok()).unwrap_or(0) as usize;
    let (from, to) = (at(offsets.first()), at(offsets.last()));
    array_bytes(values.slice(from, to.saturating_sub(from)).as_ref())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, Int64Array, ListArray, StringArray, StringViewArray};
    use arrow::datatypes::Int32Type;

    use super::*;

    fn batch(column: ArrayRef) -> RecordBatch {
        RecordBatch::try_from_iter([("column", column)]).unwrap()
    }

    #[test]
    fn a_slice_counts_what_it_shows() {
        let texts: Vec<String> = (0..1_000).map(|_| "x".repeat(100)).collect();
        for column in [Arc::new(StringArray::from_iter_values(&texts)) as ArrayRef, Arc::new(StringViewArray::from_iter_values(&texts))] {
            let whole = batch(column);
            assert_eq!(batch_bytes(&whole), 101_000);
            assert_eq!(batch_bytes(&whole.slice(10, 5)), 505);
        }
    }

    #[test]
    fn numbers_and_lists_count_their_width() {
        assert_eq!(batch_bytes(&batch(Arc::new(Int64Array::from(vec![1, 2])))), 16);
        let lists = ListArray::from_iter_primitive::<Int32Type, _, _>([Some(vec![Some(1), Some(2)]), Some(vec![Some(3)])]);
        let lists = batch(Arc::new(lists));
        assert_eq!(batch_bytes(&lists), 14);
        assert_eq!(batch_bytes(&lists.slice(1, 1)), 5);
    }
}
