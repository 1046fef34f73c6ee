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

-- consumers:
-- Tables with their indexes: in one figure, or in two, as the version of the exporter has them.
WITH sizes AS (
    SELECT
        labels['schemaname'] || '.' || labels['relname'] AS relation,
        name AS part,
        last_value(value ORDER BY timestamp) AS bytes
    FROM metrics
    WHERE timestamp >= CAST($window_end AS TIMESTAMP) - INTERVAL '1 day' AND timestamp < $window_end
        AND name IN ('pg_stat_user_tables_size_bytes', 'pg_stat_user_tables_table_size_bytes', 'pg_stat_user_tables_index_size_bytes')
        AND host = $host AND labels['datname'] = $database
    GROUP BY 1, 2
)
SELECT
    relation AS name,
    coalesce(sum(bytes) FILTER (WHERE part = 'pg_stat_user_tables_size_bytes'), sum(bytes)) AS amount
FROM sizes
GROUP BY relation
ORDER BY amount DESC
LIMIT 10
