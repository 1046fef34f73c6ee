//! The webhook sender: one HTTP request for each message, to public addresses only.
//!
//! The name of a URL is resolved once; all addresses that come back are judged by [`may_call`], and the connection goes to
//! these and no others: the resolver that the HTTP client uses *is* the one that judges, so that a name cannot answer
//! otherwise a moment later (DNS rebinding). No redirect is followed, no proxy of the environment is used, and of the answer
//! only the beginning is read.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::header::{CONTENT_TYPE, RETRY_AFTER};
use reqwest::{Certificate, Client, Response, StatusCode, redirect};
use serde::{Deserialize, Serialize};
use url::{Host, Url};

use super::plain_text::one_line;
use super::send_failure::with_causes;
use super::signature::{DELIVERY_HEADER, SIGNATURE_HEADER, signature};
use super::{Message, Network, NotifyError, SendFailure, Shape, may_call, webhook_body};
use crate::clock::{SECOND_US, TimestampUs};
use crate::document::{Complaint, duration_us_within};

/// How long a connection may take to be made: a public receiver answers within a second or two.
const CONNECT_WITHIN: Duration = Duration::from_secs(5);

/// How much of an answer is read: receivers explain themselves in a line.
const MAX_ANSWER_BYTES: usize = 4 * 1024;

/// How much of it is kept.
const MAX_ANSWER_CHARS: usize = 300;

/// Addresses of one name that are looked at. A name with more is refused rather than judged in part.
const MAX_ADDRESSES: usize = 64;

/// Names of ours in the requests.
const USER_AGENT: &str = concat!("Watchroom/", env!("CARGO_PKG_VERSION"));

/// How webhooks are sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct WebhookConfig {
    /// Allows URLs that begin with `http://`: everybody on the way can then read and change what is sent.
    pub allow_http: bool,
    /// Networks that are not of the public internet and may be called all the same: for a chat server of the house. At
    /// most 100.
    pub allow_private: Vec<Network>,
    /// A PEM file with certificates to trust besides the system's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ca_file: Option<PathBuf>,
    /// How long a request may take in all, `"1s"` to `"1m"`.
    pub timeout: String,
}

impl Default for WebhookConfig {
    /// Ten seconds: receivers are asked to answer first and work afterwards, and most chat systems do within one.
    fn default() -> Self {
        Self { allow_http: false, allow_private: Vec::new(), ca_file: None, timeout: "10s".to_owned() }
    }
}

impl WebhookConfig {
    /// Everything that is wrong with the document; none: it can be used.
    pub fn check(&self) -> Vec<Complaint> {
        let mut complaints = Vec::new();
        if self.allow_private.len() > 100 {
            complaints.push(Complaint::new("allow_private", "lists more than 100 networks; write larger ones"));
        }
        if let Err(why) = self.timeout() {
            complaints.push(Complaint::new("timeout", why));
        }
        complaints
    }

    fn timeout(&self) -> Result<Duration, String> {
        duration_us_within(&self.timeout, SECOND_US..=60 * SECOND_US).map(|us| Duration::from_micros(us.unsigned_abs()))
    }
}

/// Sends webhooks. Clones share the client.
#[derive(Clone)]
pub struct Webhooks {
    config: WebhookConfig,
    client: Client,
}

impl fmt::Debug for Webhooks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Webhooks").field("config", &self.config).finish_non_exhaustive()
    }
}

impl Webhooks {
    /// A sender with this configuration. Reads the system's certificates and `ca_file`, so it is for the start.
    ///
    /// # Errors
    /// [`NotifyError::Configuration`] with everything that [`WebhookConfig::check`] finds, or certificates that cannot be read.
    pub fn new(config: WebhookConfig) -> Result<Self, NotifyError> {
        Self::with_names(config, Names::System)
    }

