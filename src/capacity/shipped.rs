//! The questions that come with the program.

use super::CapacityQuestion;
use crate::sql_file::{FileContent, SqlFileError};

impl FileContent for CapacityQuestion {
    const WORD: &'static str = "capacity question";
    const FOLDER_KEY: &'static str = "capacity.questions_dir";
    const SHIPPED: &'static [(&'static str, &'static str)] = &SHIPPED_QUESTIONS;

    fn parse(file: &str, text: &str) -> Result<Self, SqlFileError> {
        Self::parse(file, text)
    }
}

/// Name of the file and its text, for each question in `queries/capacity/`.
pub const SHIPPED_QUESTIONS: [(&str, &str); 10] = [
    ("backup_window.sql", include_str!("../../queries/capacity/backup_window.sql")),
    ("certificates.sql", include_str!("../../queries/capacity/certificates.sql")),
    ("cpu.sql", include_str!("../../queries/capacity/cpu.sql")),
    ("database_connections.sql", include_str!("../../queries/capacity/database_connections.sql")),
    ("database_size.sql", include_str!("../../queries/capacity/database_size.sql")),
    ("filesystem_space.sql", include_str!("../../queries/capacity/filesystem_space.sql")),
    ("licences.sql", include_str!("../../queries/capacity/licences.sql")),
    ("log_volume.sql", include_str!("../../queries/capacity/log_volume.sql")),
    ("memory.sql", include_str!("../../queries/capacity/memory.sql")),
    ("network_port.sql", include_str!("../../queries/capacity/network_port.sql")),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_of_the_folder_ships_and_can_be_read() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/queries/capacity");
        let mut files: Vec<String> =
            std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        files.sort();
        assert_eq!(files, SHIPPED_QUESTIONS.map(|(file, _)| file));
        for (file, text) in SHIPPED_QUESTIONS {
            CapacityQuestion::parse(file, text).unwrap_or_else(|error| panic!("{error}"));
        }
    }
}
