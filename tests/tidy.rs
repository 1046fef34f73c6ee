//! Holds the source to the plan of the house: which module may import which, how long files and functions are, what
//! modules may not be called, and what may not stand in the repository.
//!
//! The lists of exceptions may only shrink: one that is not needed any more fails the test too.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on has failed")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// The floor of every module. A module imports from the floors below its own; the exceptions stand in [`SIDEWAYS`].
const FLOORS: [&[&str]; 6] = [
    &["clock", "shutdown", "self_metrics"],
    &["record", "document", "sql_file", "inventory", "store", "anomaly", "template", "forecast"],
    &[
        "source",
        "parse",
        "batch",
        "wal",
        "table",
        "query",
        "detect",
        "incident",
        "alert",
        "sla",
        "on_call",
        "escalation",
        "assignment",
        "capacity",
        "desk",
        "people",
        "notify",
        "purchase",
        "report",
        "sample_site",
    ],
    &["pipeline", "operations"],
    &["api", "wire", "console"],
    &["main", "lib", "app", "backup", "cli", "config", "data_folder"],
];

/// The top floor assembles the others; its modules know each other.
const TOP: usize = 5;

/// Imports within a floor: who imports whom.
const SIDEWAYS: &[(&str, &str)] = &[("query", "table"), ("report", "capacity"), ("inventory", "document"), ("inventory", "record")];

const MAX_FILE_LINES: usize = 600;
const MAX_FUNCTION_LINES: usize = 70;

/// Files over the limit.
const LONG_FILES: &[&str] = &[];

/// Functions over the limit, as `file::function`.
const LONG_FUNCTIONS: &[&str] = &[];

/// Drawers: whatever is in them has a better place.
const DRAWERS: [&str; 7] = ["util", "utils", "common", "helpers", "misc", "types", "models"];

/// Beginnings of paths that exist on one machine only. In two parts, so that this file passes its own test.
const MACHINE_PATHS: [(&str, &str); 4] = [("/wo", "rk/"), ("/ro", "ot/"), ("/Use", "rs/"), ("/tmp/", "scratch")];

/// Folders that are no part of the repository.
const NOT_OURS: [&str; 3] = [".git", "target", "node_modules"];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// All files below a folder, in order.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut entries: Vec<PathBuf> = fs::read_dir(folder).expect("a folder").map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    let mut found = Vec::new();
    for path in entries {
        let name = path.file_name().unwrap().to_str().expect("names are UTF-8");
        match path.is_dir() {
            true if NOT_OURS.contains(&name) => {}
            true => found.extend(files(&path)),
            false => found.push(path),
        }
    }
    found
}

/// A source file: its path below `src`, its text, and the text with comments and literals blanked out.
struct Source {
    name: String,
    text: String,
    code: String,
}

impl Source {
    /// The top-level module that the file belongs to.
    fn module(&self) -> &str {
        self.name.split('/').next().unwrap().trim_end_matches(".rs")
    }
}

fn sources() -> Vec<Source> {
    let folder = root().join("src");
    let rust = files(&folder).into_iter().filter(|path| path.extension().is_some_and(|extension| extension == "rs"));
    let read = |path: PathBuf| {
        let text = fs::read_to_string(&path).expect("source is UTF-8");
        let name = path.strip_prefix(&folder).unwrap().to_str().unwrap().to_owned();
        Source { code: code_of(&text), name, text }
    };
    rust.map(read).collect()
}

/// The text with every byte of comments, strings and characters turned into a blank. Lines stay where they are.
fn code_of(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut code = bytes.to_vec();
    let mut at = 0;
    while at < bytes.len() {
        let end = at + literal_length(&bytes[at..], at.checked_sub(1).map(|before| bytes[before]));
        let blank = |byte: &mut u8| *byte = if *byte == b'\n' { b'\n' } else { b' ' };
        code[at..end].iter_mut().for_each(blank);
        at = end.max(at + 1);
    }
    String::from_utf8(code).expect("only whole literals are blanked out")
}

