//! What a backup says of itself.

use std::path::Path;

use anyhow::{Context as _, bail};
use serde::{Deserialize, Serialize};

use crate::store::LATEST_SCHEMA;

/// Name of the manifest in a backup.
pub const MANIFEST_FILE: &str = "manifest.json";

/// The form of backup that this program writes, and the only one that it reads.
pub const FORMAT: u32 = 1;

/// The manifest of a backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// The form of the backup.
    pub format: u32,
    /// Version of the program that made it.
    pub program: String,
    /// Version of the database's schema.
    pub schema: i64,
    /// When it was made: RFC 3339, UTC.
    pub made_at: String,
    /// The database.
    pub database: Stored,
    /// The attached files, in the order of their hashes, which are their names.
    pub attachments: Vec<Stored>,
    /// Attached files that the database names and that could not be read.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<Missing>,
}

/// A file of a backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stored {
    /// Its size.
    pub bytes: u64,
    /// SHA-256 of its content, in hexadecimal digits.
    pub sha256: String,
}

/// An attached file that is not in the backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Missing {
    /// SHA-256 of its content, as the database has it.
    pub sha256: String,
    /// Why it is not there.
    pub why: String,
}

impl Manifest {
    /// Reads the manifest of a backup that this program can restore.
    ///
    /// # Errors
    /// If the folder is no backup, or one that a newer program made.
    pub(super) fn read(backup: &Path) -> anyhow::Result<Self> {
        let path = backup.join(MANIFEST_FILE);
        let bytes = std::fs::read(&path).with_context(|| {
            format!("{} is no backup: its {MANIFEST_FILE} cannot be read; name a folder that `watchroom backup` made", backup.display())
        })?;
        let torn = || format!("the backup {} is damaged: {MANIFEST_FILE} is not what was written; take another backup", backup.display());
        let document: serde_json::Value = serde_json::from_slice(&bytes).with_context(torn)?;
        // Before the rest, which another form may have under other names.
        let format = document["format"].as_u64().with_context(torn)?;
        if format != u64::from(FORMAT) {
            bail!(
                "the backup {} has the form {format}, and this program reads the form {FORMAT}; restore it with the version that made it ({})",
                backup.display(),
                document["program"].as_str().unwrap_or("unknown")
            );
        }
        let manifest: Self = serde_json::from_value(document).with_context(torn)?;
        if manifest.schema > LATEST_SCHEMA {
            bail!(
                "the backup {} has schema version {}, and this program knows versions up to {LATEST_SCHEMA}; \
                 restore it with version {} of Watchroom or a later one",
                backup.display(),
                manifest.schema,
                manifest.program
            );
        }
        Ok(manifest)
    }
}
