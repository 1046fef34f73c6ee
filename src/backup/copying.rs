//! Files copied or read with their SHA-256, and folders made durable.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

use sha2::{Digest, Sha256};

use super::Stored;

/// What is read at once: large enough that a disk is not asked too often, small enough for any machine.
const BUFFER_BYTES: usize = 1 << 20;

/// Is told how many bytes were worked on since it was last told.
pub(super) type Progress<'a> = &'a dyn Fn(u64);

/// Size and hash of a file.
pub(super) fn measure(path: &Path, progress: Progress<'_>) -> io::Result<Stored> {
    pump(File::open(path)?, io::sink(), progress)?
}

/// Copies a file into a new one, readable by its owner only, and syncs it. Gives size and hash of what was copied.
///
/// # Errors
/// The outer error is that of writing, the inner one that of reading.
pub(super) fn copy(from: &Path, to: &Path, progress: Progress<'_>) -> io::Result<io::Result<Stored>> {
    let from = match File::open(from) {
        Ok(from) => from,
        Err(error) => return Ok(Err(error)),
    };
    let mut to = OpenOptions::new().write(true).create_new(true).mode(0o600).open(to)?;
    let stored = pump(from, &mut to, progress)?;
    to.sync_all()?;
    Ok(stored)
}

fn pump(mut from: impl Read, mut to: impl Write, progress: Progress<'_>) -> io::Result<io::Result<Stored>> {
    let (mut hash, mut bytes, mut buffer) = (Sha256::new(), 0, vec![0; BUFFER_BYTES]);
    loop {
        let read = match from.read(&mut buffer) {
            Ok(0) => break,
            Ok(read) => &buffer[..read],
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Ok(Err(error)),
        };
        hash.update(read);
        to.write_all(read)?;
        bytes += read.len() as u64;
        progress(read.len() as u64);
    }
    let sha256 = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(Ok(Stored { bytes, sha256 }))
}

/// Makes a folder that only its owner may enter; one that is there already is left as it is.
pub(super) fn make_folder(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// Makes the names in a folder durable.
pub(super) fn sync_folder(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

/// The folder that holds a path: of a bare name the working folder.
pub(super) fn parent(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}
