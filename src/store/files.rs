//! Files under the hash of their content: what was attached to tickets.
//!
//! A file's name is the SHA-256 of its bytes, so that no name that anybody sent becomes a path, and the same file is kept once.
//! [`FileStore::put`] returns after the bytes and their folder are synced.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

/// Name of the folder of attached files, in the data folder.
pub const ATTACHMENTS_FOLDER: &str = "attachments";

/// A folder of files.
#[derive(Debug, Clone)]
pub struct FileStore {
    root: PathBuf,
}

impl FileStore {
    /// The files below a folder, which is made with the first file.
    pub fn new(root: PathBuf) -> Self {
        Self { root }
    }

    /// Stores bytes and gives their SHA-256 as hexadecimal digits. Blocks.
    ///
    /// # Errors
    /// Those of the file system; then nothing is left under the hash.
    pub fn put(&self, bytes: &[u8]) -> io::Result<String> {
        let sha256: String = Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
        let path = self.path(&sha256).ok_or_else(|| io::Error::other("BUG: a hash is no hash"))?;
        if path.try_exists()? {
            return Ok(sha256);
        }
        let folder = path.parent().unwrap_or(&self.root);
        fs::create_dir_all(folder)?;
        // Written under a name of its own: two that come at once do not write into one another.
        let mut temporary = tempfile::NamedTempFile::new_in(folder)?;
        temporary.write_all(bytes)?;
        temporary.as_file().sync_all()?;
        temporary.persist(&path).map_err(|error| error.error)?;
        sync_folder(folder)?;
        sync_folder(&self.root)?;
        Ok(sha256)
    }

    /// The bytes under a hash. Blocks.
    ///
    /// # Errors
    /// [`io::ErrorKind::NotFound`] if there are none, [`io::ErrorKind::InvalidData`] if the disk has changed them.
    pub fn get(&self, sha256: &str) -> io::Result<Vec<u8>> {
        let path = self.path(sha256).ok_or(io::ErrorKind::NotFound)?;
        let bytes = fs::read(path)?;
        let found: String = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
        if found == sha256 { Ok(bytes) } else { Err(io::Error::new(io::ErrorKind::InvalidData, "the file was damaged on the disk")) }
    }

    /// The folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Where the bytes under a hash lie; `None` for what is no hash.
    pub fn path(&self, sha256: &str) -> Option<PathBuf> {
        let is_hash = sha256.len() == 64 && sha256.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        is_hash.then(|| self.root.join(&sha256[..2]).join(sha256))
    }
}

fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_put_comes_back_once_and_whole() {
        let folder = tempfile::tempdir().unwrap();
        let files = FileStore::new(folder.path().join("attachments"));
        let hash = files.put(b"screenshot").unwrap();
        assert_eq!(files.put(b"screenshot").unwrap(), hash);
        assert_eq!(files.get(&hash).unwrap(), b"screenshot");
        let path = folder.path().join("attachments").join(&hash[..2]).join(&hash);
        fs::write(path, b"screenshoT").unwrap();
        assert_eq!(files.get(&hash).unwrap_err().kind(), io::ErrorKind::InvalidData);
    }

    #[test]
    fn no_name_becomes_a_path() {
        let folder = tempfile::tempdir().unwrap();
        let files = FileStore::new(folder.path().to_owned());
        for name in ["../../etc/passwd", "", "..", &"A".repeat(64)] {
            assert_eq!(files.get(name).unwrap_err().kind(), io::ErrorKind::NotFound, "{name}");
        }
    }
}
