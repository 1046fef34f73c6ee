//! Reads the configuration and says exactly what is wrong with it.

use std::fmt;
use std::path::{Path, PathBuf};

use toml::{Table, Value};

use super::Settings;

/// Where a value came from besides the defaults; later ones win.
#[derive(Debug, Clone, Default)]
pub struct Overrides {
    /// The TOML file.
    pub file: Option<PathBuf>,
    /// Environment variables; only `WATCHROOM_<SECTION>_<KEY>` are looked at.
    pub environment: Vec<(String, String)>,
    /// Flags: flag, section, key, value.
    pub flags: Vec<(&'static str, &'static str, &'static str, String)>,
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// File with line, environment variable or flag.
    pub place: String,
    /// `section.key`, where one is meant.
    pub key: String,
    /// What is wrong.
    pub what: String,
    /// What to write instead.
    pub instead: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.place)?;
        if !self.key.is_empty() {
            write!(f, ": `{}`", self.key)?;
        }
        write!(f, ": {}\n  write instead: {}", self.what, self.instead)
    }
}

/// Everything that is wrong, not only the first thing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError(pub Vec<Problem>);

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines: Vec<String> = self.0.iter().map(ToString::to_string).collect();
        f.write_str(&lines.join("\n"))
    }
}

impl std::error::Error for ConfigError {}

/// Reads all sources and merges them.
pub fn load(overrides: &Overrides) -> Result<Settings, ConfigError> {
    let mut merge = Merge::new();
    if let Some(file) = &overrides.file {
        merge.file(file);
    }
    for (name, value) in &overrides.environment {
        merge.environment(name, value);
    }
    for (flag, section, key, value) in &overrides.flags {
        merge.text(flag.to_string(), section, key, value);
    }
    merge.finish()
}

struct Merge {
    /// The settings so far, beginning with the defaults: also the schema.
    settings: Table,
    problems: Vec<Problem>,
}

impl Merge {
    fn new() -> Self {
        match Table::try_from(Settings::default()) {
            Ok(settings) => Self { settings, problems: Vec::new() },
            Err(error) => unreachable!("BUG: the default settings are no TOML: {error}"),
        }
    }

    fn problem(&mut self, place: String, key: String, what: String, instead: String) {
        self.problems.push(Problem { place, key, what, instead });
    }

    fn file(&mut self, path: &Path) {
        let place = path.display().to_string();
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) => {
                let instead = "the path of a readable TOML file after --config".to_owned();
                return self.problem(place, String::new(), format!("the file cannot be read: {error}"), instead);
            }
        };
        let table: Table = match text.parse() {
            Ok(table) => table,
            Err(error) => {
                let line = error.span().map_or(0, |span| line_of_offset(&text, span.start));
                let instead = "TOML: `[section]` lines with `key = value` lines below them".to_owned();
                return self.problem(format!("{place}:{line}"), String::new(), error.message().to_owned(), instead);
            }
        };
        for (section, keys) in table {
            let Value::Table(keys) = keys else {
                let line = line_of_key(&text, "", &section);
                let instead = format!("the key below a section: one of {}", self.sections());
                self.problem(format!("{place}:{line}"), section, "this key stands outside of any section".into(), instead);
                continue;
            };
            for (key, value) in keys {
                let line = line_of_key(&text, &section, &key);
                self.set(format!("{place}:{line}"), &section, &key, value);
            }
        }
    }

    fn environment(&mut self, name: &str, value: &str) {
        let Some(rest) = name.strip_prefix("WATCHROOM_") else { return };
        let rest = rest.to_lowercase();
        // Keys hold underscores, sections do not: the first one parts them.
        let (section, key) = rest.split_once('_').unwrap_or((&rest, ""));
        if !self.settings.contains_key(section) {
            // Variables of other tools around Watchroom (WATCHROOM_SERVER of the client commands) are not ours to judge.
            return;
        }
        self.text(format!("environment variable {name}"), section, key, value);
    }

    /// A value given as text: read as the type of the key's default.
    fn text(&mut self, place: String, section: &str, key: &str, text: &str) {
        let Some(default) = self.settings.get(section).and_then(|keys| keys.get(key)) else {
            return self.unknown(place, section, key);
        };
        let value = match default {
            Value::Integer(_) => text.parse().ok().map(Value::Integer),
            Value::Float(_) => text.parse().ok().map(Value::Float),
            Value::Boolean(_) => text.parse().ok().map(Value::Boolean),
            Value::Array(_) => {
                Some(Value::Array(text.split(',').map(str::trim).filter(|t| !t.is_empty()).map(|t| Value::String(t.into())).collect()))
            }
            _ => Some(Value::String(text.to_owned())),
        };
        match value {
            Some(value) => self.set(place, section, key, value),
            None => {
                let (wanted, example) = (type_name(default), example(default));
                self.problem(place, format!("{section}.{key}"), format!("`{text}` is not {wanted}"), example);
            }
        }
    }

    fn set(&mut self, place: String, section: &str, key: &str, value: Value) {
        let Some(slot) = self.settings.get_mut(section).and_then(|keys| keys.get_mut(key)) else {
            return self.unknown(place, section, key);
        };
        let negative = matches!(&value, Value::Integer(number) if *number < 0);
        if std::mem::discriminant(slot) == std::mem::discriminant(&value) && !negative {
            *slot = value;
            return;
        }
        let what = if negative { "must not be negative".to_owned() } else { format!("is {}, not {}", type_name(&value), type_name(slot)) };
        let instead = format!("{key} = {}", example(slot));
        self.problem(place, format!("{section}.{key}"), what, instead);
    }

    fn unknown(&mut self, place: String, section: &str, key: &str) {
        let known = |table: &Table| table.keys().cloned().collect::<Vec<_>>();
        let (what, instead) = match self.settings.get(section).and_then(Value::as_table) {
            None => (format!("there is no section [{section}]"), nearest(section, &known(&self.settings))),
            Some(keys) => (format!("there is no such key in [{section}]"), nearest(key, &known(keys))),
        };
        self.problem(place, format!("{section}.{key}"), what, instead);
    }

    fn sections(&self) -> String {
        self.settings.keys().map(|key| format!("[{key}]")).collect::<Vec<_>>().join(" ")
    }

    fn finish(self) -> Result<Settings, ConfigError> {
        if !self.problems.is_empty() {
            return Err(ConfigError(self.problems));
        }
        self.settings.try_into().map_err(|error: toml::de::Error| {
            // Types were checked above; what is left are elements of lists.
            let instead = "a list of texts, such as [\"10.0.0.0/8\"]".to_owned();
            ConfigError(vec![Problem { place: "configuration".into(), key: String::new(), what: error.message().to_owned(), instead }])
        })
    }
}

