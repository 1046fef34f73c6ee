-- name: postgres_replication_lag
-- description: A PostgreSQL replica has been more than 5 minutes behind for 10 minutes, or can no longer follow at all.
-- schedule: every 5m
-- lookback: 5m
-- severity: high
-- entity: host
-- title: The replica {host} is {value} seconds behind
-- runbook: On the primary: `SELECT * FROM pg_stat_replication`. No row: the replica is not connected (network, password, its disk).
--   `replay_lag` only: a long query on the replica holds replay up, or its disk is slow. `requested WAL segment has already been
--   removed`: the replica must be built anew; a replication slot would have kept the segment. Do not fail over to it meanwhile.

-- The smallest lag of ten minutes is judged: a checkpoint or a large transaction sets a replica back for a while. A replica that
-- lacks a segment never catches up, so that line counts at once.
WITH bins AS (
    SELECT date_bin(INTERVAL '5 minutes', timestamp) AS timestamp, host, min(value) AS lag_s
    FROM metrics
    WHERE timestamp >= $read_start AND timestamp < $window_end
        AND name IN ('pg_replication_lag_seconds', 'pg_replication_lag', 'pg_stat_replication_replay_lag_seconds')
    GROUP BY 1, 2
),
measured AS (
    SELECT timestamp, host, min(lag_s) OVER two AS lag_s, count(*) OVER two AS bins
    FROM bins
    WINDOW two AS (PARTITION BY host ORDER BY timestamp RANGE BETWEEN INTERVAL '5 minutes' PRECEDING AND CURRENT ROW)
),
lost AS (
    SELECT date_bin(INTERVAL '5 minutes', timestamp) AS timestamp, host
    FROM logs
    WHERE timestamp >= $window_start AND timestamp < $window_end AND app LIKE 'postgres%'
        AND message LIKE '%requested WAL segment%has already been removed%'
)
SELECT timestamp, host, round(max(lag_s)) AS value, 300 AS expected
FROM (
    SELECT timestamp, host, lag_s FROM measured WHERE timestamp >= $window_start AND bins = 2 AND lag_s >= 300
    UNION ALL
    SELECT timestamp, host, CAST(NULL AS DOUBLE) AS lag_s FROM lost
)
GROUP BY timestamp, host

-- evidence:
SELECT timestamp, severity, message
FROM logs
WHERE timestamp >= $read_start AND timestamp < $window_end AND coalesce(host, '-') = $host AND app LIKE 'postgres%'
    AND (message LIKE '%WAL%' OR message LIKE '%replication%' OR message LIKE '%recovery%')
ORDER BY timestamp DESC, message
LIMIT 20
