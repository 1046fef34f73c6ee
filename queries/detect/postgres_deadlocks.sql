-- name: postgres_deadlocks
-- description: PostgreSQL has broken at least 10 deadlocks in 15 minutes: transactions lock each other out systematically.
-- schedule: every 15m
-- lookback: 15m
-- severity: medium
-- entity: host
-- title: PostgreSQL on {host} broke {value} deadlocks in 15 minutes
-- runbook: The log's DETAIL lines name the statements that wait for each other. Two places of the application lock the same rows in
--   different order: let both lock in one order (by key). Each deadlock is a transaction that failed; does the application repeat it?

-- One deadlock now and then is handled by a retry and is no incident. Counted in the log, or as the growth of the counter from
-- quarter-hour to quarter-hour; a counter that fell was reset, and counts from zero.
WITH said AS (
    SELECT date_bin(INTERVAL '15 minutes', timestamp) AS timestamp, host, count(*) AS deadlocks
    FROM logs
    WHERE timestamp >= $window_start AND timestamp < $window_end AND app LIKE 'postgres%' AND message LIKE '%ERROR:%deadlock detected%'
    GROUP BY 1, 2
),
counters AS (
    SELECT
        date_bin(INTERVAL '15 minutes', timestamp) AS timestamp,
        host,
        labels['datname'] AS database_name,
        last_value(value ORDER BY timestamp) AS value
    FROM metrics
    WHERE timestamp >= $read_start AND timestamp < $window_end
        AND name IN ('pg_stat_database_deadlocks', 'pg_stat_database_deadlocks_total')
    GROUP BY 1, 2, 3
),
grown AS (
    SELECT
        timestamp,
        host,
        value - first_value(value) OVER two AS growth,
        value
    FROM counters
    WINDOW two AS (
        PARTITION BY host, database_name ORDER BY timestamp RANGE BETWEEN INTERVAL '15 minutes' PRECEDING AND CURRENT ROW
    )
)
SELECT timestamp, host, CAST(max(deadlocks) AS BIGINT) AS value, 10 AS expected
FROM (
    SELECT timestamp, host, CAST(deadlocks AS DOUBLE) AS deadlocks FROM said
    UNION ALL
    SELECT timestamp, host, sum(CASE WHEN growth < 0 THEN value ELSE growth END) AS deadlocks FROM grown GROUP BY timestamp, host
)
WHERE timestamp >= $window_start
GROUP BY timestamp, host
HAVING max(deadlocks) >= 10

-- evidence:
SELECT timestamp, pid, message
FROM logs
WHERE timestamp >= $window_start AND timestamp < $window_end AND coalesce(host, '-') = $host AND app LIKE 'postgres%'
    AND (message LIKE '%deadlock%' OR message LIKE '%waits for %Lock%')
ORDER BY timestamp DESC, message
LIMIT 20
