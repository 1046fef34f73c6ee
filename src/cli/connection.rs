//! How a client command reaches the data: over HTTP to a running server, or to one that it starts in this process for as
//! long as the command lasts. Either way the same routes are called.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, anyhow, bail};
use bytes::Bytes;
use reqwest::{Certificate, Client, Method, RequestBuilder, Response, Url};

use super::server_options::{ClientOptions, ListenOptions};
use super::terminal;
use crate::app::App;
use crate::clock::Clock;
use crate::config::Settings;
use crate::data_folder::{DataFolder, read_listening};

/// How long an answer of `/health` may take before the server counts as gone.
const HEALTH_TIMEOUT: Duration = Duration::from_secs(2);

/// A server to speak to.
#[derive(Debug)]
pub(super) struct Connection {
    client: Client,
    base: Url,
    /// What the server is known by, also when it comes back on another port: its data folder, or the URL that was given.
    name: String,
    token: Option<String>,
    /// The server in this process, when none ran.
    own: Option<Box<App>>,
}

impl Connection {
    /// Finds or starts the server. `watching` runs the rules in a server of our own too.
    pub(super) async fn open(options: &ClientOptions) -> anyhow::Result<Self> {
        // A folder that was named may be begun.
        Self::open_or_begin(options, options.config.data.is_some() || options.config.config.is_some()).await
    }

    /// The same, but never begins a folder: what is said of one that a slip of the pen made would be about nothing.
    pub(super) async fn open_what_is_there(options: &ClientOptions) -> anyhow::Result<Self> {
        Self::open_or_begin(options, false).await
    }

    async fn open_or_begin(options: &ClientOptions, may_begin: bool) -> anyhow::Result<Self> {
        let client = client(options)?;
        let token = options.token.clone();
        if let Some(server) = &options.server {
            let base = Url::parse(server).with_context(|| format!("`{server}` is no URL; write it like http://127.0.0.1:8514"))?;
            return Ok(Self { client, name: base.to_string(), base, token, own: None });
        }
        let settings =
            options.config.settings(&ListenOptions::default()).map_err(|error| anyhow!("the configuration is wrong\n{error}"))?;
        if let Some(base) = running_server(&client, &settings).await {
            return Ok(Self { client, base, name: folder_name(&settings.data.dir), token, own: None });
        }
        if !may_begin && !settings.data.dir.join("tables").try_exists().unwrap_or(false) {
            bail!(
                "no server runs on the data folder {}, and there is no data in it; start one with `watchroom serve`, \
                 or name the folder with --data or the server with --server",
                settings.data.dir.display()
            );
        }
        Self::embedded(client, settings).await
    }

    /// A server in this process: no syslog, no rules, a free port.
    async fn embedded(client: Client, mut settings: Settings) -> anyhow::Result<Self> {
        terminal::start_logging("warn")?;
        settings.http.listen = "127.0.0.1:0".into();
        settings.http.tls_cert.clear();
        settings.http.tls_key.clear();
        settings.access.require_token = false;
        settings.syslog.tcp.clear();
        settings.syslog.udp.clear();
        settings.detect.enabled = false;
        // A question must not send mail or call anybody.
        settings.desk.enabled = false;
        let app = App::start(&settings, Clock::System).await?;
        let base = Url::parse(&format!("http://{}", app.listening.http))?;
        Ok(Self { client, base, name: folder_name(&settings.data.dir), token: None, own: Some(Box::new(app)) })
    }

    /// Speaks to a server that the caller started itself.
    pub(super) fn to(listening_http: &str) -> anyhow::Result<Self> {
        let base = Url::parse(&format!("http://{listening_http}"))?;
        Ok(Self { client: Client::builder().no_proxy().build()?, name: base.to_string(), base, token: None, own: None })
    }

    /// What the server is known by.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    fn request(&self, method: Method, path: &str) -> anyhow::Result<RequestBuilder> {
        let request = self.client.request(method, self.base.join(path)?);
        Ok(match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        })
    }

    /// Asks for something in a form and gives the answer, whatever its status.
    pub(super) async fn get(&self, path: &str, accept: &str) -> anyhow::Result<Response> {
        self.send(self.request(Method::GET, path)?.header("accept", accept)).await
    }

    /// Sends a body and gives the answer, whatever its status.
    pub(super) async fn post(&self, path: &str, content_type: &str, body: Bytes) -> anyhow::Result<Response> {
        self.send(self.request(Method::POST, path)?.header("content-type", content_type).body(body)).await
    }

    /// Sends what is to stand at the path, and gives the answer, whatever its status.
    pub(super) async fn put(&self, path: &str, content_type: &str, body: Bytes) -> anyhow::Result<Response> {
        self.send(self.request(Method::PUT, path)?.header("content-type", content_type).body(body)).await
    }

    async fn send(&self, request: RequestBuilder) -> anyhow::Result<Response> {
        request.send().await.with_context(|| format!("the server at {} does not answer; is it running?", self.base))
    }

    /// Ends the server in this process, if there is one.
    pub(super) async fn close(self) {
        if let Some(app) = self.own {
            app.stop().await;
        }
    }
}

/// The words of an error answer: its detail and hint, or its status.
pub(super) async fn error_text(response: Response) -> String {
    let status = response.status();
    let body = response.text().await.unwrap_or_default();
    let problem: serde_json::Value = serde_json::from_str(&body).unwrap_or_default();
    match (problem["detail"].as_str(), problem["hint"].as_str()) {
        (Some(detail), Some(hint)) => format!("{detail}; {hint}"),
        (Some(detail), None) => detail.to_owned(),
        _ => format!("the server answered {status}"),
    }
}

fn client(options: &ClientOptions) -> anyhow::Result<Client> {
    let mut builder = Client::builder().no_proxy();
    if let Some(path) = &options.ca {
        let pem = std::fs::read(path).with_context(|| format!("the certificate {} cannot be read", path.display()))?;
        builder =
            builder.add_root_certificate(Certificate::from_pem(&pem).with_context(|| format!("{} is no PEM certificate", path.display()))?);
    }
    Ok(builder.build()?)
}

/// A data folder by its full path, however it was written.
fn folder_name(folder: &Path) -> String {
    folder.canonicalize().unwrap_or_else(|_| folder.to_owned()).display().to_string()
}

/// The server that `listening.json` names, if it answers. One that was killed leaves its note, and its port may be
/// another server's by now; but not its lock on the folder.
async fn running_server(client: &Client, settings: &Settings) -> Option<Url> {
    let listening = read_listening(&settings.data.dir)?;
    if DataFolder::lock(&settings.data.dir).is_ok() {
        return None;
    }
    let scheme = if listening.tls { "https" } else { "http" };
    let base = Url::parse(&format!("{scheme}://{}", listening.http)).ok()?;
    let answer = client.get(base.join("/health").ok()?).timeout(HEALTH_TIMEOUT).send().await;
    answer.is_ok_and(|answer| answer.status().is_success()).then_some(base)
}
