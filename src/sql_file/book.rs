//! The files that count: the built-in ones and those of the user's folder, read again when the folder changes.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use super::SqlFileError;

/// What a file holds: a rule, a capacity question.
pub trait FileContent: Sized {
    /// The word for it in messages, such as `rule`.
    const WORD: &'static str;
    /// Where its folder is set, such as `detect.rules_dir`.
    const FOLDER_KEY: &'static str;
    /// Name and text of those that come with the program.
    const SHIPPED: &'static [(&'static str, &'static str)];

    /// Reads a file.
    ///
    /// # Errors
    /// What is wrong with it, and where.
    fn parse(file: &str, text: &str) -> Result<Self, SqlFileError>;
}

/// Files that could be read, and what is wrong with the others, as they stand at a moment.
#[derive(Debug)]
pub struct Files<T> {
    /// Those that count, the built-in ones first.
    pub read: Vec<Arc<T>>,
    /// Files that do not.
    pub broken: Vec<BrokenFile>,
}

/// The files of a kind. Shared: whoever asks gets what counts now.
#[derive(Debug)]
pub struct Book<T> {
    folder: Option<PathBuf>,
    current: Mutex<(Signature, Arc<Files<T>>)>,
}

/// Name, time of change and size of each file of the folder; `None` where it cannot be listed.
type Signature = Option<Vec<(PathBuf, Option<SystemTime>, u64)>>;

impl<T: FileContent> Book<T> {
    /// Reads the built-in files and those of the folder.
    pub fn open(folder: Option<PathBuf>) -> Self {
        let signature = folder.as_deref().and_then(signature);
        let files = Arc::new(read_and_report(folder.as_deref()));
        Self { folder, current: Mutex::new((signature, files)) }
    }

    /// The files as they were read last.
    pub fn current(&self) -> Arc<Files<T>> {
        Arc::clone(&self.current.lock().unwrap_or_else(PoisonError::into_inner).1)
    }

    /// Reads the folder again if a file of it was added, changed or taken away, and gives the files.
    pub fn refresh(&self) -> Arc<Files<T>> {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(folder) = self.folder.as_deref() {
            let now = signature(folder);
            if now != current.0 {
                *current = (now, Arc::new(read_and_report(Some(folder))));
                let (read, broken) = (current.1.read.len(), current.1.broken.len());
                tracing::info!(read, broken, "the files of {} were read again", T::FOLDER_KEY);
            }
        }
        Arc::clone(&current.1)
    }
}

fn read_and_report<T: FileContent>(folder: Option<&Path>) -> Files<T> {
    let files = read_files(folder);
    for error in &files.broken {
        tracing::error!(%error, "a {} cannot be read; the others count", T::WORD);
    }
    files
}

fn signature(folder: &Path) -> Signature {
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .ok()?
        .filter_map(Result::ok)
        .filter(|entry| entry.path().extension().is_some_and(|extension| extension == "sql"))
        .map(|entry| {
            let about = entry.metadata().ok();
            (entry.path(), about.as_ref().and_then(|about| about.modified().ok()), about.map_or(0, |about| about.len()))
        })
        .collect();
    files.sort();
    Some(files)
}

/// A file that does not count, and why.
#[derive(Debug, thiserror::Error)]
pub enum BrokenFile {
    /// It is not what it should be.
    #[error(transparent)]
    File(#[from] SqlFileError),
    /// It cannot be read.
    #[error("{path} cannot be read: {error}; check its permissions, or {key}")]
    Unreadable {
        /// File or folder.
        path: String,
        /// What the system said.
        error: std::io::Error,
        /// Where the folder is set.
        key: &'static str,
    },
}

/// Reads all files. One of the user's takes the place of the built-in one of the same name; what cannot be read is told, and the
/// others count.
pub fn read_files<T: FileContent>(folder: Option<&Path>) -> Files<T> {
    let mut texts: Vec<(String, String)> = T::SHIPPED.iter().map(|(file, text)| (file.to_string(), text.to_string())).collect();
    let mut files = Files { read: Vec::new(), broken: Vec::new() };
    let unreadable = |path, error| BrokenFile::Unreadable { path, error, key: T::FOLDER_KEY };
    match folder.map(read_folder).transpose() {
        Ok(own) => {
            for (name, text) in own.into_iter().flatten() {
                match text {
                    Ok(text) => {
                        texts.retain(|(file, _)| *file != name);
                        texts.push((name, text));
                    }
                    Err(error) => files.broken.push(unreadable(name, error)),
                }
            }
        }
        Err(error) => files.broken.push(unreadable(folder.map_or_else(String::new, |path| path.display().to_string()), error)),
    }
    for (file, text) in texts {
        match T::parse(&file, &text) {
            Ok(content) => files.read.push(Arc::new(content)),
            Err(error) => files.broken.push(error.into()),
        }
    }
    files
}

type FileText = (String, std::io::Result<String>);

/// Name and text of each `*.sql` file, in the order of the names.
fn read_folder(folder: &Path) -> std::io::Result<Vec<FileText>> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "sql")
            && let Some(name) = path.file_name().and_then(|name| name.to_str())
        {
            files.push((name.to_owned(), std::fs::read_to_string(&path)));
        }
    }
    files.sort_by(|a, b| a.0.cmp(&b.0));
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sql_file::{Header, file_name};

    /// A file with a name.
    #[derive(Debug)]
    struct Named(String);

    impl FileContent for Named {
        const WORD: &'static str = "named file";
        const FOLDER_KEY: &'static str = "test.dir";
        const SHIPPED: &'static [(&'static str, &'static str)] =
            &[("first.sql", "-- name: first\nSELECT 1"), ("second.sql", "-- name: second\n")];

        fn parse(file: &str, text: &str) -> Result<Self, SqlFileError> {
            let header = Header::parse(file, text, &["name"])?;
            file_name(&header, file, "file").map(|name| Self(format!("{name} {}", header.body)))
        }
    }

    #[test]
    fn a_folder_adds_and_replaces_and_a_broken_file_stops_nobody() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(read_files::<Named>(None).read.len(), 2);
        std::fs::write(folder.path().join("second.sql"), "-- name: second\nSELECT 2").unwrap();
        std::fs::write(folder.path().join("broken.sql"), "SELECT 1").unwrap();
        std::fs::write(folder.path().join("notes.txt"), "no such file").unwrap();
        let files = read_files::<Named>(Some(folder.path()));
        let names: Vec<&str> = files.read.iter().map(|named| named.0.as_str()).collect();
        assert_eq!((names, files.broken.len()), (vec!["first SELECT 1", "second SELECT 2"], 1));
        assert!(files.broken[0].to_string().contains("broken.sql"));
        let files = read_files::<Named>(Some(&folder.path().join("missing")));
        assert_eq!(files.read.len(), 2);
        assert!(files.broken[0].to_string().ends_with("check its permissions, or test.dir"), "{:?}", files.broken);
    }

    #[test]
    fn a_changed_folder_is_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let book = Book::<Named>::open(Some(folder.path().to_owned()));
        assert!(Arc::ptr_eq(&book.current(), &book.refresh()), "nothing changed");
        std::fs::write(folder.path().join("mine.sql"), "-- name: mine\n").unwrap();
        assert_eq!(book.refresh().read.len(), 3);
        std::fs::write(folder.path().join("mine.sql"), "-- title: mine\n").unwrap();
        let files = book.refresh();
        assert_eq!((files.read.len(), files.broken.len()), (2, 1));
        std::fs::remove_file(folder.path().join("mine.sql")).unwrap();
        assert_eq!((book.refresh().read.len(), book.current().broken.len()), (2, 0));
    }
}
