//! What an operator can set about the log.

use std::time::Duration;

use super::error::OpenError;
use super::frame::{PAGE, RECORD_HEADER};

/// Settings of one shard.
#[derive(Debug, Clone, PartialEq, Eq, serde::Deserialize, serde::Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Size at which a segment is full, in bytes; no record is larger than this less a page. 64 KiB to 4 GiB.
    pub segment_bytes: u64,
    /// A new segment takes disk space in steps of this many bytes, so that an idle server does not hold a whole segment.
    pub grow_bytes: u64,
    /// Most that is written before an `fdatasync`, in bytes, record headers included; one larger entry is a group of its own.
    pub group_bytes: usize,
    /// How long to wait for company before a group is written that is smaller than `group_bytes`. The entries that arrive
    /// during an `fdatasync` form the next group anyway, so 0 loses nothing under load.
    pub group_delay_ms: u64,
    /// Most that the log may hold that the tables do not have yet, in bytes; at least two segments.
    pub max_bytes: u64,
    /// Released segments that are kept to be written over; others are deleted.
    pub spare_segments: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            // A rotation costs two or three syncs, and replay reads a released record only if its segment holds one that is
            // not: larger segments save syncs that are few already, and keep more that is not needed.
            segment_bytes: 64 << 20,
            grow_bytes: 8 << 20,
            // Sixteen blocks of a source. A larger group holds back its first entry for longer, to save the fixed cost of a
            // sync that is small against writing 4 MiB.
            group_bytes: 4 << 20,
            // Measured with `benches/wal.rs`: 1 ms adds 1 ms to the median of small appends and makes large ones no faster.
            group_delay_ms: 0,
            max_bytes: 4 << 30,
            spare_segments: 2,
        }
    }
}

impl Config {
    /// Refuses settings with which the log could not work.
    pub(super) fn check(&self) -> Result<(), OpenError> {
        let wrong = |setting, rule| Err(OpenError::Config { setting, rule });
        if self.segment_bytes < 64 << 10 || self.segment_bytes > u64::from(u32::MAX) {
            return wrong("segment_bytes", "64 KiB to 4 GiB");
        }
        if self.grow_bytes < PAGE || self.grow_bytes > self.segment_bytes {
            return wrong("grow_bytes", "4 KiB to segment_bytes");
        }
        if self.group_bytes == 0 || self.group_bytes as u64 > self.segment_bytes {
            return wrong("group_bytes", "1 to segment_bytes");
        }
        if self.group_delay_ms > 1_000 {
            return wrong("group_delay_ms", "at most 1000");
        }
        // The segment in use is never released: with less than two, a full one could keep the limit reached for ever.
        if self.max_bytes < 2 * self.segment_bytes {
            return wrong("max_bytes", "at least twice segment_bytes");
        }
        Ok(())
    }

    /// The largest payload that fits a segment, in bytes: all but the header page, the record's header and the end mark.
    pub(super) fn max_payload(&self) -> u64 {
        self.segment_bytes - PAGE - 2 * RECORD_HEADER as u64
    }

    pub(super) fn group_delay(&self) -> Duration {
        Duration::from_millis(self.group_delay_ms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_allowed() {
        Config::default().check().unwrap();
    }

    #[test]
    fn settings_that_would_jam_the_log_are_refused() {
        let default = Config::default;
        for (config, setting) in [
            (Config { segment_bytes: 1 << 10, ..default() }, "segment_bytes"),
            (Config { segment_bytes: 5 << 30, max_bytes: 20 << 30, ..default() }, "segment_bytes"),
            (Config { grow_bytes: 0, ..default() }, "grow_bytes"),
            (Config { group_bytes: 0, ..default() }, "group_bytes"),
            (Config { group_bytes: 0, ..default() }, "group_bytes"),
            (Config { group_delay_ms: 60_000, ..default() }, "group_delay_ms"),
            (Config { max_bytes: 100 << 20, ..default() }, "max_bytes"),
        ] {
            let error = config.check().unwrap_err().to_string();
            assert!(error.contains(setting), "{error}");
        }
    }
}
