//! A server process: started on free ports, asked over HTTP, killed or stopped, never left behind.

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// A start replays the log, and the machine may be busy.
const START_TIMEOUT: Duration = Duration::from_secs(90);

/// What a service manager gives a server between SIGTERM and SIGKILL.
pub(crate) const STOP_TIMEOUT: Duration = Duration::from_secs(10);

/// The program under test.
pub(crate) fn binary() -> PathBuf {
    std::env::var_os("WATCHROOM_BIN").map_or_else(|| env!("CARGO_BIN_EXE_watchroom").into(), PathBuf::from)
}

/// The program with nothing of our own environment in it; the state folder is `folder`'s.
pub(crate) fn program(folder: &Path) -> Command {
    let mut command = Command::new(binary());
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("WATCHROOM_")) {
        command.env_remove(name);
    }
    command.env("XDG_STATE_HOME", folder.join("state")).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// How to start a server.
#[derive(Debug, Clone)]
pub(crate) struct Launch {
    folder: PathBuf,
    environment: Vec<(String, String)>,
    arguments: Vec<String>,
}

impl Launch {
    /// On the data folder `data` below `folder`, on free loopback ports, without rules.
    pub(crate) fn on(folder: &Path) -> Self {
        let listen = ["--http", "127.0.0.1:0", "--syslog-tcp", "127.0.0.1:0", "--syslog-udp", "127.0.0.1:0"];
        let launch = Self { folder: folder.to_owned(), environment: Vec::new(), arguments: listen.map(str::to_owned).to_vec() };
        launch.env("WATCHROOM_DETECT_ENABLED", false)
    }

    /// Sets an environment variable; a later value wins.
    pub(crate) fn env(mut self, name: &str, value: impl ToString) -> Self {
        self.environment.retain(|(known, _)| known != name);
        self.environment.push((name.to_owned(), value.to_string()));
        self
    }

    /// Replaces the value of a flag that `on` has set.
    pub(crate) fn flag(mut self, flag: &str, value: &str) -> Self {
        match self.arguments.iter().position(|argument| argument == flag) {
            Some(at) => self.arguments[at + 1] = value.to_owned(),
            None => self.arguments.extend([flag.to_owned(), value.to_owned()]),
        }
        self
    }

    /// Starts the process and does not wait for it.
    pub(crate) fn spawn(&self) -> Process {
        let mut command = program(&self.folder);
        command.arg("serve").arg("--data").arg(self.folder.join("data")).args(&self.arguments);
        command.envs(self.environment.iter().cloned());
        let mut child = command.spawn().expect("the program starts");
        let stdout = Output::follow(child.stdout.take().expect("stdout is piped"));
        let stderr = Output::follow(child.stderr.take().expect("stderr is piped"));
        Process { child, stdout, stderr }
    }

    /// Starts a server and waits until it listens.
    pub(crate) async fn start(&self) -> Server {
        match self.try_start().await {
            Ok(server) => server,
            Err(refused) => panic!("the server did not start ({:?}):\n{}", refused.status, refused.stderr),
        }
    }

    /// Starts a server that may refuse to.
    pub(crate) async fn try_start(&self) -> Result<Server, Refused> {
        let mut process = self.spawn();
        let deadline = Instant::now() + START_TIMEOUT;
        loop {
            if let Some(line) = process.stdout.lines().first() {
                let listening = serde_json::from_str(line).expect("the first line on stdout is JSON");
                return Ok(Server { process, listening, client: plain_client(), folder: self.folder.clone(), token: None });
            }
            if let Some(status) = process.child.try_wait().expect("the child can be asked") {
                return Err(Refused { status, stderr: process.stderr.settled() });
            }
            assert!(Instant::now() < deadline, "no line on stdout for {START_TIMEOUT:?}:\n{}", process.stderr.text());
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

/// A server that ended instead of listening.
#[derive(Debug)]
pub(crate) struct Refused {
    pub(crate) status: ExitStatus,
    pub(crate) stderr: String,
}

/// Lines that a process writes, as they come.
#[derive(Debug, Clone)]
pub(crate) struct Output {
    lines: Arc<Mutex<Vec<String>>>,
    ended: Arc<std::sync::atomic::AtomicBool>,
}

impl Output {
    fn follow(pipe: impl Read + Send + 'static) -> Self {
        let output = Self { lines: Arc::default(), ended: Arc::default() };
        let (lines, ended) = (output.lines.clone(), output.ended.clone());
        std::thread::spawn(move || {
            for line in BufReader::new(pipe).split(b'\n').map_while(Result::ok) {
                lines.lock().unwrap().push(String::from_utf8_lossy(&line).into_owned());
            }
            ended.store(true, std::sync::atomic::Ordering::Release);
        });
        output
    }

    pub(crate) fn lines(&self) -> Vec<String> {
        self.lines.lock().unwrap().clone()
    }

    pub(crate) fn text(&self) -> String {
        self.lines().join("\n")
    }

    /// Everything, once the process has closed its end.
    fn settled(&self) -> String {
        let deadline = Instant::now() + Duration::from_secs(5);
        while !self.ended.load(std::sync::atomic::Ordering::Acquire) && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(2));
        }
        self.text()
    }
}

/// A process that is killed when it goes out of scope.
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
    pub(crate) stdout: Output,
    pub(crate) stderr: Output,
}

impl Process {
    /// `kill -9`, and waits until it is gone.
    pub(crate) fn kill(mut self) {
        self.child.kill().expect("the child can be killed");
        self.child.wait().expect("the child can be waited for");
    }

