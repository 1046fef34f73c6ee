//! Every configuration key, its default and the reason for it.
//!
//! An empty text means "not set". Sizes are bytes, times are in the unit that the key ends with.

use std::fmt;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// The whole configuration, a section a field.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// `[data]`
    pub data: DataSettings,
    /// `[http]`
    pub http: HttpSettings,
    /// `[syslog]`
    pub syslog: SyslogSettings,
    /// `[access]`
    pub access: AccessSettings,
    /// `[wal]`
    pub wal: WalSettings,
    /// `[table]`
    pub table: TableSettings,
    /// `[query]`
    pub query: QuerySettings,
    /// `[detect]`
    pub detect: DetectSettings,
    /// `[capacity]`
    pub capacity: CapacitySettings,
    /// `[site]`
    pub site: SiteSettings,
    /// `[desk]`
    pub desk: DeskSettings,
    /// `[smtp]`
    pub smtp: SmtpSettings,
    /// `[webhooks]`
    pub webhooks: WebhookSettings,
    /// `[log]`
    pub log: LogSettings,
}

/// `[data]`: where everything is kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DataSettings {
    /// Folder of the tables, the write-ahead log and the desk's store.
    pub dir: PathBuf,
}

impl Default for DataSettings {
    fn default() -> Self {
        Self { dir: "watchroom-data".into() }
    }
}

/// `[http]`: the API, the console and HTTP push.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct HttpSettings {
    /// Address; port 0 takes a free one.
    pub listen: String,
    /// Certificate chain, PEM; with `tls_key` it turns TLS on.
    pub tls_cert: String,
    /// Private key, PEM.
    pub tls_key: String,
    /// Connections open at the same time.
    pub max_connections: u64,
    /// Connections open at the same time from one address.
    pub max_connections_per_peer: u64,
    /// Time within which a request's head must have come (slow-loris).
    pub header_timeout_ms: u64,
    /// Time within which a request's body must have come.
    pub body_timeout_ms: u64,
    /// Largest body as sent.
    pub max_body_bytes: u64,
    /// Largest body after decompression.
    pub max_decompressed_bytes: u64,
}

impl Default for HttpSettings {
    fn default() -> Self {
        Self {
            listen: "127.0.0.1:8514".into(),
            tls_cert: String::new(),
            tls_key: String::new(),
            max_connections: 1024,
            max_connections_per_peer: 256,
            header_timeout_ms: 10_000,
            body_timeout_ms: 60_000,
            max_body_bytes: 16 << 20,
            max_decompressed_bytes: 64 << 20,
        }
    }
}

/// `[syslog]`: the syslog listeners.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SyslogSettings {
    /// TCP address; empty turns it off.
    pub tcp: String,
    /// UDP address; empty turns it off.
    pub udp: String,
    /// Networks that may send, such as `["10.0.0.0/8"]`; needed where the address is not loopback.
    pub allow: Vec<String>,
    /// Zone of time stamps that state none: `Europe/Vienna`, `-05:00`, `Z`; for HTTP and files too.
    pub time_zone: String,
    /// Other zones for single networks, the longest prefix first served: `["10.1.0.0/16=America/New_York"]`.
    pub time_zones: Vec<String>,
    /// Longest line kept whole; at most 1 MiB.
    pub max_line_bytes: u64,
    /// TCP connections open at the same time.
    pub max_connections: u64,
    /// TCP connections open at the same time from one address.
    pub max_connections_per_peer: u64,
    /// A TCP connection that is silent for this long is closed.
    pub idle_timeout_s: u64,
    /// Receive buffer asked of the kernel for UDP (it may give less: see `net.core.rmem_max`).
    pub udp_receive_buffer_bytes: u64,
}

impl Default for SyslogSettings {
    fn default() -> Self {
        Self {
            tcp: "127.0.0.1:5514".into(),
            udp: "127.0.0.1:5514".into(),
            allow: Vec::new(),
            time_zone: "Z".into(),
            time_zones: Vec::new(),
            max_line_bytes: 64 << 10,
            max_connections: 4096,
            max_connections_per_peer: 512,
            // Quiet devices keep a connection for hours; the connection limits bound what idle ones can hold.
            idle_timeout_s: 86_400,
            udp_receive_buffer_bytes: 16 << 20,
        }
    }
}

/// `[access]`: who may do what.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AccessSettings {
    /// Ask for a bearer token on loopback too.
    pub require_token: bool,
}

/// `[wal]`: the write-ahead log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct WalSettings {
    /// Logs written side by side for log lines (metrics have one of their own).
    pub log_shards: u64,
    /// Size at which a segment ends.
    pub segment_bytes: u64,
    /// Largest log of one shard; beyond it senders are held back.
    pub max_shard_bytes: u64,
}

impl Default for WalSettings {
    fn default() -> Self {
        // Two shards let one write while the other waits for the disk.
        // A segment holds the largest request whole (64 MiB of lines and their table). Space is taken as it is needed.
        Self { log_shards: 2, segment_bytes: 128 << 20, max_shard_bytes: 4 << 30 }
    }
}

/// `[table]`: from memory to Parquet.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TableSettings {
    /// Fresh rows of a table are written when they take this much memory.
    pub flush_bytes: u64,
    /// ... or when the oldest of them is this old.
    pub flush_age_ms: u64,
    /// Memory for fresh rows of all tables; beyond it senders are held back.
    pub fresh_limit_bytes: u64,
    /// Memory for blocks between socket and table.
    pub queue_bytes: u64,
    /// Delta commits between two checkpoints.
    pub checkpoint_interval_commits: u64,
}

