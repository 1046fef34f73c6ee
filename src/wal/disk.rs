//! The system calls that can meet a full or a failing disk, in one place, so that tests can make them fail.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

/// Writes and syncs files.
#[derive(Debug, Clone, Default)]
pub(super) struct Disk {
    #[cfg(test)]
    pub(super) faults: std::sync::Arc<faults::Faults>,
}

impl Disk {
    /// Writes all of `bytes` at `offset`; on an error, a part may have been written.
    pub(super) fn write(&self, file: &File, bytes: &[u8], offset: u64) -> io::Result<()> {
        #[cfg(test)]
        let bytes = self.faults.before_write(file, bytes, offset)?;
        file.write_all_at(bytes, offset)
    }

    /// Returns when the file's bytes and its length are on disk.
    pub(super) fn sync(&self, file: &File) -> io::Result<()> {
        #[cfg(test)]
        self.faults.before_sync()?;
        file.sync_data()
    }

    /// Cuts the file to `length`, extends it again to `zeros_to` without taking space, and returns when that is on disk.
    pub(super) fn cut(&self, file: &File, length: u64, zeros_to: u64) -> io::Result<()> {
        file.set_len(length)?;
        file.set_len(zeros_to)?;
        file.sync_all()
    }

    /// Returns when the names in the folder are on disk.
    pub(super) fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        File::open(folder)?.sync_all()
    }
}

#[cfg(test)]
pub(super) mod faults {
    use std::fs::File;
    use std::io;
    use std::os::unix::fs::FileExt;
    use std::sync::atomic::{AtomicBool, AtomicI64, Ordering::SeqCst};

    /// What the disk refuses. The refusals are those of a real one: a short write, then the error.
    #[derive(Debug)]
    pub(in crate::wal) struct Faults {
        /// Bytes that can still be written before `ENOSPC`.
        pub(in crate::wal) room: AtomicI64,
        /// Error number that the next sync returns, once; 0 for none.
        pub(in crate::wal) next_sync: AtomicI64,
        /// Whether writes fail with `EIO`.
        pub(in crate::wal) broken: AtomicBool,
    }

    impl Default for Faults {
        fn default() -> Self {
            Self { room: AtomicI64::new(i64::MAX), next_sync: AtomicI64::new(0), broken: AtomicBool::new(false) }
        }
    }

    impl Faults {
        pub(super) fn before_write<'a>(&self, file: &File, bytes: &'a [u8], offset: u64) -> io::Result<&'a [u8]> {
            if self.broken.load(SeqCst) {
                return Err(io::Error::from_raw_os_error(libc::EIO));
            }
            let room = self.room.load(SeqCst);
            if room == i64::MAX {
                return Ok(bytes);
            }
            if room < bytes.len() as i64 {
                file.write_all_at(&bytes[..room.max(0) as usize], offset)?;
                self.room.store(0, SeqCst);
                return Err(io::Error::from_raw_os_error(libc::ENOSPC));
            }
            self.room.fetch_sub(bytes.len() as i64, SeqCst);
            Ok(bytes)
        }

        pub(super) fn before_sync(&self) -> io::Result<()> {
            match self.next_sync.swap(0, SeqCst) {
                0 => Ok(()),
                number => Err(io::Error::from_raw_os_error(number as i32)),
            }
        }
    }
}
