//! The mail sender: SMTP as a client (RFC 5321), one connection for each message.

use std::fmt;
use std::time::Duration;

use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, TlsParameters};
use lettre::transport::smtp::extension::ClientId;

use super::send_failure::with_causes;
use super::smtp_session::{Protection, Session, SessionError};
use super::{Message, NotifyError, SendFailure, SmtpConfig, SmtpSecurity, email_message};
use crate::clock::TimestampUs;
use crate::document::Complaint;

/// The longest that a session may take in all, in multiples of [`SmtpConfig::timeout`], which is for making the connection.
/// RFC 5321 section 4.5.3.2 grants minutes for each answer; a server of the house that needs two for all of them is in
/// trouble, and the next attempt comes soon.
const SESSION: u32 = 4;

/// Answers to a login that failed (RFC 4954 section 6). They are about the configuration, not about the message: once the
/// password is right again, the message goes out.
const LOGIN_CODES: [&str; 4] = ["530", "534", "535", "538"];

/// Sends mail to one server. Clones share the configuration.
#[derive(Clone)]
pub struct Mailer {
    config: SmtpConfig,
    session: Session,
}

impl fmt::Debug for Mailer {
    /// The session holds the password, so it is left out.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mailer").field("config", &self.config).finish_non_exhaustive()
    }
}

impl Mailer {
    /// A sender with this configuration. Reads the system's certificates and `ca_file`, so it is for the start.
    ///
    /// # Errors
    /// [`NotifyError::Configuration`] with everything that [`SmtpConfig::check`] finds, a user without a password, or
    /// certificates that cannot be read.
    pub fn new(config: SmtpConfig, password: Option<&str>) -> Result<Self, NotifyError> {
        let wrong = |complaints| NotifyError::Configuration { what: "the mail sender", complaints };
        let mut complaints = config.check();
        if config.user.is_some() != password.is_some() {
            complaints.push(Complaint::new("user", "user and password stand together; give both or neither"));
        }
        if !complaints.is_empty() {
            return Err(wrong(complaints));
        }
        let session = Session {
            host: config.host.clone(),
            port: config.port(),
            hello: config.hello_name.clone().map_or_else(ClientId::default, ClientId::Domain),
            protection: protection(&config).map_err(|complaint| wrong(vec![complaint]))?,
            credentials: config.user.clone().zip(password).map(|(user, password)| Credentials::new(user, password.to_owned())),
            connect_within: config.wait(),
        };
        Ok(Self { config, session })
    }

    /// Sends a message to a mail address. Returns what the server said when it took it.
    ///
    /// # Errors
    /// A [`SendFailure`]: permanent for answers from 500 on (but not for a refused login), temporary for everything else.
    pub async fn send(&self, to: &str, message: &Message, now_us: TimestampUs) -> Result<String, SendFailure> {
        let mail = email_message(&self.config, to, message, now_us)?;
        let within: Duration = self.config.wait() * SESSION;
        match tokio::time::timeout(within, Box::pin(self.session.hand_over(&mail))).await {
            Ok(Ok(response)) => Ok(format!("{} {}", response.code(), response.first_line().unwrap_or_default())),
            Ok(Err(error)) => Err(self.failure(&error)),
            Err(_) => Err(SendFailure::temporary(format!(
                "the mail server {} did not finish within {} s; see whether it is overloaded",
                self.config.host,
                within.as_secs()
            ))),
        }
    }

    fn failure(&self, error: &SessionError) -> SendFailure {
        let (host, port) = (&self.config.host, self.config.port());
        let said = with_causes(error);
        let (code, permanent) = match error {
            SessionError::Connect(_) => (None, false),
            SessionError::Smtp(error) => (error.status().map(|code| code.to_string()), error.is_permanent()),
        };
        if code.as_deref().is_some_and(|code| LOGIN_CODES.contains(&code)) {
            return SendFailure::temporary(format!("the mail server {host} refused the login ({said}); check user and password"));
        }
        if permanent {
            return SendFailure::permanent(format!("the mail server {host} refused the message for good ({said}); check the address"));
        }
        if code.is_some() {
            return SendFailure::temporary(format!("the mail server {host} cannot take the message now ({said})"));
        }
        SendFailure::temporary(format!(
            "no mail could be handed to {host}:{port} ({said}); see that it runs, can be reached, and offers what the configuration asks for"
        ))
    }
}

fn protection(config: &SmtpConfig) -> Result<Protection, Complaint> {
    if config.security == SmtpSecurity::Plain {
        return Ok(Protection::Never);
    }
    let mut parameters = TlsParameters::builder(config.host.clone());
    if let Some(path) = &config.ca_file {
        let unreadable = |error: &dyn fmt::Display| Complaint::new("ca_file", format!("{} cannot be read ({error})", path.display()));
        let pem = std::fs::read(path).map_err(|error| unreadable(&error))?;
        parameters = parameters.add_root_certificate(Certificate::from_pem(&pem).map_err(|error| unreadable(&error))?);
    }
    let parameters =
        parameters.build().map_err(|error| Complaint::new("host", format!("TLS cannot be set up ({})", with_causes(&error))))?;
    Ok(if config.security == SmtpSecurity::Tls { Protection::FirstByte(parameters) } else { Protection::Starttls(parameters) })
}

#[cfg(test)]
#[path = "mailer_tests.rs"]
mod tests;
