//! The data folder: one server at a time, and the note where it listens.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};

const LOCK_FILE: &str = "lock";
const LISTENING_FILE: &str = "listening.json";

/// Where the server listens, as printed on stdout and written to `listening.json`.
#[derive(Debug, Clone, Default, serde::Serialize, serde::Deserialize)]
pub struct Listening {
    /// HTTP: API, console, push.
    pub http: String,
    /// Whether HTTP is spoken over TLS.
    #[serde(default)]
    pub tls: bool,
    /// Syslog over TCP.
    pub syslog_tcp: Option<String>,
    /// Syslog over UDP.
    pub syslog_udp: Option<String>,
}

/// A data folder that this process holds. The kernel releases the lock when the process ends, however it ends.
#[derive(Debug)]
pub struct DataFolder {
    path: PathBuf,
    _lock: File,
}

impl DataFolder {
    /// Creates the folder if it is missing (readable by its owner only, for it holds the logs of a site) and takes it.
    pub fn lock(path: &Path) -> anyhow::Result<Self> {
        let cannot =
            || format!("the data folder {} cannot be opened; check that it is a folder that this user may write to", path.display());
        create_private(path).with_context(cannot)?;
        let lock = OpenOptions::new().create(true).truncate(false).write(true).open(path.join(LOCK_FILE)).with_context(cannot)?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { path: path.to_owned(), _lock: lock }),
            Err(TryLockError::WouldBlock) => {
                let listening = read_listening(path).map(|at| format!(" (it listens on {})", at.http)).unwrap_or_default();
                bail!(
                    "the data folder {} is in use by another Watchroom server{listening}; stop that one, or give this one its own folder with --data",
                    path.display()
                )
            }
            Err(TryLockError::Error(error)) => Err(error).with_context(cannot),
        }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes `listening.json`, whole or not at all.
    pub fn announce(&self, listening: &Listening) -> anyhow::Result<()> {
        let temporary = self.path.join("listening.json.tmp");
        let mut file = File::create(&temporary)?;
        file.write_all(serde_json::to_string(listening)?.as_bytes())?;
        file.write_all(b"\n")?;
        std::fs::rename(temporary, self.path.join(LISTENING_FILE))?;
        Ok(())
    }

    /// Takes `listening.json` away, so that nobody looks for a server that has stopped.
    pub fn withdraw(&self) {
        let _ = std::fs::remove_file(self.path.join(LISTENING_FILE));
    }
}

/// Where the server of a data folder says that it listens; it may have died since.
pub fn read_listening(folder: &Path) -> Option<Listening> {
    let text = std::fs::read_to_string(folder.join(LISTENING_FILE)).ok()?;
    serde_json::from_str(&text).ok()
}

fn create_private(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path)
}
