//! The rules that come with the program, so that it watches from the first minute.

use super::{Rule, RuleFileError};

/// Name of the file and its text, for each rule in `queries/detect/`.
pub const SHIPPED_RULES: [(&str, &str); 9] = [
    ("database_slow.sql", include_str!("../../queries/detect/database_slow.sql")),
    ("error_burst.sql", include_str!("../../queries/detect/error_burst.sql")),
    ("filesystem_full.sql", include_str!("../../queries/detect/filesystem_full.sql")),
    ("host_metric_anomaly.sql", include_str!("../../queries/detect/host_metric_anomaly.sql")),
    ("host_silent.sql", include_str!("../../queries/detect/host_silent.sql")),
    ("interface_flapping.sql", include_str!("../../queries/detect/interface_flapping.sql")),
    ("log_new_template.sql", include_str!("../../queries/detect/log_new_template.sql")),
    ("log_rate_anomaly.sql", include_str!("../../queries/detect/log_rate_anomaly.sql")),
    ("ssh_bruteforce.sql", include_str!("../../queries/detect/ssh_bruteforce.sql")),
];

/// The shipped rules, read. That they can be is tested, so an error is our own.
pub fn shipped_rules() -> Result<Vec<Rule>, RuleFileError> {
    SHIPPED_RULES.iter().map(|(file, text)| Rule::parse(file, text)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_in_the_folder_ships_and_reads() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/queries/detect");
        let shipped: Vec<_> = shipped_rules().unwrap().into_iter().map(|rule| format!("{}.sql", rule.name)).collect();
        let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        files.sort();
        assert_eq!(files, shipped);
    }
}
