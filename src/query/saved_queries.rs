//! The questions that ship with the program, to be asked by name: `queries/report/*.sql`.
//!
//! ```sql
//! -- name: filesystem_days_left
//! -- description: Days until each file system is full ...
//! -- window: 14d
//!
//! SELECT ...
//! ```
//!
//! They are asked about a window of time, like the rules: `$window_start` and `$window_end`.

/// A question with what its header says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SavedQuery {
    /// The file's name without its ending.
    pub name: &'static str,
    /// The whole text of the file, header included (to SQL the header is a comment).
    pub sql: &'static str,
}

/// All of them.
pub const SAVED_QUERIES: [SavedQuery; 7] = [
    SavedQuery { name: "backlog", sql: include_str!("../../queries/report/backlog.sql") },
    SavedQuery { name: "filesystem_days_left", sql: include_str!("../../queries/report/filesystem_days_left.sql") },
    SavedQuery { name: "oncall_load", sql: include_str!("../../queries/report/oncall_load.sql") },
    SavedQuery { name: "reopened", sql: include_str!("../../queries/report/reopened.sql") },
    SavedQuery { name: "response_times", sql: include_str!("../../queries/report/response_times.sql") },
    SavedQuery { name: "rule_noise", sql: include_str!("../../queries/report/rule_noise.sql") },
    SavedQuery { name: "sla_attainment", sql: include_str!("../../queries/report/sla_attainment.sql") },
];

impl SavedQuery {
    /// The question of that name.
    pub fn find(name: &str) -> Option<Self> {
        SAVED_QUERIES.into_iter().find(|query| query.name == name)
    }

    /// The value of a key of the header.
    pub fn header(&self, key: &str) -> Option<&'static str> {
        let comments = self.sql.lines().map_while(|line| line.strip_prefix("--"));
        comments.filter_map(|comment| comment.split_once(':')).find(|(name, _)| name.trim() == key).map(|(_, value)| value.trim())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_of_the_folder_ships_under_its_name_and_with_a_window() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/queries/report");
        let mut files: Vec<String> =
            std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        files.sort();
        assert_eq!(files, SAVED_QUERIES.map(|query| format!("{}.sql", query.name)));
        for query in SAVED_QUERIES {
            assert_eq!(query.header("name"), Some(query.name));
            assert!(query.header("window").is_some_and(|window| window.ends_with(['h', 'd'])), "{}", query.name);
            assert_eq!(SavedQuery::find(query.name), Some(query));
        }
        assert_eq!(SavedQuery::find("nothing"), None);
    }
}