/// Length of the comment or literal that begins here; 0 if none does.
fn literal_length(rest: &[u8], before: Option<u8>) -> usize {
    let until = |end: &[u8], from: usize| {
        rest[from..].windows(end.len()).position(|window| window == end).map_or(rest.len(), |found| from + found + end.len())
    };
    let in_word = before.is_some_and(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    match rest {
        [b'/', b'/', ..] => until(b"\n", 0) - 1,
        [b'/', b'*', ..] => until(b"*/", 2),
        [b'r', b'"' | b'#', ..] | [b'b', b'r', b'"' | b'#', ..] if !in_word => {
            let prefix = if rest[0] == b'b' { 2 } else { 1 };
            let hashes = rest[prefix..].iter().take_while(|byte| **byte == b'#').count();
            match rest.get(prefix + hashes) {
                Some(b'"') => until(&[b"\"", &b"#".repeat(hashes)[..]].concat(), prefix + hashes + 1),
                // A raw identifier.
                _ => 0,
            }
        }
        [b'"', ..] => quoted(rest, b'"'),
        [b'\'', b'\\', ..] => quoted(rest, b'\''),
        // A character and not a lifetime: the closing quote comes after one character.
        [b'\'', ..] => {
            let text =
                std::str::from_utf8(&rest[1..rest.len().min(6)]).or_else(|error| std::str::from_utf8(&rest[1..1 + error.valid_up_to()]));
            let character = text.ok().and_then(|text| text.chars().next()).map_or(0, char::len_utf8);
            if character > 0 && rest.get(1 + character) == Some(&b'\'') { 2 + character } else { 0 }
        }
        _ => 0,
    }
}

/// Length of a literal between two quotes.
fn quoted(rest: &[u8], quote: u8) -> usize {
    let mut at = 1;
    while at < rest.len() && rest[at] != quote {
        at += if rest[at] == b'\\' { 2 } else { 1 };
    }
    (at + 1).min(rest.len())
}

/// Fails with everything that is wrong, and with exceptions that are not needed any more.
fn judge(found: BTreeSet<String>, exceptions: &[&str], rule: &str) {
    let allowed: BTreeSet<String> = exceptions.iter().map(|&exception| exception.to_owned()).collect();
    let wrong: Vec<_> = found.difference(&allowed).collect();
    assert!(wrong.is_empty(), "{rule}:\n  {}", wrong.iter().map(|text| text.as_str()).collect::<Vec<_>>().join("\n  "));
    let stale: Vec<_> = allowed.difference(&found).collect();
    assert!(stale.is_empty(), "these exceptions are not needed any more, take them out: {stale:?}");
}

fn floor(module: &str) -> Option<usize> {
    FLOORS.iter().position(|floor| floor.contains(&module))
}

/// The modules that `crate::` paths in this code name, with the line of each.
fn imports(code: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for (at, path) in code.match_indices("crate::") {
        let line = 1 + code[..at].matches('\n').count();
        let rest = &code[at + path.len()..];
        let heads = match rest.strip_prefix('{') {
            Some(group) => group_heads(group),
            None => vec![first_word(rest)],
        };
        found.extend(heads.into_iter().filter(|head| !head.is_empty()).map(|head| (line, head.to_owned())));
    }
    found
}

fn first_word(text: &str) -> &str {
    let text = text.trim_start();
    &text[..text.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(text.len())]
}

/// The first word of each entry of `a::b, c::{d, e}, f}`.
fn group_heads(group: &str) -> Vec<&str> {
    let (mut depth, mut start, mut heads) = (0, 0, Vec::new());
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth > 0 => depth -= 1,
            ',' | '}' if depth == 0 => {
                heads.push(first_word(&group[start..at]));
                start = at + 1;
                if c == '}' {
                    break;
                }
            }
            _ => {}
        }
    }
    heads
}

#[test]
fn modules_import_from_the_floors_below() {
    let mut wrong = BTreeSet::new();
    let mut sideways = BTreeSet::new();
    for source in sources() {
        let module = source.module();
        let Some(own) = floor(module) else {
            wrong.insert(format!("{}: `{module}` has no floor; give it one in FLOORS", source.name));
            continue;
        };
        for (line, imported) in imports(&source.code) {
            // Macros and items of the crate's root are named like modules; only what is a file or folder is one.
            let Some(theirs) = floor(&imported) else { continue };
            if imported == module || theirs < own || own == TOP {
                continue;
            }
            if SIDEWAYS.contains(&(module, &imported)) {
                sideways.insert((module.to_owned(), imported));
            } else {
                wrong.insert(format!("{}:{line}: `{module}` (floor {own}) imports `{imported}` (floor {theirs})", source.name));
            }
        }
    }
    judge(wrong, &[], "imports that the floors do not allow");
    for (from, to) in SIDEWAYS {
        assert!(
            sideways.contains(&((*from).to_owned(), (*to).to_owned())),
            "{from} does not import {to} any more: take it out of SIDEWAYS"
        );
    }
}

#[test]
fn only_app_and_cli_know_the_configuration() {
    let knows = |source: &Source| {
        let names_it = imports(&source.code).iter().any(|(_, imported)| imported == "config");
        names_it && !matches!(source.module(), "app" | "cli" | "config")
    };
    let wrong = sources().iter().filter(|source| knows(source)).map(|source| source.name.clone()).collect();
    judge(wrong, &[], "files that import `config`, which only `app` and `cli` may");
}

