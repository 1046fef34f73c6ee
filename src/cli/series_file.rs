//! A CSV file with one series: a header, and the columns `timestamp` and `value`. Cells are separated by what the header is: commas,
//! semicolons or tabs. A comma within a number is a decimal comma then.

use std::io::BufRead;

use anyhow::{Context as _, anyhow, bail};

/// Digits of a Unix time in seconds, milliseconds and microseconds; more are nanoseconds.
const SECONDS_BELOW: i64 = 100_000_000_000;

/// How files write that nothing was measured, in small letters.
const GAPS: [&str; 6] = ["", "nan", "null", "none", "na", "n/a"];

/// A row of the file, with its cells as they stand there.
#[derive(Debug)]
pub(super) struct Row {
    /// Where it stands in the file; the header is line 1.
    pub(super) line: usize,
    pub(super) timestamp: String,
    pub(super) text: String,
    pub(super) timestamp_s: i64,
    /// NaN where the cell is empty or no number.
    pub(super) value: f64,
}

/// Reads all rows, in the order of the file.
///
/// # Errors
/// Names the line, what stands in it and what to write instead.
pub(super) fn read(input: impl BufRead) -> anyhow::Result<Vec<Row>> {
    let mut lines = input.lines();
    let header = lines.next().context("it is empty; the first line names the columns timestamp and value")?.map_err(unreadable(1))?;
    let separator = separator_of(&header);
    let (at_time, at_value) = columns(&header, separator)?;
    let mut rows = Vec::new();
    for (index, line) in lines.enumerate() {
        let line = line.map_err(unreadable(index + 2))?;
        if line.trim().is_empty() {
            continue;
        }
        let cells: Vec<&str> = line.split(separator).map(|cell| cell.trim().trim_matches('"')).collect();
        let (Some(timestamp), Some(text)) = (cells.get(at_time), cells.get(at_value)) else {
            bail!("line {}: `{line}` has fewer columns than the header", index + 2);
        };
        let Some(timestamp_s) = seconds(timestamp) else {
            bail!("line {}: `{timestamp}` is no time; write 2026-11-22T08:00:00Z, 2026-11-22 08:00:00 or a Unix time", index + 2);
        };
        let text = if separator == ',' { (*text).to_owned() } else { text.replacen(',', ".", 1) };
        let value = text.parse().unwrap_or(f64::NAN);
        rows.push(Row { line: index + 2, timestamp: (*timestamp).to_owned(), text, timestamp_s, value });
    }
    Ok(rows)
}

/// Refuses a value that is no number and no gap either.
///
/// # Errors
/// Names the line, what stands in it and what to write instead.
pub(super) fn check(rows: &[Row]) -> anyhow::Result<()> {
    let is_no_number = |row: &&Row| row.value.is_nan() && !GAPS.contains(&row.text.to_lowercase().as_str());
    if let Some(row) = rows.iter().find(is_no_number) {
        bail!("line {}: `{}` is no number; leave the cell empty where nothing was measured", row.line, row.text);
    }
    Ok(())
}

/// What a person should know of a file whose rows do not simply go on: clocks are put back, and files are put together. Rows are taken in
/// the order of time, and of two for one moment the later one counts.
pub(super) fn remarks(rows: &[Row]) -> Vec<String> {
    let pairs = || rows.windows(2).filter_map(|pair| Some((pair.first()?, pair.last()?)));
    let back: Vec<_> = pairs().filter(|(before, row)| row.timestamp_s < before.timestamp_s).collect();
    let is_again = |before: &Row, row: &Row| row.timestamp_s == before.timestamp_s && row.value.to_bits() != before.value.to_bits();
    let again: Vec<_> = pairs().filter(|(before, row)| is_again(before, row)).collect();
    let mut remarks = Vec::new();
    if let Some((before, row)) = back.first() {
        let (count, line, earlier) = (back.len(), row.line, before.line);
        remarks.push(format!("{count} rows are earlier than the one before, first line {line} ({} after {} of line {earlier}); all are taken in the order of time", row.timestamp, before.timestamp));
    }
    if let Some((before, row)) = again.first() {
        let (count, line, earlier) = (again.len(), row.line, before.line);
        remarks.push(format!("{count} rows are of the same second as the one before with another value, first line {line} ({} after {} of line {earlier}); the later one counts", row.text, before.text));
    }
    remarks
}

/// Says where a file cannot be read, and what to do if it is in another character set.
fn unreadable(line: usize) -> impl Fn(std::io::Error) -> anyhow::Error {
    move |error| match error.kind() {
        std::io::ErrorKind::InvalidData => anyhow!("line {line}: it is no UTF-8; save the file as UTF-8"),
        _ => anyhow!("line {line}: {error}"),
    }
}