    fn with_names(config: WebhookConfig, names: Names) -> Result<Self, NotifyError> {
        let wrong = |complaints| NotifyError::Configuration { what: "the webhook sender", complaints };
        let complaints = config.check();
        if !complaints.is_empty() {
            return Err(wrong(complaints));
        }
        let within = config.timeout().unwrap_or(Duration::from_secs(10));
        let mut builder = Client::builder()
            .user_agent(USER_AGENT)
            .redirect(redirect::Policy::none())
            .no_proxy()
            .https_only(!config.allow_http)
            .connect_timeout(CONNECT_WITHIN)
            .timeout(within)
            // Every message is judged anew; a kept connection would go to what was judged long ago.
            .pool_max_idle_per_host(0)
            .dns_resolver(Arc::new(JudgingResolver { allowed: config.allow_private.clone(), names }));
        if let Some(path) = &config.ca_file {
            let unreadable =
                |error: &dyn fmt::Display| wrong(vec![Complaint::new("ca_file", format!("{} cannot be read ({error})", path.display()))]);
            let pem = std::fs::read(path).map_err(|error| unreadable(&error))?;
            for certificate in Certificate::from_pem_bundle(&pem).map_err(|error| unreadable(&error))? {
                builder = builder.add_root_certificate(certificate);
            }
        }
        let client = builder
            .build()
            .map_err(|error| wrong(vec![Complaint::new("ca_file", format!("TLS cannot be set up ({})", with_causes(&error)))]))?;
        Ok(Self { config, client })
    }

    /// Sends a message to a URL, signed if there is a secret. Returns what the receiver said when it took it.
    ///
    /// # Errors
    /// A [`SendFailure`]: permanent for URLs that may not be called, redirects, and answers 4xx but 408, 425 and 429
    /// (RFC 9110 section 15.5, RFC 8470, RFC 6585); temporary for everything else.
    pub async fn send(
        &self,
        url: &str,
        shape: Shape,
        secret: Option<&[u8]>,
        message: &Message,
        now_us: TimestampUs,
    ) -> Result<String, SendFailure> {
        let url = self.judge_url(url)?;
        let body = webhook_body(shape, message);
        let mut request = self
            .client
            .post(url)
            .header(CONTENT_TYPE, "application/json")
            .header(DELIVERY_HEADER, one_line(&message.id, 100).replace(|c: char| !c.is_ascii(), "?"));
        if let Some(secret) = secret {
            request = request.header(SIGNATURE_HEADER, signature(secret, &body, now_us));
        }
        match request.body(body).send().await {
            Ok(response) => answer(response).await,
            Err(error) => Err(failure(error)),
        }
    }

    /// The URL, if it may be called as far as can be seen from it. Names are judged when they are resolved; addresses never
    /// are, so they are judged here.
    fn judge_url(&self, text: &str) -> Result<Url, SendFailure> {
        let refuse =
            |why: &str| SendFailure::permanent(format!("the webhook was not sent: {why}; correct the URL in the person's contacts"));
        let url = Url::parse(text).map_err(|error| refuse(&format!("its URL cannot be read ({error})")))?;
        match url.scheme() {
            "https" => {}
            "http" if self.config.allow_http => {}
            "http" => return Err(refuse("its URL begins with http://, and only https:// is allowed (`allow_http` would allow it)")),
            _ => return Err(refuse("its URL does not begin with https://")),
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(refuse("its URL holds a user or a password"));
        }
        let address = match url.host() {
            Some(Host::Ipv4(address)) => Some(IpAddr::V4(address)),
            Some(Host::Ipv6(address)) => Some(IpAddr::V6(address)),
            Some(Host::Domain(_)) => None,
            None => return Err(refuse("its URL names no machine")),
        };
        if let Some(address) = address {
            let judged = may_call(address, &self.config.allow_private).map_err(|kind| Refused { address, kind });
            judged.map_err(|refused| SendFailure::permanent(refused.to_string()))?;
        }
        Ok(url)
    }
}

/// An address that may not be called.
#[derive(Debug, thiserror::Error)]
#[error(
    "the webhook was not sent: it leads to {address}, {kind}; if that is meant, an administrator can list the network in `allow_private`"
)]
struct Refused {
    address: IpAddr,
    kind: &'static str,
}

