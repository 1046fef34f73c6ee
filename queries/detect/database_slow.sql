-- name: database_slow
-- description: The slow statements that PostgreSQL logs on a host take four times as long as in the past six hours (median).
-- schedule: every 5m
-- lookback: 6h
-- severity: high
-- entity: host
-- title: PostgreSQL on {host} is slow: half of its logged statements took {value} ms and longer (usual: {expected} ms)
-- runbook: See in `pg_stat_activity` what runs and what waits for what. A new plan after a release, a missing index, a long
--   transaction that holds locks, and a disk that is busy with a backup are the usual causes.

-- Reads the lines that `log_min_duration_statement` writes. Five minutes are judged against the six hours before (all but
-- the last ten minutes of them, so that the beginning of a trouble is not its own measure); both need enough lines for a
-- percentile to mean something, and under 200 ms nobody notices. The median, because one slow report among ten statements is
-- no slow database.
WITH bins AS (
    SELECT timestamp, host, approx_percentile_cont(0.5) WITHIN GROUP (ORDER BY duration_ms) AS value, count(duration_ms) AS statements
    FROM (
        SELECT
            date_bin(INTERVAL '5 minutes', timestamp) AS timestamp,
            host,
            CAST(regexp_match(message, 'duration: ([0-9]{1,12}[.]?[0-9]*) ms')[1] AS DOUBLE) AS duration_ms
        FROM logs
        WHERE timestamp >= $read_start AND timestamp < $window_end AND app LIKE 'postgres%' AND message LIKE '%duration: % ms%'
    )
    GROUP BY timestamp, host
),
judged AS (
    SELECT
        timestamp,
        host,
        value,
        statements,
        sum(value * statements) OVER past / sum(statements) OVER past AS expected,
        sum(statements) OVER past AS statements_before
    FROM bins
    WINDOW past AS (
        PARTITION BY host ORDER BY timestamp RANGE BETWEEN INTERVAL '6 hours' PRECEDING AND INTERVAL '15 minutes' PRECEDING
    )
)
SELECT timestamp, host, round(value) AS value, round(expected) AS expected, statements, statements_before
FROM judged
WHERE timestamp >= $window_start AND statements >= 10 AND statements_before >= 50 AND value >= 200 AND value > 4 * expected

-- evidence:
SELECT timestamp, pid, message
FROM logs
WHERE timestamp >= $window_start AND timestamp < $window_end
    AND app LIKE 'postgres%' AND message LIKE '%duration: % ms%' AND coalesce(host, '-') = $host
ORDER BY CAST(regexp_match(message, 'duration: ([0-9]{1,12}[.]?[0-9]*) ms')[1] AS DOUBLE) DESC
LIMIT 20
