//! The formats, byte for byte.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, BinaryViewArray, BooleanArray, Date32Array, Float64Array, Int64Array, RecordBatch, StringViewArray,
    TimestampMicrosecondArray,
};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use super::fixture::logs;
use super::{Encoder, Format, QueryError, TableText};

/// Two rows with something awkward in every cell.
fn awkward() -> RecordBatch {
    let column = |array: ArrayRef| array;
    RecordBatch::try_from_iter([
        ("at", column(Arc::new(TimestampMicrosecondArray::from(vec![Some(1_795_305_600_000_001), None]).with_timezone("UTC")))),
        ("day", Arc::new(Date32Array::from(vec![20_779, 0]))),
        ("text", Arc::new(StringViewArray::from(vec!["=1+2,\"x\"\n\u{1b}[31mred", ""]))),
        ("text", Arc::new(StringViewArray::from(vec![Some("-5"), None]))),
        ("number", Arc::new(Int64Array::from(vec![i64::MIN, -5]))),
        ("float", Arc::new(Float64Array::from(vec![f64::NAN, 1.5]))),
        ("flag", Arc::new(BooleanArray::from(vec![true, false]))),
        ("raw", Arc::new(BinaryViewArray::from(vec![b"a\\\xff" as &[u8], b""]))),
    ])
    .unwrap()
}

fn encoded(format: Format, batches: &[RecordBatch]) -> Vec<u8> {
    let mut encoder = Encoder::new(format, &batches[0].schema()).unwrap();
    let mut out = Vec::new();
    for batch in batches {
        out.extend_from_slice(&encoder.encode(batch).unwrap());
    }
    out.extend_from_slice(&encoder.finish().unwrap());
    out
}

fn text(format: Format) -> String {
    String::from_utf8(encoded(format, &[awkward()])).unwrap()
}

#[test]
fn json_is_one_document() {
    let expected = concat!(
        r#"{"columns":[{"name":"at","type":"timestamp"},{"name":"day","type":"date"},{"name":"text","type":"text"},"#,
        r#"{"name":"text_2","type":"text"},{"name":"number","type":"integer"},{"name":"float","type":"float"},"#,
        r#"{"name":"flag","type":"boolean"},{"name":"raw","type":"binary"}],"rows":["#,
        r#"{"at":"2026-11-22T00:00:00.000001Z","day":"2026-11-22","text":"=1+2,\"x\"\n\u001b[31mred","text_2":"-5","#,
        r#""number":-9223372036854775808,"float":null,"flag":true,"raw":"a\\\\\\xff"},"#,
        r#"{"at":null,"day":"1970-01-01","text":"","text_2":null,"number":-5,"float":1.5,"flag":false,"raw":""}]}"#,
        "\n"
    );
    assert_eq!(text(Format::Json), expected);
    serde_json::from_str::<serde_json::Value>(&text(Format::Json)).unwrap();
}

#[test]
fn json_of_several_batches_and_of_none_parses() {
    let parse = |bytes: &[u8]| serde_json::from_slice::<serde_json::Value>(bytes).unwrap();
    assert_eq!(parse(&encoded(Format::Json, &[awkward(), awkward()]))["rows"].as_array().unwrap().len(), 4);
    assert_eq!(parse(&encoded(Format::Json, &[awkward().slice(0, 0)]))["rows"].as_array().unwrap().len(), 0);
    let finished = Encoder::new(Format::Json, &awkward().schema()).unwrap().finish().unwrap();
    assert_eq!(parse(&finished)["columns"].as_array().unwrap().len(), 8);
}

#[test]
fn maps_are_objects() {
    let row = serde_json::from_slice::<serde_json::Value>(&encoded(Format::Ndjson, &[logs(0, 7..8)])).unwrap();
    assert_eq!(row["attributes"], serde_json::json!({ "user": "user-2", "n": "7" }));
    assert_eq!(row["raw"], r"raw \xff bytes");
}

#[test]
fn ndjson_is_a_row_a_line() {
    let lines = text(Format::Ndjson);
    assert_eq!(lines.lines().count(), 2);
    assert_eq!(
        lines.lines().last().unwrap(),
        r#"{"at":null,"day":"1970-01-01","text":"","text_2":null,"number":-5,"float":1.5,"flag":false,"raw":""}"#
    );
}

