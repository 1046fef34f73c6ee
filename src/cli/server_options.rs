//! Options that several commands share.

use std::path::PathBuf;

use clap::Args;

use crate::config::{ConfigError, Overrides, Settings, load};

/// The configuration and its common keys.
#[derive(Debug, Clone, Default, Args)]
pub(super) struct ConfigOptions {
    /// Configuration file (TOML); every key can also be set as WATCHROOM_<SECTION>_<KEY>
    #[arg(long, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
    /// Folder of the data [data.dir]
    #[arg(long, value_name = "DIR")]
    pub(super) data: Option<PathBuf>,
}

/// Addresses to listen on.
#[derive(Debug, Clone, Default, Args)]
pub(super) struct ListenOptions {
    /// Address of the HTTP API; port 0 takes a free one [http.listen]
    #[arg(long, value_name = "ADDR")]
    pub(super) http: Option<String>,
    /// Address for syslog over TCP; "" turns it off [syslog.tcp]
    #[arg(long, value_name = "ADDR")]
    pub(super) syslog_tcp: Option<String>,
    /// Address for syslog over UDP; "" turns it off [syslog.udp]
    #[arg(long, value_name = "ADDR")]
    pub(super) syslog_udp: Option<String>,
}

impl ConfigOptions {
    /// The settings from file, environment and flags.
    pub(super) fn settings(&self, listen: &ListenOptions) -> Result<Settings, ConfigError> {
        let flags = [
            ("--data", "data", "dir", self.data.as_ref().map(|dir| dir.display().to_string())),
            ("--http", "http", "listen", listen.http.clone()),
            ("--syslog-tcp", "syslog", "tcp", listen.syslog_tcp.clone()),
            ("--syslog-udp", "syslog", "udp", listen.syslog_udp.clone()),
        ];
        load(&Overrides {
            file: self.config.clone(),
            environment: std::env::vars_os()
                .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
                .collect(),
            flags: flags.into_iter().filter_map(|(flag, section, key, value)| Some((flag, section, key, value?))).collect(),
        })
    }
}

/// Where the server is that a client command speaks to.
#[derive(Debug, Clone, Default, Args)]
pub(super) struct ClientOptions {
    #[command(flatten)]
    pub(super) config: ConfigOptions,
    /// URL of the server; without it, the server that runs on the data folder, or none: the folder is then opened directly
    #[arg(long, value_name = "URL", env = "WATCHROOM_SERVER")]
    pub(super) server: Option<String>,
    /// Token for the server
    #[arg(long, value_name = "TOKEN", env = "WATCHROOM_TOKEN", hide_env_values = true)]
    pub(super) token: Option<String>,
    /// Certificate (PEM) of the server's own authority, for https
    #[arg(long, value_name = "FILE")]
    pub(super) ca: Option<PathBuf>,
}