    /// SIGTERM; gives the exit status and the time it took.
    fn terminate(&mut self) -> (ExitStatus, Duration) {
        let started = Instant::now();
        let sent = Command::new("kill").arg("-TERM").arg(self.child.id().to_string()).status();
        assert!(sent.expect("kill runs").success());
        loop {
            if let Some(status) = self.child.try_wait().expect("the child can be asked") {
                return (status, started.elapsed());
            }
            assert!(started.elapsed() < 3 * STOP_TIMEOUT, "still running after SIGTERM:\n{}", self.stderr.text());
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            let lines = self.stderr.lines();
            eprintln!("--- the server's stderr (last 40 lines)\n{}\n---", lines[lines.len().saturating_sub(40)..].join("\n"));
        }
    }
}

/// A running server, and a client for it.
#[derive(Debug)]
pub(crate) struct Server {
    process: Process,
    listening: Value,
    pub(crate) client: reqwest::Client,
    pub(crate) folder: PathBuf,
    token: Option<String>,
}

/// What the server answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: reqwest::header::HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) async fn read(response: reqwest::Response) -> reqwest::Result<Self> {
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Ok(Self { status, headers, body: response.bytes().await?.to_vec() })
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or("")
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("no JSON ({error}): {}", self.text()))
    }

    /// Checks the form of an error: RFC 9457 with title, status and detail.
    pub(crate) fn assert_problem(&self, status: u16) {
        assert_eq!(self.status, status, "{}", self.text());
        assert_eq!(self.header("content-type"), "application/problem+json", "{}", self.text());
        let problem = self.json();
        assert_eq!(problem["status"], status, "{problem}");
        assert!(problem["title"].as_str().is_some_and(|title| !title.is_empty()), "{problem}");
        assert!(problem["detail"].as_str().is_some_and(|detail| !detail.is_empty()), "{problem}");
    }
}

fn plain_client() -> reqwest::Client {
    reqwest::Client::builder().no_proxy().build().expect("a client can be built")
}

impl Server {
    /// Where the server listens for `what`: `http`, `syslog_tcp` or `syslog_udp`.
    pub(crate) fn address(&self, what: &str) -> &str {
        self.listening[what].as_str().unwrap_or_else(|| panic!("{what} is not in {}", self.listening))
    }

    pub(crate) fn listening(&self) -> &Value {
        &self.listening
    }

    /// The URL of a path.
    pub(crate) fn url(&self, path: &str) -> String {
        let scheme = if self.listening["tls"] == true { "https" } else { "http" };
        // A server on all addresses is asked on the loopback.
        format!("{scheme}://{}{path}", self.address("http").replace("0.0.0.0", "127.0.0.1"))
    }

    /// Sends this token with every request from now on.
    pub(crate) fn use_token(&mut self, token: Option<&str>) {
        self.token = token.map(str::to_owned);
    }

    pub(crate) fn stdout(&self) -> Vec<String> {
        self.process.stdout.lines()
    }

    pub(crate) fn stderr(&self) -> String {
        self.process.stderr.text()
    }

    /// A request with the token, if there is one.
    pub(crate) fn request(&self, method: &str, path: &str) -> reqwest::RequestBuilder {
        let request = self.client.request(method.parse().unwrap(), self.url(path));
        match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        send(self.request("GET", path)).await
    }

    pub(crate) async fn post(&self, path: &str, body: impl Into<reqwest::Body>) -> Answer {
        send(self.request("POST", path).body(body)).await
    }

    /// Runs a statement; the answer may be an error.
    pub(crate) async fn try_sql(&self, query: &str) -> Answer {
        self.post("/api/v1/sql", json!({ "query": query, "format": "json" }).to_string()).await
    }

    /// The rows of a statement.
    pub(crate) async fn sql(&self, query: &str) -> Vec<Value> {
        let answer = self.try_sql(query).await;
        assert_eq!(answer.status, 200, "{query}\n{}", answer.text());
        rows_of(&answer.json())
    }

    /// The one number that a statement asks for.
    pub(crate) async fn number(&self, query: &str) -> i64 {
        let rows = self.sql(query).await;
        let value = rows[0].as_object().unwrap().values().next().unwrap();
        value.as_i64().unwrap_or_else(|| panic!("no number: {value}"))
    }

    /// Asks again and again until the statement's number is `wanted`.
    pub(crate) async fn wait_for(&self, query: &str, wanted: i64, at_most: Duration) {
        let started = Instant::now();
        loop {
            let found = self.number(query).await;
            if found == wanted {
                return;
            }
            assert!(started.elapsed() < at_most, "{query} is {found} and not {wanted} after {at_most:?}");
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
    }

    /// `kill -9`.
    pub(crate) fn kill(self) {
        self.process.kill();
    }

    /// SIGTERM, which must end it with exit code 0 within the ten seconds of a service manager.
    pub(crate) fn terminate(mut self) -> Stopped {
        let (status, took) = self.process.terminate();
        let stderr = self.process.stderr.settled();
        assert!(status.success(), "SIGTERM ended it with {status}:\n{stderr}");
        assert!(took < STOP_TIMEOUT, "the stop took {took:?}");
        Stopped { took, stdout: self.process.stdout.lines(), stderr }
    }
}

/// What a server that was stopped leaves.
#[derive(Debug)]
pub(crate) struct Stopped {
    pub(crate) took: Duration,
    pub(crate) stdout: Vec<String>,
    pub(crate) stderr: String,
}

async fn send(request: reqwest::RequestBuilder) -> Answer {
    let response = request.send().await.expect("the server answers");
    Answer::read(response).await.expect("the answer is whole")
}

/// The rows of a JSON answer; one that broke off with an error fails the test.
pub(crate) fn rows_of(document: &Value) -> Vec<Value> {
    assert!(document["error"].is_null(), "{document}");
    document["rows"].as_array().expect("an answer has rows").clone()
}
