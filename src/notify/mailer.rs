//! The mail sender: SMTP as a client (RFC 5321), one connection for each message.

use std::fmt;
use std::time::Duration;

use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, Tls, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use lettre::{AsyncSmtpTransport, AsyncTransport, Tokio1Executor};

use super::send_failure::with_causes;
use super::{Complaint, Message, NotifyError, SendFailure, SmtpConfig, SmtpSecurity, email_message};
use crate::clock::TimestampUs;

/// The longest that a message may take in all, in multiples of the time that one answer may take. A session has about eight
/// answers; a server that needs the whole time for each of them has no use for the mail.
const ANSWERS: u32 = 4;

/// Answers to a login that failed (RFC 4954 section 6). They are about the configuration, not about the message: once the
/// password is right again, the message goes out.
const LOGIN_CODES: [&str; 4] = ["530", "534", "535", "538"];

/// Sends mail to one server. Clones share the configuration.
#[derive(Clone)]
pub struct Mailer {
    config: SmtpConfig,
    transport: AsyncSmtpTransport<Tokio1Executor>,
}

impl fmt::Debug for Mailer {
    /// The transport holds the password, so it is left out.
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
        let tls = tls(&config).map_err(|complaint| wrong(vec![complaint]))?;
        let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(config.host.as_str())
            .port(config.port())
            .tls(tls)
            .timeout(Some(config.wait()));
        if let Some(name) = &config.hello_name {
            builder = builder.hello_name(ClientId::Domain(name.clone()));
        }
        if let (Some(user), Some(password)) = (&config.user, password) {
            builder = builder.credentials(Credentials::new(user.clone(), password.to_owned()));
        }
        Ok(Self { transport: builder.build(), config })
    }

    /// Sends a message to a mail address. Returns what the server said when it took it.
    ///
    /// # Errors
    /// A [`SendFailure`]: permanent for answers from 500 on (but not for a refused login), temporary for everything else.
    pub async fn send(&self, to: &str, message: &Message, now_us: TimestampUs) -> Result<String, SendFailure> {
        let mail = email_message(&self.config, to, message, now_us)?;
        let within: Duration = self.config.wait() * ANSWERS;
        match tokio::time::timeout(within, self.transport.send(mail)).await {
            Ok(Ok(response)) => Ok(format!("{} {}", response.code(), response.first_line().unwrap_or_default())),
            Ok(Err(error)) => Err(self.failure(&error)),
            Err(_) => Err(SendFailure::temporary(format!(
                "the mail server {} did not finish within {} s; see whether it is overloaded",
                self.config.host,
                within.as_secs()
            ))),
        }
    }

    fn failure(&self, error: &lettre::transport::smtp::Error) -> SendFailure {
        let (host, port) = (&self.config.host, self.config.port());
        let said = with_causes(error);
        let code = error.status().map(|code| code.to_string());
        if code.as_deref().is_some_and(|code| LOGIN_CODES.contains(&code)) {
            return SendFailure::temporary(format!("the mail server {host} refused the login ({said}); check user and password"));
        }
        if error.is_permanent() {
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

fn tls(config: &SmtpConfig) -> Result<Tls, Complaint> {
    if config.security == SmtpSecurity::Plain {
        return Ok(Tls::None);
    }
    let mut parameters = TlsParameters::builder(config.host.clone());
    if let Some(path) = &config.ca_file {
        let unreadable = |error: &dyn fmt::Display| Complaint::new("ca_file", format!("{} cannot be read ({error})", path.display()));
        let pem = std::fs::read(path).map_err(|error| unreadable(&error))?;
        parameters = parameters.add_root_certificate(Certificate::from_pem(&pem).map_err(|error| unreadable(&error))?);
    }
    let parameters =
        parameters.build().map_err(|error| Complaint::new("host", format!("TLS cannot be set up ({})", with_causes(&error))))?;
    Ok(if config.security == SmtpSecurity::Tls { Tls::Wrapper(parameters) } else { Tls::Required(parameters) })
}

#[cfg(test)]
#[path = "mailer_tests.rs"]
mod tests;
