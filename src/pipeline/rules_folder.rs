//! The rules that run: the built-in ones and those of the user's folder.

use std::path::Path;

use crate::detect::{Rule, RuleFileError, SHIPPED_RULES};

/// A rule file that does not run, and why.
#[derive(Debug, thiserror::Error)]
pub enum BrokenRule {
    /// It is no rule.
    #[error(transparent)]
    File(#[from] RuleFileError),
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
}
