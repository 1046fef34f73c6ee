//! The rules that come with the program, so that it watches from the first minute.

use super::Rule;
use crate::sql_file::{FileContent, SqlFileError};

impl FileContent for Rule {
    const WORD: &'static str = "rule";
    const FOLDER_KEY: &'static str = "detect.rules_dir";
    const SHIPPED: &'static [(&'static str, &'static str)] = &SHIPPED_RULES;

    fn parse(file: &str, text: &str) -> Result<Self, SqlFileError> {
        Self::parse(file, text)
    }
}

/// Name of the file and its text, for each rule in `queries/detect/`.
pub const SHIPPED_RULES: [(&str, &str); 41] = [
    ("backup_failed.sql", include_str!("../../queries/detect/backup_failed.sql")),
    ("certificate_expiring.sql", include_str!("../../queries/detect/certificate_expiring.sql")),
    ("clock_skew.sql", include_str!("../../queries/detect/clock_skew.sql")),
    ("cpu_saturated.sql", include_str!("../../queries/detect/cpu_saturated.sql")),
    ("database_slow.sql", include_str!("../../queries/detect/database_slow.sql")),
    ("dhcp_pool_exhausted.sql", include_str!("../../queries/detect/dhcp_pool_exhausted.sql")),
    ("disk_errors.sql", include_str!("../../queries/detect/disk_errors.sql")),
    ("error_burst.sql", include_str!("../../queries/detect/error_burst.sql")),
    ("filesystem_filling.sql", include_str!("../../queries/detect/filesystem_filling.sql")),
    ("filesystem_full.sql", include_str!("../../queries/detect/filesystem_full.sql")),
    ("filesystem_inodes.sql", include_str!("../../queries/detect/filesystem_inodes.sql")),
    ("filesystem_readonly.sql", include_str!("../../queries/detect/filesystem_readonly.sql")),
    ("haproxy_server_down.sql", include_str!("../../queries/detect/haproxy_server_down.sql")),
    ("hardware_failure.sql", include_str!("../../queries/detect/hardware_failure.sql")),
    ("host_metric_anomaly.sql", include_str!("../../queries/detect/host_metric_anomaly.sql")),
    ("host_metrics_silent.sql", include_str!("../../queries/detect/host_metrics_silent.sql")),
    ("host_silent.sql", include_str!("../../queries/detect/host_silent.sql")),
    ("interface_errors.sql", include_str!("../../queries/detect/interface_errors.sql")),
    ("interface_flapping.sql", include_str!("../../queries/detect/interface_flapping.sql")),
    ("kernel_fault.sql", include_str!("../../queries/detect/kernel_fault.sql")),
    ("log_new_template.sql", include_str!("../../queries/detect/log_new_template.sql")),
    ("log_rate_anomaly.sql", include_str!("../../queries/detect/log_rate_anomaly.sql")),
    ("log_template_silent.sql", include_str!("../../queries/detect/log_template_silent.sql")),
    ("mail_queue.sql", include_str!("../../queries/detect/mail_queue.sql")),
    ("memory_low.sql", include_str!("../../queries/detect/memory_low.sql")),
    ("network_loop.sql", include_str!("../../queries/detect/network_loop.sql")),
    ("nginx_server_errors.sql", include_str!("../../queries/detect/nginx_server_errors.sql")),
    ("nginx_upstream_failures.sql", include_str!("../../queries/detect/nginx_upstream_failures.sql")),
    ("oom_kill.sql", include_str!("../../queries/detect/oom_kill.sql")),
    ("port_disabled.sql", include_str!("../../queries/detect/port_disabled.sql")),
    ("postgres_connections_exhausted.sql", include_str!("../../queries/detect/postgres_connections_exhausted.sql")),
    ("postgres_deadlocks.sql", include_str!("../../queries/detect/postgres_deadlocks.sql")),
    ("postgres_replication_lag.sql", include_str!("../../queries/detect/postgres_replication_lag.sql")),
    ("raid_degraded.sql", include_str!("../../queries/detect/raid_degraded.sql")),
    ("routing_neighbor_down.sql", include_str!("../../queries/detect/routing_neighbor_down.sql")),
    ("service_restart_loop.sql", include_str!("../../queries/detect/service_restart_loop.sql")),
    ("ssh_bruteforce.sql", include_str!("../../queries/detect/ssh_bruteforce.sql")),
    ("ssh_login_after_failures.sql", include_str!("../../queries/detect/ssh_login_after_failures.sql")),
    ("sudo_failures.sql", include_str!("../../queries/detect/sudo_failures.sql")),
    ("systemd_unit_failed.sql", include_str!("../../queries/detect/systemd_unit_failed.sql")),
    ("unexpected_reboot.sql", include_str!("../../queries/detect/unexpected_reboot.sql")),
];

/// The shipped rules, read. That they can be is tested, so an error is our own.
pub fn shipped_rules() -> Result<Vec<Rule>, SqlFileError> {
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
