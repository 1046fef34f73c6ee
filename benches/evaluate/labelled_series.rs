//! Reads the labelled series of the development data into one shape.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// One series with what is known of its anomalies.
#[derive(Clone, Debug)]
pub(crate) struct LabelledSeries {
    /// Set and file, as tables show it.
    pub(crate) name: String,
    /// Unix seconds and value, in the order of the file.
    pub(crate) points: Vec<(i64, f64)>,
    /// Rows `[first, last]` that a person called anomalous, ascending.
    pub(crate) windows: Vec<(usize, usize)>,
    /// Rows at the start that are training data and carry no labels.
    pub(crate) unlabelled_rows: usize,
}

/// Text of a plain, `.gz` or `.zst` file.
pub(crate) fn read_text(path: &Path) -> io::Result<String> {
    let file = File::open(path)?;
    let mut text = String::new();
    match path.extension().and_then(|extension| extension.to_str()) {
        Some("gz") => flate2::read::MultiGzDecoder::new(file).read_to_string(&mut text)?,
        Some("zst") => zstd::stream::read::Decoder::new(file)?.read_to_string(&mut text)?,
        _ => io::BufReader::new(file).read_to_string(&mut text)?,
    };
    Ok(text)
}

/// Files below `folder` in name order.
pub(crate) fn files_below(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(next)? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}

/// Unix seconds of `YYYY-MM-DD?HH:MM:SS...` taken as UTC, or of a plain number.
pub(crate) fn unix_seconds(text: &str) -> Option<i64> {
    let text = text.trim_matches('"');
    if let Ok(number) = text.parse::<f64>() {
        return Some(number as i64);
    }
    let field = |from: usize, to: usize| text.get(from..to).and_then(|digits| digits.parse::<i64>().ok());
    let (year, month, day) = (field(0, 4)?, field(5, 7)?, field(8, 10)?);
    let (hour, minute, second) = (field(11, 13)?, field(14, 16)?, field(17, 19).unwrap_or(0));
    // Days from civil, with years that begin in March (Hinnant's algorithm).
    let shifted = if month <= 2 { year - 1 } else { year };
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let days = shifted * 365 + shifted.div_euclid(4) - shifted.div_euclid(100) + shifted.div_euclid(400) + day_of_year - 719_468;
    Some(days * 86_400 + hour * 3_600 + minute * 60 + second)
}

/// Rows with a set flag, joined into `[first, last]` runs.
pub(crate) fn runs(flags: &[bool]) -> Vec<(usize, usize)> {
    let mut windows: Vec<(usize, usize)> = Vec::new();
    for (row, _) in flags.iter().enumerate().filter(|(_, flag)| **flag) {
        match windows.last_mut() {
            Some(window) if window.1 + 1 == row => window.1 = row,
            _ => windows.push((row, row)),
        }
    }
    windows
}

/// All NAB files with their windows.
pub(crate) fn nab(data: &Path) -> io::Result<Vec<LabelledSeries>> {
    let folder = data.join("nab");
    let windows: serde_json::Value = serde_json::from_str(&read_text(&folder.join("windows.json"))?)?;
    let mut all = Vec::new();
    for (name, spans) in windows.as_object().into_iter().flatten() {
        let path = folder.join("data").join(format!("{name}.gz"));
        let Ok(text) = read_text(&path) else { continue };
        let points: Vec<(i64, f64)> = text.lines().skip(1).filter_map(time_and_value).collect();
        let mut flags = vec![false; points.len()];
        let mut rows = Vec::new();
        for span in spans.as_array().into_iter().flatten() {
            let bound = |at: usize| span[at].as_str().and_then(unix_seconds);
            let (Some(from), Some(to)) = (bound(0), bound(1)) else { continue };
            let first = points.iter().position(|point| point.0 >= from).unwrap_or(0);
            let last = points.iter().rposition(|point| point.0 <= to).unwrap_or(0);
            flags[first..=last].fill(true);
            rows.push((first, last));
        }
        rows.sort_unstable();
        all.push(LabelledSeries { name: format!("nab/{name}"), points, windows: rows, unlabelled_rows: 0 });
    }
    Ok(all)
}

fn time_and_value(line: &str) -> Option<(i64, f64)> {
    let mut fields = line.split(',');
    Some((unix_seconds(fields.next()?)?, fields.next()?.parse().ok()?))
}

/// Series of `time,value,label` files below `folder` that have at least one labelled anomaly.
pub(crate) fn row_labelled(data: &Path, folder: &str) -> io::Result<Vec<LabelledSeries>> {
    let mut all = Vec::new();
    for path in files_below(&data.join(folder))? {
        if path.extension().is_none_or(|extension| extension != "gz") {
            continue;
        }
        let (mut points, mut flags) = (Vec::new(), Vec::new());
        for line in read_text(&path)?.lines().skip(1) {
            let Some(label) = line.split(',').nth(2) else { continue };
            if let Some(point) = time_and_value(line) {
                points.push(point);
                flags.push(label.trim() == "1");
            }
        }
        let windows = runs(&flags);
        if !windows.is_empty() {
            let name = path.strip_prefix(data).unwrap_or(&path).display().to_string();
            all.push(LabelledSeries { name, points, windows, unlabelled_rows: 0 });
        }
    }
    Ok(all)
}

/// Metrics of `<folder>/<machine>.{train,test}.csv.zst`, one series a metric that shows an anomaly (by `causes`), training rows first, `step_s` apart.
pub(crate) fn machines(data: &Path, folder: &str, step_s: i64) -> io::Result<Vec<LabelledSeries>> {
    let folder = data.join(folder);
    let mut all = Vec::new();
    for path in files_below(&folder)? {
        let Some(machine) = path.file_name().and_then(|name| name.to_str()).and_then(|name| name.strip_suffix(".causes.csv")) else {
            continue;
        };
        let train = columns(&read_text(&folder.join(format!("{machine}.train.csv.zst")))?);
        let test = columns(&read_text(&folder.join(format!("{machine}.test.csv.zst")))?);
        let offset = train.first().map_or(0, Vec::len);
        let mut windows: Vec<Vec<(usize, usize)>> = vec![Vec::new(); test.len()];
        for line in read_text(&path)?.lines().skip(1) {
            let numbers: Vec<usize> = line.split(|c: char| !c.is_ascii_digit()).filter_map(|word| word.parse().ok()).collect();
            let [first, last, metrics @ ..] = numbers.as_slice() else { continue };
            for metric in metrics {
                if let Some(windows) = metric.checked_sub(1).and_then(|metric| windows.get_mut(metric)) {
                    windows.push((offset + first, offset + last));
                }
            }
        }
        for (metric, (train, test)) in train.iter().zip(&test).enumerate() {
            if windows[metric].is_empty() {
                continue;
            }
            let points = train.iter().chain(test).enumerate().map(|(row, value)| (row as i64 * step_s, *value)).collect();
            windows[metric].sort_unstable();
            all.push(LabelledSeries {
                name: format!("{machine}/{}", metric + 1),
                points,
                windows: std::mem::take(&mut windows[metric]),
                unlabelled_rows: offset,
            });
        }
    }
    Ok(all)
}

fn columns(text: &str) -> Vec<Vec<f64>> {
    let mut columns: Vec<Vec<f64>> = Vec::new();
    for line in text.lines().skip(1) {
        for (column, field) in line.split(',').enumerate() {
            if columns.len() <= column {
                columns.push(Vec::new());
            }
            columns[column].push(field.parse().unwrap_or(f64::NAN));
        }
    }
    columns
}