#[test]
fn paths_do_not_climb_to_the_crate_by_super() {
    // From `src/x/y.rs` the crate is two `super` away: it must be written as `crate::`, where the test above sees it.
    let climbs = |source: &Source| {
        let outside_of_tests = source.code.split("mod tests {").next().unwrap();
        let depth = source.name.matches('/').count() + usize::from(!source.name.ends_with("mod.rs"));
        outside_of_tests.contains(&"super::".repeat(depth.max(1)))
    };
    let wrong = sources().iter().filter(|source| climbs(source)).map(|source| source.name.clone()).collect();
    judge(wrong, &[], "paths that reach the crate by `super::`; write `crate::`");
}

#[test]
fn files_are_short() {
    let long = sources().iter().filter(|source| source.text.lines().count() > MAX_FILE_LINES).map(|source| source.name.clone()).collect();
    judge(long, LONG_FILES, &format!("files over {MAX_FILE_LINES} lines"));
}

/// Name and length of each function, from its `fn` to its closing brace.
fn functions(code: &str) -> Vec<(&str, usize)> {
    let mut found = Vec::new();
    for (at, _) in code.match_indices("fn ") {
        let begins_word = code[..at].chars().next_back().is_none_or(|c| !c.is_alphanumeric() && c != '_');
        let name = first_word(&code[at + 3..]);
        if !begins_word || name.is_empty() {
            continue;
        }
        if let Some(end) = body_end(&code[at..]) {
            found.push((name, code[at..at + end].matches('\n').count() + 1));
        }
    }
    found
}

/// Where the first block in braces ends; `None` where a semicolon comes before it (a declaration).
fn body_end(code: &str) -> Option<usize> {
    let (mut braces, mut others) = (0_usize, 0_usize);
    for (at, c) in code.char_indices() {
        match c {
            '(' | '[' => others += 1,
            ')' | ']' => others = others.saturating_sub(1),
            ';' if braces == 0 && others == 0 => return None,
            '{' => braces += 1,
            '}' => {
                braces = braces.checked_sub(1)?;
                if braces == 0 {
                    return Some(at + 1);
                }
            }
            _ => {}
        }
    }
    None
}

#[test]
fn functions_are_short() {
    let mut long = BTreeSet::new();
    for source in sources() {
        for (name, lines) in functions(&source.code).into_iter().filter(|(_, lines)| *lines > MAX_FUNCTION_LINES) {
            eprintln!("{}::{name} has {lines} lines", source.name);
            long.insert(format!("{}::{name}", source.name));
        }
    }
    judge(long, LONG_FUNCTIONS, &format!("functions over {MAX_FUNCTION_LINES} lines"));
}

#[test]
fn there_are_no_drawers() {
    let mut drawers = BTreeSet::new();
    for source in sources() {
        let named = source.name.trim_end_matches(".rs").split('/').any(|part| DRAWERS.contains(&part));
        let declared = source.code.match_indices("mod ").any(|(at, word)| DRAWERS.contains(&first_word(&source.code[at + word.len()..])));
        if named || declared {
            drawers.insert(source.name);
        }
    }
    judge(drawers, &[], "modules named after nothing; say what is in them");
}

#[test]
fn no_path_of_a_machine_stands_in_the_repository() {
    let mut wrong = BTreeSet::new();
    for path in files(root()) {
        // What is not text has no words.
        let Ok(text) = fs::read_to_string(&path) else { continue };
        for (number, line) in text.lines().enumerate() {
            if MACHINE_PATHS.iter().any(|(head, tail)| line.contains(&format!("{head}{tail}"))) {
                wrong.insert(format!("{}:{}", path.strip_prefix(root()).unwrap().display(), number + 1));
            }
        }
    }
    judge(wrong, &[], "paths that exist on one machine only");
}

#[test]
fn the_reader_of_the_source_reads_it_right() {
    let text = "// crate::api\nuse crate::{wal, table::{Table, x}, record};\nlet a = \"crate::cli {\"; let c = '{'; fn f<'a>() {\n}\n/* fn g() { */ r#\"\n}\"#;\n";
    let code = code_of(text);
    assert_eq!(code.matches('\n').count(), text.matches('\n').count());
    let modules: Vec<_> = imports(&code).into_iter().map(|(line, module)| format!("{line} {module}")).collect();
    assert_eq!(modules, ["2 wal", "2 table", "2 record"]);
    assert_eq!(functions(&code), [("f", 2)]);
    assert_eq!(functions("fn declared(a: u8);\nfn long(\n  a: [u8; 2],\n) -> u8\nwhere A: Iterator<Item = B>,\n{ { } }\n"), [("long", 5)]);
}
