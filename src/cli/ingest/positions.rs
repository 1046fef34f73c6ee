//! How far each file was sent to each server.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::Context as _;

use super::lines::FileKey;

/// Positions by server and file, in the user's state folder (`$XDG_STATE_HOME` or `~/.local/state`).
#[derive(Debug)]
pub(super) struct Positions {
    file: PathBuf,
    server: String,
    all: BTreeMap<String, BTreeMap<FileKey, u64>>,
}

impl Positions {
    /// Reads the list; one that is missing or unreadable is empty.
    pub(super) fn load(server: &str) -> Self {
        let home = || std::env::var_os("HOME").map_or_else(std::env::temp_dir, PathBuf::from).join(".local/state");
        let folder = std::env::var_os("XDG_STATE_HOME").map_or_else(home, PathBuf::from).join("watchroom");
        let file = folder.join("ingest-positions.json");
        let all = std::fs::read(&file).ok().and_then(|text| serde_json::from_slice(&text).ok()).unwrap_or_default();
        Self { file, server: server.to_owned(), all }
    }

    /// Bytes of the (decompressed) file that were sent.
    pub(super) fn get(&self, key: &FileKey) -> u64 {
        self.all.get(&self.server).and_then(|files| files.get(key)).copied().unwrap_or(0)
    }

    /// Notes a position, whole or not at all.
    pub(super) fn set(&mut self, key: &FileKey, position: u64) -> anyhow::Result<()> {
        self.all.entry(self.server.clone()).or_default().insert(key.clone(), position);
        let write = || -> std::io::Result<()> {
            if let Some(folder) = self.file.parent() {
                std::fs::create_dir_all(folder)?;
            }
            let temporary = self.file.with_extension("tmp");
            std::fs::write(&temporary, serde_json::to_vec(&self.all)?)?;
            std::fs::rename(&temporary, &self.file)
        };
        write().with_context(|| format!("the position cannot be noted in {}", self.file.display()))
    }
}
