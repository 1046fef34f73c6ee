//! The code tables of RFC 5424, section 6.2.1.

const SEVERITIES: [&str; 8] = ["emergency", "alert", "critical", "error", "warning", "notice", "informational", "debug"];

const FACILITIES: [&str; 24] = [
    "kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron", "authpriv", "ftp", "ntp", "audit", "alert", "clock",
    "local0", "local1", "local2", "local3", "local4", "local5", "local6", "local7",
];

/// The word for a severity code; `None` above 7.
pub fn severity_name(code: u8) -> Option<&'static str> {
    SEVERITIES.get(usize::from(code)).copied()
}

/// The word for a facility code; `None` above 23.
pub fn facility_name(code: u8) -> Option<&'static str> {
    FACILITIES.get(usize::from(code)).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_at_the_edges() {
        assert_eq!(severity_name(3), Some("error"));
        assert_eq!(severity_name(8), None);
        assert_eq!(facility_name(23), Some("local7"));
        assert_eq!(facility_name(24), None);
    }
}
