-- name: database_slow
-- description: The slow statements that PostgreSQL logs on a host take three times as long as in the past six hours (95th percentile).
-- schedule: every 5m
-- window: 370m
-- catch_up: 10m
-- severity: high
-- entity: host
-- title: PostgreSQL on {host} is slow: 95 % of its logged statements took up to {value} ms (usual: {expected} ms)
-- what_to_do: See in `pg_stat_activity` what runs and what waits for what. A new plan after a release, a missing index, a long
--   transaction that holds locks, and a disk that is busy with a backup are the usual causes.

-- Reads the lines that `log_min_duration_statement` writes. The last ten minutes are judged against the six hours before;
-- both need enough lines for a percentile to mean something, and under 200 ms nobody notices.
WITH statements AS (
    SELECT
        host,
        timestamp + INTERVAL '10 minutes' >= $window_end AS is_now,
        CAST(regexp_match(message, 'duration: ([0-9]{1,12}[.]?[0-9]*) ms')[1] AS DOUBLE) AS duration_ms
    FROM logs
    WHERE timestamp >= $window_start AND timestamp < $window_end AND app LIKE 'postgres%' AND message LIKE '%duration: % ms%'
),
judged AS (
    SELECT
        host,
        approx_percentile_cont(0.95) WITHIN GROUP (ORDER BY duration_ms) FILTER (WHERE is_now) AS value,
        approx_percentile_cont(0.95) WITHIN GROUP (ORDER BY duration_ms) FILTER (WHERE NOT is_now) AS expected,
        count(duration_ms) FILTER (WHERE is_now) AS statements,
        count(duration_ms) FILTER (WHERE NOT is_now) AS statements_before
    FROM statements
    GROUP BY host
)
SELECT host, round(value) AS value, round(expected) AS expected, statements, statements_before
FROM judged
WHERE statements >= 15 AND statements_before >= 50 AND value >= 200 AND value > 3 * expected
ORDER BY value DESC, host

-- evidence:
SELECT timestamp, pid, message
FROM logs
WHERE timestamp >= $window_start AND timestamp < $window_end AND timestamp + INTERVAL '10 minutes' >= $window_end
    AND app LIKE 'postgres%' AND message LIKE '%duration: % ms%' AND coalesce(host, '-') = $host
ORDER BY CAST(regexp_match(message, 'duration: ([0-9]{1,12}[.]?[0-9]*) ms')[1] AS DOUBLE) DESC
LIMIT 20