fn type_name(value: &Value) -> &'static str {
    match value {
        Value::String(_) => "a text",
        Value::Integer(_) => "a whole number",
        Value::Float(_) => "a number",
        Value::Boolean(_) => "true or false",
        Value::Datetime(_) => "a date",
        Value::Array(_) => "a list",
        Value::Table(_) => "a section",
    }
}

fn example(default: &Value) -> String {
    match default {
        Value::Array(_) => "[\"10.0.0.0/8\"]".to_owned(),
        other => other.to_string(),
    }
}

/// The known word that is closest to what was written, or all of them when none is close.
fn nearest(written: &str, known: &[String]) -> String {
    let best = known.iter().map(|word| (edit_distance(written, word), word)).min();
    match best {
        Some((distance, word)) if distance <= 1 + word.len() / 3 => format!("`{word}`"),
        _ => format!("one of: {}", known.join(", ")),
    }
}

/// Levenshtein's distance; both words are short.
fn edit_distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().take(64).enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, to) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(from != *to);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

fn line_of_offset(text: &str, offset: usize) -> usize {
    1 + text.as_bytes()[..offset.min(text.len())].iter().filter(|b| **b == b'\n').count()
}

/// The line on which `[section]` has `key =`; 1 when it is written in a way that this does not find (an inline table).
fn line_of_key(text: &str, section: &str, key: &str) -> usize {
    let mut current = "";
    for (index, line) in text.lines().enumerate() {
        let line = line.trim();
        if let Some(name) = line.strip_prefix('[') {
            current = name.trim_end_matches(']').trim();
        } else if current == section && line.split('=').next().is_some_and(|name| name.trim().trim_matches('"') == key) {
            return index + 1;
        }
    }
    1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_file(text: &str) -> (tempfile::TempDir, Overrides) {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("watchroom.toml");
        std::fs::write(&file, text).unwrap();
        (folder, Overrides { file: Some(file), ..Overrides::default() })
    }

    #[test]
    fn the_defaults_load_and_later_sources_win() {
        assert_eq!(load(&Overrides::default()).unwrap(), Settings::default());
        let (_folder, mut overrides) = with_file("[http]\nlisten = \"127.0.0.1:1\"\n[table]\nflush_age_ms = 5\n");
        overrides.environment = vec![
            ("WATCHROOM_HTTP_LISTEN".into(), "127.0.0.1:2".into()),
            ("WATCHROOM_SYSLOG_ALLOW".into(), "10.0.0.0/8, 192.168.0.0/16".into()),
            ("WATCHROOM_SERVER".into(), "http://elsewhere".into()),
            ("PATH".into(), "/bin".into()),
        ];
        overrides.flags = vec![("--http", "http", "listen", "127.0.0.1:3".into())];
        let settings = load(&overrides).unwrap();
        assert_eq!(settings.http.listen, "127.0.0.1:3");
        assert_eq!(settings.table.flush_age_ms, 5);
        assert_eq!(settings.syslog.allow, ["10.0.0.0/8", "192.168.0.0/16"]);
    }

    #[test]
    fn every_problem_names_place_key_fault_and_mend() {
        let (_folder, mut overrides) =
            with_file("loose = 1\n[http]\nlisten = 8514\nmax_conections = 5\n\n[tabel]\nx = 1\n[wal]\nsegment_bytes = -5\n");
        overrides.environment = vec![("WATCHROOM_TABLE_FLUSH_AGE_MS".into(), "soon".into())];
        let text = load(&overrides).unwrap_err().to_string();
        for expected in [
            "watchroom.toml:1: `loose`: this key stands outside of any section",
            "watchroom.toml:3: `http.listen`: is a whole number, not a text\n  write instead: listen = \"127.0.0.1:8514\"",
            "watchroom.toml:4: `http.max_conections`: there is no such key in [http]\n  write instead: `max_connections`",
            "watchroom.toml:7: `tabel.x`: there is no section [tabel]\n  write instead: `table`",
            "watchroom.toml:9: `wal.segment_bytes`: must not be negative",
            "environment variable WATCHROOM_TABLE_FLUSH_AGE_MS: `table.flush_age_ms`: `soon` is not a whole number",
        ] {
            assert!(text.contains(expected), "{expected:?} is not in:\n{text}");
        }
    }

    #[test]
    fn broken_toml_and_missing_files_are_named() {
        let (_folder, overrides) = with_file("[http]\nlisten = \n");
        assert!(load(&overrides).unwrap_err().to_string().contains("watchroom.toml:2: "));
        let missing = Overrides { file: Some("/nowhere/at/all.toml".into()), ..Overrides::default() };
        assert!(load(&missing).unwrap_err().to_string().contains("cannot be read"));
    }
}