#[test]
fn csv_is_safe_to_open() {
    let expected = concat!(
        "at,day,text,text_2,number,float,flag,raw\r\n",
        "2026-11-22T00:00:00.000001Z,2026-11-22,\"'=1+2,\"\"x\"\"\n\u{1b}[31mred\",\"'-5\",-9223372036854775808,,true,a\\\\\\xff\r\n",
        ",1970-01-01,\"\",,-5,1.5,false,\"\"\r\n"
    );
    assert_eq!(text(Format::Csv), expected);
    for start in ["=", "+", "-", "@", "\t", "\r"] {
        let cell: ArrayRef = Arc::new(StringViewArray::from(vec![format!("{start}cmd")]));
        let csv = encoded(Format::Csv, &[RecordBatch::try_from_iter([("c", cell)]).unwrap()]);
        assert_eq!(String::from_utf8(csv).unwrap(), format!("c\r\n\"'{start}cmd\"\r\n"));
    }
}

#[test]
fn columnar_formats_read_back() {
    let batches = [awkward(), awkward()];
    let arrow = encoded(Format::Arrow, &batches);
    let read: Vec<_> = arrow::ipc::reader::StreamReader::try_new(&arrow[..], None).unwrap().map(Result::unwrap).collect();
    assert_eq!(read.len(), 2);
    assert_eq!(read[1].columns(), awkward().columns());
    let parquet = bytes::Bytes::from(encoded(Format::Parquet, &batches));
    let reader = ParquetRecordBatchReaderBuilder::try_new(parquet).unwrap().build().unwrap();
    let read: Vec<RecordBatch> = reader.map(Result::unwrap).collect();
    assert_eq!(read.iter().map(RecordBatch::num_rows).sum::<usize>(), 4);
    assert_eq!(read[0].schema().field(3).name(), "text_2");
    assert_eq!(read[0].column(4).slice(0, 2).to_data(), awkward().column(4).to_data());
}

#[test]
fn an_error_in_the_middle_can_be_told_from_an_end() {
    let error = QueryError::TimedOut { limit_ms: 5 };
    let broken = |format: Format| {
        let mut encoder = Encoder::new(format, &awkward().schema()).unwrap();
        let start = encoder.encode(&awkward()).unwrap().to_vec();
        Some((start, encoder.finish_with_error(&error)?.to_vec()))
    };
    let (mut json, end) = broken(Format::Json).unwrap();
    json.extend(end);
    let document: serde_json::Value = serde_json::from_slice(&json).unwrap();
    assert_eq!(document["error"]["kind"], "timed_out");
    assert_eq!(document["rows"].as_array().unwrap().len(), 2);
    let (_, line) = broken(Format::Ndjson).unwrap();
    let line: serde_json::Value = serde_json::from_slice(&line).unwrap();
    assert!(line["error"]["message"].as_str().unwrap().contains("5 ms"));
    assert!(broken(Format::Csv).is_none() && broken(Format::Arrow).is_none() && broken(Format::Parquet).is_none());
}

#[test]
fn the_terminal_gets_text_it_cannot_be_commanded_with() {
    let mut table = TableText::new(&awkward().schema(), Some(140));
    table.push(&awkward()).unwrap();
    let shown = table.finish();
    assert!(!shown.contains('\u{1b}') && shown.contains("=1+2,\"x\" [31mred"), "{shown}");
    assert!(shown.ends_with("2 rows\n"), "{shown}");
    assert!(shown.contains("┆                   -5 ┆"), "numbers stand right: {shown}");
}

#[test]
fn the_terminal_table_keeps_to_its_width_and_cuts_long_cells() {
    let long: ArrayRef = Arc::new(StringViewArray::from(vec!["word ".repeat(500), "short".to_owned()]));
    let batch = RecordBatch::try_from_iter([("message", long)]).unwrap();
    let mut table = TableText::new(&batch.schema(), Some(60));
    table.push(&batch).unwrap();
    let shown = table.finish();
    assert!(shown.lines().all(|line| line.chars().count() <= 60), "{shown}");
    assert!(shown.contains('…') && shown.lines().count() < 12, "{shown}");
}

#[test]
fn formats_have_names() {
    for format in Format::ALL {
        assert_eq!(format.name().parse::<Format>().unwrap(), format);
    }
    assert!("xml".parse::<Format>().unwrap_err().contains("json, ndjson, csv, arrow, parquet"));
}
