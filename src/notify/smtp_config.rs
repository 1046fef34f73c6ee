//! How mail is sent: the configuration document.

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use lettre::message::Mailbox;
use serde::{Deserialize, Serialize};

use crate::clock::SECOND_US;
use crate::document::{Complaint, duration_us_within};

/// How the connection to the mail server is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SmtpSecurity {
    /// Begins in the clear and must change to TLS before anything else is said (RFC 3207). A server that does not offer it
    /// gets no mail and no password.
    #[default]
    Starttls,
    /// TLS from the first byte (RFC 8314 section 3.3).
    Tls,
    /// No TLS: for a mail server on this machine, or with `allow_plain`.
    Plain,
}

/// How mail is sent. The password is no part of it, so that the document can be shown and exported.
///
/// ```toml
/// host = "mail.example.org"
/// user = "watchroom"
/// from = "Watchroom <watchroom@example.org>"
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SmtpConfig {
    /// Name or address of the mail server; with TLS its certificate must be made out to it.
    pub host: String,
    /// Its port; if none is given 587 with STARTTLS, 465 with TLS (RFC 8314 section 7.3), 25 without.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// How the connection is protected.
    #[serde(default)]
    pub security: SmtpSecurity,
    /// Allows `security = "plain"` to a server that is not on this machine. Everybody on the way can then read mail and
    /// password.
    #[serde(default)]
    pub allow_plain: bool,
    /// The user to log in as; none: no login.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// The sender, with or without a name.
    pub from: String,
    /// Where answers go, if not to the sender.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply_to: Option<String>,
    /// The name by which this machine says hello; none: `[127.0.0.1]`, which some servers do not like.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hello_name: Option<String>,
    /// A PEM file with certificates to trust besides the system's: for a server with a certificate of the house.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_file: Option<PathBuf>,
    /// How long to wait for the connection, `"1s"` to `"5m"`; the whole session may take four times as long.
    #[serde(default = "thirty_seconds")]
    pub timeout: String,
}

/// A connection across the world takes a second; the rest is for servers that look up who is calling before they greet.
fn thirty_seconds() -> String {
    "30s".to_owned()
}

impl SmtpConfig {
    /// Everything that is wrong with the document; none: it can be used.
    pub fn check(&self) -> Vec<Complaint> {
        let mut complaints = Vec::new();
        let mut complain = |field: &str, why: &str| complaints.push(Complaint::new(field, why));
        if !is_host(&self.host) {
            complain("host", "is no name or address of a machine; write one such as mail.example.org");
        }
        if self.port == Some(0) {
            complain("port", "0 is no port; leave it out for the usual one");
        }
        if self.security == SmtpSecurity::Plain && !self.allow_plain && !is_loopback(&self.host) {
            complain(
                "security",
                "`plain` shows mail and password to everybody on the way; use `starttls` or `tls`, or say `allow_plain = true`",
            );
        }
        for (field, mailbox) in [("from", Some(&self.from)), ("reply_to", self.reply_to.as_ref())] {
            if mailbox.is_some_and(|text| text.len() > 300 || text.contains(char::is_control) || text.parse::<Mailbox>().is_err()) {
                complain(field, "is no sender; write one such as Watchroom <watchroom@example.org>");
            }
        }
        if self.hello_name.as_deref().is_some_and(|name| !is_host(name)) {
            complain("hello_name", "is no name of a machine; write one such as watch.example.org");
        }
        if self.user.as_deref().is_some_and(|user| user.is_empty() || user.len() > 300 || user.contains(char::is_control)) {
            complain("user", "must have 1 to 300 printable characters; leave it out for no login");
        }
        if let Err(why) = self.timeout() {
            complain("timeout", &why);
        }
        complaints
    }

    /// The port that is connected to.
    pub fn port(&self) -> u16 {
        self.port.unwrap_or(match self.security {
            SmtpSecurity::Starttls => 587,
            SmtpSecurity::Tls => 465,
            SmtpSecurity::Plain => 25,
        })
    }

    pub(super) fn wait(&self) -> Duration {
        self.timeout().unwrap_or(Duration::from_secs(30))
    }

    fn timeout(&self) -> Result<Duration, String> {
        duration_us_within(&self.timeout, SECOND_US..=300 * SECOND_US).map(|us| Duration::from_micros(us.unsigned_abs()))
    }
}

/// A DNS name or an IP address, without brackets.
fn is_host(text: &str) -> bool {
    let name = text.len() <= 253
        && text.split('.').all(|label| {
            (1..=63).contains(&label.len()) && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
        });
    name || text.parse::<IpAddr>().is_ok()
}

/// Whether what is sent there stays on this machine. `localhost` always does (RFC 6761 section 6.3).
fn is_loopback(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost") || host.parse::<IpAddr>().is_ok_and(|ip| ip.to_canonical().is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config() -> SmtpConfig {
        toml::from_str("host = 'mail.example.org'\nfrom = 'Watchroom <watchroom@example.org>'").unwrap()
    }

    fn fields(config: &SmtpConfig) -> Vec<String> {
        config.check().into_iter().map(|complaint| complaint.field).collect()
    }

    #[test]
    fn little_is_enough_and_is_safe() {
        let config = config();
        assert_eq!(config.check(), []);
        assert_eq!((config.security, config.port(), config.wait()), (SmtpSecurity::Starttls, 587, Duration::from_secs(30)));
        let written = toml::to_string(&config).unwrap();
        assert_eq!(toml::from_str::<SmtpConfig>(&written).unwrap(), config);
        let written = serde_json::to_string(&config).unwrap();
        assert_eq!(serde_json::from_str::<SmtpConfig>(&written).unwrap(), config);
        assert!(toml::from_str::<SmtpConfig>(&(written + "\npassword = 'x'")).is_err(), "a password has no place here");
    }

    #[test]
    fn plain_is_for_this_machine_or_for_who_says_so() {
        let mut plain = SmtpConfig { security: SmtpSecurity::Plain, ..config() };
        assert_eq!(fields(&plain), ["security"]);
        for host in ["localhost", "127.0.0.1", "127.8.8.8", "::1", "::ffff:127.0.0.1"] {
            assert_eq!(SmtpConfig { host: host.into(), ..plain.clone() }.check(), [], "{host}");
        }
        for host in ["localhost.example.org", "10.0.0.1", "::2", "0.0.0.0"] {
            assert_eq!(fields(&SmtpConfig { host: host.into(), ..plain.clone() }), ["security"], "{host}");
        }
        plain.allow_plain = true;
        assert_eq!(plain.check(), []);
    }

    #[test]
    fn what_could_carry_a_command_or_a_header_is_refused() {
        let wrong = SmtpConfig {
            host: "mail.example.org\r\nQUIT".into(),
            port: Some(0),
            from: "Watch <w@example.org>\r\nBcc: all@example.org".into(),
            reply_to: Some("nobody".into()),
            hello_name: Some("a\r\nMAIL FROM:<x@y>".into()),
            user: Some(String::new()),
            timeout: "1h".into(),
            ..config()
        };
        assert_eq!(fields(&wrong), ["host", "port", "from", "reply_to", "hello_name", "user", "timeout"]);
    }
}