/// Who knows the addresses of names.
#[derive(Debug, Clone)]
enum Names {
    /// The operating system.
    System,
    /// A table, for tests of names that the system does not know.
    #[cfg(test)]
    Table(std::collections::HashMap<String, Vec<IpAddr>>),
}

/// Resolves names to addresses that may all be called, or not at all.
#[derive(Debug, Clone)]
struct JudgingResolver {
    allowed: Vec<Network>,
    names: Names,
}

impl Resolve for JudgingResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let resolver = self.clone();
        Box::pin(async move {
            let addresses = resolver.names.lookup(name.as_str()).await?;
            for address in &addresses {
                // One forbidden address is enough: a name that leads to both is an attempt, or soon will be.
                may_call(address.ip(), &resolver.allowed).map_err(|kind| Refused { address: address.ip(), kind })?;
            }
            Ok(Box::new(addresses.into_iter()) as Addrs)
        })
    }
}

impl Names {
    async fn lookup(&self, name: &str) -> std::io::Result<Vec<SocketAddr>> {
        let addresses: Vec<SocketAddr> = match self {
            // The client puts the URL's port in the place of 0.
            Self::System => tokio::net::lookup_host((name, 0)).await?.take(MAX_ADDRESSES + 1).collect(),
            #[cfg(test)]
            Self::Table(table) => table.get(name).into_iter().flatten().map(|ip| SocketAddr::new(*ip, 0)).collect(),
        };
        match addresses.len() {
            0 => Err(std::io::Error::other("the name has no address")),
            1..=MAX_ADDRESSES => Ok(addresses),
            _ => Err(std::io::Error::other(format!("the name has more than {MAX_ADDRESSES} addresses"))),
        }
    }
}

/// What an answer means.
async fn answer(response: Response) -> Result<String, SendFailure> {
    let status = response.status();
    let retry_after = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.trim().parse().ok());
    let said = format!("{} {}", status.as_u16(), beginning(response).await).trim_end().to_owned();
    if status.is_success() {
        return Ok(said);
    }
    if status.is_redirection() {
        return Err(SendFailure::permanent(format!(
            "the receiver answered {said}; redirects are not followed: put the final URL into the contacts"
        )));
    }
    let again =
        status.is_server_error() || matches!(status, StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_EARLY | StatusCode::TOO_MANY_REQUESTS);
    match again {
        true => Err(SendFailure {
            retry_after: retry_after.map(Duration::from_secs),
            ..SendFailure::temporary(format!("the receiver answered {said}; see whether it is in order"))
        }),
        false => Err(SendFailure::permanent(format!("the receiver answered {said}; check URL, shape and secret in the contacts"))),
    }
}

/// The first line or two of an answer's body. Whatever goes wrong with the rest, the status was received.
async fn beginning(mut response: Response) -> String {
    let mut bytes = Vec::new();
    while bytes.len() < MAX_ANSWER_BYTES {
        let Ok(Some(chunk)) = response.chunk().await else { break };
        let room = MAX_ANSWER_BYTES - bytes.len();
        bytes.extend_from_slice(&chunk[..chunk.len().min(room)]);
    }
    one_line(&String::from_utf8_lossy(&bytes), MAX_ANSWER_CHARS)
}

/// The URL is left out of errors: those of chat systems are secrets.
fn failure(error: reqwest::Error) -> SendFailure {
    let error = error.without_url();
    let mut cause: Option<&dyn std::error::Error> = Some(&error);
    for _ in 0..10 {
        let Some(one) = cause else { break };
        if let Some(refused) = one.downcast_ref::<Refused>() {
            return SendFailure::permanent(refused.to_string());
        }
        cause = one.source();
    }
    SendFailure::temporary(format!(
        "the receiver could not be reached ({}); see that it runs and that its certificate is good",
        with_causes(&error)
    ))
}

#[cfg(test)]
#[path = "webhooks_tests.rs"]
mod tests;
