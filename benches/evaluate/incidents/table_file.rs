//! Reads the data files: text, gzip or zstd by ending.

use std::io::Read;
use std::path::{Path, PathBuf};

/// The text of `path`, or of `path.gz` or `path.zst`; empty if there is none.
pub(super) fn text(path: &Path) -> String {
    let with = |ending: &str| PathBuf::from(format!("{}{ending}", path.display()));
    let mut text = String::new();
    if let Ok(file) = std::fs::File::open(path) {
        let _ = std::io::BufReader::new(file).read_to_string(&mut text);
    } else if let Ok(file) = std::fs::File::open(with(".gz")) {
        let _ = flate2::read::GzDecoder::new(file).read_to_string(&mut text);
    } else if let Ok(file) = std::fs::File::open(with(".zst")) {
        text = zstd::decode_all(file).ok().and_then(|bytes| String::from_utf8(bytes).ok()).unwrap_or_default();
    }
    text
}

/// Entries of a folder, sorted by name; none if there is no such folder.
pub(super) fn entries(folder: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> = std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    paths.sort();
    paths
}

/// A cell as a number; what is none is NaN.
pub(super) fn number(cell: &str) -> f64 {
    cell.trim().parse().unwrap_or(f64::NAN)
}

/// The last part of a path.
pub(super) fn name(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}
