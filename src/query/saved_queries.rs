//! Questions kept as files: `queries/**/*.sql`, each with a small header.
//!
//! ```sql
//! -- title: Failed logins by host
//! -- schedule: */5 * * * *
//!
//! SELECT host, count(*) AS failures FROM logs WHERE ...
//! ```
//!
//! The header is the `-- key: value` lines before the first line of SQL. Other comment lines there, and empty lines, are
//! skipped. What the keys mean is the business of those who use the file.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Files of more bytes are not questions.
const MAX_FILE_BYTES: u64 = 256 << 10;

/// Folders below `queries/`.
const MAX_DEPTH: usize = 4;

/// A question with its header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SavedQuery {
    /// Its path below the folder, without the ending, with `/` between folders: `detect/failed_logins`.
    pub name: String,
    /// The header's keys, as written, and their values without surrounding space.
    pub header: BTreeMap<String, String>,
    /// The whole text of the file, header included (to SQL the header is a comment).
    pub sql: String,
}

/// A folder of questions could not be read.
#[derive(Debug, thiserror::Error)]
#[error("The query file {path} could not be used: {detail}. Correct the file or move it out of the folder.")]
pub struct SavedQueryError {
    /// The file or folder.
    pub path: PathBuf,
    /// What is wrong with it.
    pub detail: String,
}

/// All `.sql` files below `folder`, ordered by name. Links and other files are passed over.
///
/// # Errors
/// [`SavedQueryError`] for the first file that cannot be read, is too large, is not UTF-8 or names a key twice.
pub fn read_saved_queries(folder: &Path) -> Result<Vec<SavedQuery>, SavedQueryError> {
    let mut found = Vec::new();
    gather(folder, "", 0, &mut found)?;
    found.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(found)
}

fn gather(folder: &Path, prefix: &str, depth: usize, found: &mut Vec<SavedQuery>) -> Result<(), SavedQueryError> {
    let failed = |path: &Path, detail: String| SavedQueryError { path: path.to_owned(), detail };
    for entry in std::fs::read_dir(folder).map_err(|error| failed(folder, error.to_string()))? {
        let entry = entry.map_err(|error| failed(folder, error.to_string()))?;
        let path = entry.path();
        // The kind of the entry itself: a link is neither a folder nor a file here, and so leads nowhere.
        let kind = entry.file_type().map_err(|error| failed(&path, error.to_string()))?;
        let Some(name) = entry.file_name().to_str().map(str::to_owned) else { continue };
        if kind.is_dir() && depth < MAX_DEPTH {
            gather(&path, &format!("{prefix}{name}/"), depth + 1, found)?;
        } else if kind.is_file()
            && let Some(stem) = name.strip_suffix(".sql")
        {
            let bytes = entry.metadata().map_err(|error| failed(&path, error.to_string()))?.len();
            if bytes > MAX_FILE_BYTES {
                return Err(failed(&path, format!("it has {bytes} bytes, {MAX_FILE_BYTES} are allowed")));
            }
            let sql = std::fs::read_to_string(&path).map_err(|error| failed(&path, error.to_string()))?;
            let header = header(&sql).map_err(|detail| failed(&path, detail))?;
            found.push(SavedQuery { name: format!("{prefix}{stem}"), header, sql });
        }
    }
    Ok(())
}

fn header(sql: &str) -> Result<BTreeMap<String, String>, String> {
    let mut header = BTreeMap::new();
    for line in sql.lines().map(str::trim).skip_while(|line| line.is_empty()) {
        let Some(comment) = line.strip_prefix("--") else {
            if line.is_empty() {
                continue;
            }
            break;
        };
        let Some((key, value)) = comment.split_once(':') else { continue };
        let key = key.trim();
        // A sentence with a colon in it is no key.
        if key.is_empty() || !key.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-') {
            continue;
        }
        if header.insert(key.to_owned(), value.trim().to_owned()).is_some() {
            return Err(format!("its header names {key} twice"));
        }
    }
    Ok(header)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_read_with_their_headers_in_order() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("detect")).unwrap();
        let text = "\n-- title: Failed logins: by host\n-- A note: this is prose, and no key.\n-- severity:  high \nSELECT 1 -- limit: 5\n";
        std::fs::write(folder.path().join("detect/logins.sql"), text).unwrap();
        std::fs::write(folder.path().join("a.sql"), "SELECT 2").unwrap();
        std::fs::write(folder.path().join("README.md"), "not a question").unwrap();
        std::os::unix::fs::symlink("/etc/passwd", folder.path().join("link.sql")).unwrap();
        let read = read_saved_queries(folder.path()).unwrap();
        assert_eq!(read.iter().map(|query| query.name.as_str()).collect::<Vec<_>>(), ["a", "detect/logins"]);
        let header = [("title", "Failed logins: by host"), ("severity", "high")];
        assert_eq!(read[1].header, header.map(|(key, value)| (key.to_owned(), value.to_owned())).into());
        assert_eq!(read[1].sql, text);
    }

    #[test]
    fn a_key_named_twice_is_an_error_with_the_path() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("x.sql"), "-- title: a\n-- title: b\nSELECT 1").unwrap();
        let error = read_saved_queries(folder.path()).unwrap_err().to_string();
        assert!(error.contains("x.sql") && error.contains("names title twice"), "{error}");
    }
}