impl Default for TableSettings {
    fn default() -> Self {
        Self {
            flush_bytes: 160 << 20,
            // Rows are visible at once: age only bounds the log to replay and what other programs see late.
            flush_age_ms: 30_000,
            fresh_limit_bytes: 512 << 20,
            queue_bytes: 64 << 20,
            checkpoint_interval_commits: 50,
        }
    }
}

/// `[query]`: limits around each SQL statement.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct QuerySettings {
    /// Statements that run at the same time; more wait a little, then are refused.
    pub max_concurrent: u64,
    /// Longest run, to the last row.
    pub timeout_ms: u64,
    /// Most rows in an answer.
    pub max_rows: u64,
    /// Most bytes in an answer, in memory.
    pub max_result_bytes: u64,
    /// Memory for all statements together.
    pub memory_bytes: u64,
}

impl Default for QuerySettings {
    fn default() -> Self {
        Self { max_concurrent: 8, timeout_ms: 60_000, max_rows: 1_000_000, max_result_bytes: 256 << 20, memory_bytes: 1 << 30 }
    }
}

/// `[detect]`: the rules.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DetectSettings {
    /// Run the rules.
    pub enabled: bool,
    /// Folder with rules of your own (`*.sql`), beside the built-in ones; a file of the same name replaces a built-in one.
    pub rules_dir: String,
    /// Store with each log line which template it is of (`template_id`). Without it rules over templates see nothing new.
    pub templates: bool,
}

impl Default for DetectSettings {
    fn default() -> Self {
        Self { enabled: true, rules_dir: String::new(), templates: true }
    }
}

/// `[capacity]`: what runs out, and when.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CapacitySettings {
    /// Take the days of resources and forecast them, once a day.
    pub enabled: bool,
    /// Folder with questions of your own (`*.sql`), beside the built-in ones; a file of the same name replaces a built-in one.
    pub questions_dir: String,
}

impl Default for CapacitySettings {
    fn default() -> Self {
        Self { enabled: true, questions_dir: String::new() }
    }
}

/// `[site]`: what stands where, what needs what, and when it is worked on. It lets findings be grouped by cause.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SiteSettings {
    /// Local time of weekly maintenance windows: a name of the tz database.
    pub time_zone: String,
    /// Hosts with their services and racks: `["db01: services=orders,postgres rack=A3"]`.
    pub hosts: Vec<String>,
    /// Hosts or services that need others: `["shop -> orders", "db01 -> san01"]`.
    pub depends_on: Vec<String>,
    /// Times in which findings open nothing: `["patches: hosts=web* weekly=sun@02:00+4h"]`.
    pub maintenance: Vec<String>,
}

impl Default for SiteSettings {
    fn default() -> Self {
        Self { time_zone: "UTC".into(), hosts: Vec::new(), depends_on: Vec::new(), maintenance: Vec::new() }
    }
}

/// `[desk]`: tickets and the people who work on them. What they set up themselves is in the store, not here.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DeskSettings {
    /// Whether the desk works by itself: assigns, calls, warns, sends. Off, tickets can be read and changed all the same.
    pub enabled: bool,
    /// Whether mail and webhooks leave. Off, they wait in the outbox: for a copy of the store on another machine, which must call nobody.
    pub send: bool,
    /// Where people reach this server, such as `https://watch.example.org`; empty: messages carry no links.
    pub public_url: String,
}

impl Default for DeskSettings {
    fn default() -> Self {
        Self { enabled: true, send: true, public_url: String::new() }
    }
}

/// `[smtp]`: the mail server that messages leave by.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SmtpSettings {
    /// Its name; empty: mail waits until there is one.
    pub host: String,
    /// Its port; 0: 587 with STARTTLS, 465 with TLS, 25 without.
    pub port: u64,
    /// `starttls`, `tls`, or `plain`, which is for this machine only.
    pub security: String,
    /// Allows `plain` to another machine: everybody on the way can then read mail and password.
    pub allow_plain: bool,
    /// The user to log in as; empty: no login.
    pub user: String,
    /// The user's password.
    pub password: String,
    /// The sender, such as `Watchroom <watchroom@example.org>`.
    pub from: String,
    /// Where answers go, if not to the sender.
    pub reply_to: String,
    /// A PEM file with certificates to trust besides the system's.
    pub ca_file: String,
}

impl Default for SmtpSettings {
    fn default() -> Self {
        let none = String::new;
        Self {
            host: none(),
            port: 0,
            security: "starttls".into(),
            allow_plain: false,
            user: none(),
            password: none(),
            from: none(),
            reply_to: none(),
            ca_file: none(),
        }
    }
}

impl fmt::Debug for SmtpSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SmtpSettings").field("host", &self.host).field("from", &self.from).finish_non_exhaustive()
    }
}

/// `[webhooks]`: what messages may be posted to.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct WebhookSettings {
    /// Allows addresses that begin with `http://`: everybody on the way can then read what is sent.
    pub allow_http: bool,
    /// Networks that are not of the public internet and may be called all the same: `["10.20.0.0/16"]`.
    pub allow_private: Vec<String>,
    /// A PEM file with certificates to trust besides the system's.
    pub ca_file: String,
}

/// `[log]`: what the server says about itself on stderr.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LogSettings {
    /// `error`, `warn`, `info`, `debug` or a filter such as `watchroom=debug,warn`.
    pub level: String,
}

impl Default for LogSettings {
    fn default() -> Self {
        Self { level: "info".into() }
    }
}