/// What separates the cells of a file with this header.
fn separator_of(header: &str) -> char {
    [',', ';', '\t'].into_iter().find(|separator| header.contains(*separator)).unwrap_or(',')
}

/// Where the columns stand: by name in any case of letters.
fn columns(header: &str, separator: char) -> anyhow::Result<(usize, usize)> {
    let names: Vec<String> = header.split(separator).map(|name| name.trim().trim_matches(['"', '\u{feff}']).to_lowercase()).collect();
    let place = |wanted: &[&str]| names.iter().position(|name| wanted.contains(&name.as_str()));
    match (place(&["timestamp", "time", "ts"]), place(&["value"])) {
        (Some(at_time), Some(at_value)) => Ok((at_time, at_value)),
        _ => bail!("the first line is `{header}`; it has to name the columns timestamp and value"),
    }
}

/// Unix seconds of a cell. A time without a zone is taken as UTC.
fn seconds(text: &str) -> Option<i64> {
    if let Ok(number) = text.parse::<f64>() {
        return number.is_finite().then(|| scaled(number as i64));
    }
    if let Ok(at) = text.parse::<jiff::Timestamp>() {
        return Some(at.as_second());
    }
    let local = text.parse::<jiff::civil::DateTime>().ok()?;
    Some(local.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp().as_second())
}

/// A Unix time in s, ms, µs or ns, told apart by its size.
fn scaled(number: i64) -> i64 {
    let mut number = number;
    while number.unsigned_abs() >= SECONDS_BELOW.unsigned_abs() {
        number /= 1_000;
    }
    number
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_in_many_forms_are_one_moment() {
        for text in [
            "1795334400",
            "1795334400.0",
            "1795334400000",
            "1795334400000000",
            "2026-11-22T08:00:00Z",
            "2026-11-22 08:00:00",
            "2026-11-22T09:00:00+01:00",
        ] {
            assert_eq!(seconds(text), Some(1_795_334_400), "{text}");
        }
        assert_eq!(seconds("yesterday"), None);
    }

    #[test]
    fn columns_are_found_by_name_and_faults_by_line() {
        let rows = read("\u{feff}\"Value\",TimeStamp,Label\n1.5,2026-11-22 08:00:00,0\n\n,2026-11-22 08:05:00,0\n".as_bytes()).unwrap();
        assert_eq!((rows.len(), rows[0].value), (2, 1.5));
        assert!(rows[1].value.is_nan());
        let error = |text: &str| format!("{:#}", read(text.as_bytes()).unwrap_err());
        assert!(error("a,b\n1,2\n").contains("timestamp and value"));
        assert!(error("timestamp,value\nsoon,2\n").contains("line 2: `soon` is no time"));
        assert!(error("timestamp,value\n\n5\n").contains("line 3: `5` has fewer columns"));
        assert!(error("").contains("empty"));
    }

    #[test]
    fn other_separators_leave_the_comma_to_the_numbers() {
        for separator in [";", "\t"] {
            let text = ["timestamp", "value\n2026-11-22 08:00:00", "1,5\n2026-11-22 08:05:00", "-2.5\n"].join(separator);
            let rows = read(text.as_bytes()).unwrap();
            assert_eq!(rows.iter().map(|row| row.value).collect::<Vec<_>>(), [1.5, -2.5], "{text}");
            assert_eq!(rows[0].text, "1.5", "an answer separates its own cells by commas");
            assert!(check(&read(format!("timestamp{separator}value\n60{separator}1,500,000\n").as_bytes()).unwrap()).is_err());
        }
        let error = format!("{:#}", read(b"timestamp,value,place\n60,1,Z\xfcrich\n".as_slice()).unwrap_err());
        assert!(error.contains("line 2") && error.contains("save the file as UTF-8"), "{error}");
    }

    #[test]
    fn what_is_no_number_is_refused_by_line_and_rows_out_of_order_are_told() {
        let rows = |text: &str| read(format!("timestamp,value\n{text}").as_bytes()).unwrap();
        assert!(check(&rows("60,1\n120,lots\n")).unwrap_err().to_string().contains("line 3: `lots` is no number"));
        let fine = rows("60,1\n60,1\n120,\n180,NaN\n240,N/A\n240,n/a\n300,5\n");
        assert!(check(&fine).is_ok() && remarks(&fine).is_empty());
        let told = remarks(&rows("60,1\n\n30,2\n90,3\n90,4\n"));
        assert!(told[0].starts_with("1 rows are earlier than the one before, first line 4 (30 after 60 of line 2)"), "{told:?}");
        assert!(told[1].contains("first line 6 (4 after 3 of line 5); the later one counts"), "{told:?}");
    }
}
