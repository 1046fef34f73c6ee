//! CPU time and peak memory of the process, as Linux reports them.

#![allow(dead_code, reason = "each benchmark uses a part of it")]

use std::time::Duration;

/// CPU time of all threads that are alive.
pub(crate) fn cpu_time() -> Duration {
    let tasks = std::fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
    let nanoseconds = tasks.filter_map(|task| {
        let text = std::fs::read_to_string(task.path().join("schedstat")).ok()?;
        text.split(' ').next()?.parse::<u64>().ok()
    });
    Duration::from_nanos(nanoseconds.sum())
}

/// The most memory the process held since the last call of [`reset_peak_memory`], in MiB.
pub(crate) fn peak_memory_mib() -> f64 {
    memory_mib("VmHWM:")
}

/// Memory the process holds now, in MiB.
pub(crate) fn memory_mib_now() -> f64 {
    memory_mib("VmRSS:")
}

/// Starts [`peak_memory_mib`] anew.
pub(crate) fn reset_peak_memory() {
    let _ = std::fs::write("/proc/self/clear_refs", "5");
}

fn memory_mib(field: &str) -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(field)).unwrap_or_default();
    line.trim().trim_end_matches(" kB").parse::<f64>().unwrap_or(0.0) / 1_024.0
}
