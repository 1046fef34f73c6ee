//! The rules that run: the built-in ones and those of the user's folder, read again when the folder changes.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use crate::detect::{Rule, SHIPPED_RULES};
use crate::sql_file::SqlFileError;

/// Rules and what is wrong with the others, as they stand at a moment.
#[derive(Debug, Default)]
pub struct Rules {
    /// Those that run, the built-in ones first.
    pub rules: Vec<Arc<Rule>>,
    /// Files that do not.
    pub broken: Vec<BrokenRule>,
}

/// The rules of a server. Shared: whoever asks gets what runs now.
#[derive(Debug)]
pub struct RuleBook {
    folder: Option<PathBuf>,
    current: Mutex<(Signature, Arc<Rules>)>,
}

/// Name, time of change and size of each file of the folder; `None` where it cannot be listed.
type Signature = Option<Vec<(PathBuf, Option<SystemTime>, u64)>>;

impl RuleBook {
    /// Reads the built-in rules and those of the folder.
    pub fn open(folder: Option<PathBuf>) -> Self {
        let signature = folder.as_deref().and_then(signature);
        let rules = Arc::new(read_and_report(folder.as_deref()));
        Self { folder, current: Mutex::new((signature, rules)) }
    }

    /// The rules as they were read last.
    pub fn current(&self) -> Arc<Rules> {
        Arc::clone(&self.current.lock().unwrap_or_else(PoisonError::into_inner).1)
    }

    /// Reads the folder again if a file of it was added, changed or taken away, and gives the rules.
    pub fn refresh(&self) -> Arc<Rules> {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(folder) = self.folder.as_deref() {
            let now = signature(folder);
            if now != current.0 {
                *current = (now, Arc::new(read_and_report(Some(folder))));
                tracing::info!(rules = current.1.rules.len(), broken = current.1.broken.len(), "the rules were read again");
            }
        }
        Arc::clone(&current.1)
    }
}

fn read_and_report(folder: Option<&Path>) -> Rules {
    let (rules, broken) = load_rules(folder);
    for error in &broken {
        tracing::error!(%error, "a rule cannot be read; the others run");
    }
    Rules { rules: rules.into_iter().map(Arc::new).collect(), broken }
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

/// A rule file that does not run, and why.
#[derive(Debug, thiserror::Error)]
pub enum BrokenRule {
    /// It is no rule.
    #[error(transparent)]
    File(#[from] SqlFileError),
    /// It cannot be read.
    #[error("{path} cannot be read: {error}; check its permissions, or detect.rules_dir")]
    Unreadable {
        /// File or folder.
        path: String,
        /// What the system said.
        error: std::io::Error,
    },
}

/// Reads all rules. A file of the user's takes the place of the built-in one of the same name; what cannot be read is
/// told, and the others run.
pub fn load_rules(folder: Option<&Path>) -> (Vec<Rule>, Vec<BrokenRule>) {
    let mut files: Vec<(String, String)> = SHIPPED_RULES.iter().map(|(file, text)| (file.to_string(), text.to_string())).collect();
    let mut broken = Vec::new();
    match folder.map(read_folder).transpose() {
        Ok(own) => {
            for (name, text) in own.into_iter().flatten() {
                match text {
                    Ok(text) => {
                        files.retain(|(file, _)| *file != name);
                        files.push((name, text));
                    }
                    Err(error) => broken.push(BrokenRule::Unreadable { path: name, error }),
                }
            }
        }
        Err(error) => {
            broken.push(BrokenRule::Unreadable { path: folder.map_or_else(String::new, |path| path.display().to_string()), error })
        }
    }
    let mut rules = Vec::new();
    for (file, text) in files {
        match Rule::parse(&file, &text) {
            Ok(rule) => rules.push(rule),
            Err(error) => broken.push(error.into()),
        }
    }
    (rules, broken)
}

type RuleText = (String, std::io::Result<String>);

/// Name and text of each `*.sql` file, in the order of the names.
fn read_folder(folder: &Path) -> std::io::Result<Vec<RuleText>> {
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

    #[test]
    fn a_folder_adds_and_replaces_and_a_broken_file_stops_nobody() {
        let folder = tempfile::tempdir().unwrap();
        let (shipped, broken) = load_rules(None);
        assert!(shipped.len() >= 3 && broken.is_empty());
        let own = SHIPPED_RULES[0].1.replace("severity: high", "severity: low");
        std::fs::write(folder.path().join(SHIPPED_RULES[0].0), own).unwrap();
        std::fs::write(folder.path().join("broken.sql"), "SELECT 1").unwrap();
        std::fs::write(folder.path().join("notes.txt"), "not a rule").unwrap();
        let (rules, broken) = load_rules(Some(folder.path()));
        assert_eq!(rules.len(), shipped.len());
        assert_eq!(broken.len(), 1, "{broken:?}");
        assert!(broken[0].to_string().contains("broken.sql"));
        let (rules, broken) = load_rules(Some(&folder.path().join("missing")));
        assert_eq!((rules.len(), broken.len()), (shipped.len(), 1));
    }

    #[test]
    fn a_changed_folder_is_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let book = RuleBook::open(Some(folder.path().to_owned()));
        let shipped = book.current().rules.len();
        assert!(Arc::ptr_eq(&book.current(), &book.refresh()), "nothing changed");
        let own = SHIPPED_RULES[0].1.replace(&SHIPPED_RULES[0].0.replace(".sql", ""), "mine");
        std::fs::write(folder.path().join("mine.sql"), &own).unwrap();
        assert_eq!(book.refresh().rules.len(), shipped + 1);
        std::fs::write(folder.path().join("mine.sql"), own.replace("-- severity", "-- gravity")).unwrap();
        let rules = book.refresh();
        assert_eq!((rules.rules.len(), rules.broken.len()), (shipped, 1));
        std::fs::remove_file(folder.path().join("mine.sql")).unwrap();
        assert_eq!((book.refresh().rules.len(), book.current().broken.len()), (shipped, 0));
    }
}
