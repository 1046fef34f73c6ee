-- name: database_size
-- description: Size of each PostgreSQL database. It has a limit where the capacity policy or an asset gives one.
-- kind: database_size
-- entity: host, database
-- used: size_bytes
-- unit: bytes
-- headroom: 20%
-- basis: last
-- runbook: Tables that are only written (audits, events) can be partitioned and their old parts archived; bloat goes with
--   `pg_repack`.

SELECT
    date_bin(INTERVAL '1 hour', timestamp) AS timestamp,
    host,
    coalesce(labels['datname'], '') AS database,
    last_value(value ORDER BY timestamp) AS size_bytes
FROM metrics
WHERE timestamp >= $window_start AND timestamp < $window_end AND name = 'pg_database_size_bytes'
GROUP BY 1, 2, 3
