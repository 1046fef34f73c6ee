-- name: backup_window
-- description: How long each backup takes, against the hours of the night that it has.
-- kind: backup_window
-- entity: host, job
-- used: duration_s
-- fixed_limit: 28800
-- unit: seconds
-- headroom: 15%
-- basis: max
-- runbook: Eight hours are assumed for a night; say another window in the capacity policy. Incremental runs, exclusions and a second
--   stream come before faster storage.

SELECT
    date_bin(INTERVAL '1 hour', timestamp) AS timestamp,
    host,
    coalesce(labels['job_name'], labels['archive'], labels['client'], '') AS job,
    max(value) AS duration_s
FROM metrics
WHERE timestamp >= $window_start AND timestamp < $window_end
    AND name IN ('backup_duration_seconds', 'backup_last_duration_seconds', 'borg_last_backup_duration_seconds') AND value > 0
GROUP BY 1, 2, 3
