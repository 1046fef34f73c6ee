-- name: log_rate_anomaly
-- description: An application on a host logs far more, or far less, than it usually does at this time of the day.
-- schedule: every 5m
-- learn: 14d
-- sensitivity: about once in 20 years
-- severity: low
-- entity: host, app
-- title: {app} on {host} logged {value} lines in 5 minutes, usually {expected} at this time
-- runbook: Read what it says: one line over and over is a loop or a retry, many different ones are load. If it says less than
--   usual, its work does not reach it: look at what stands before it.

-- The square root of a count has the same spread at every level, so that busy and quiet applications are judged alike. Only
-- those that log in most of the bins have a rate at all; the others are for `host_silent` and the rules about single lines.
WITH bins AS (
    SELECT date_bin(INTERVAL '5 minutes', timestamp) AS timestamp, host, app, count(*) AS lines
    FROM logs
    WHERE timestamp >= $window_start AND timestamp < $window_end AND host IS NOT NULL AND app IS NOT NULL
    GROUP BY 1, 2, 3
),
judged AS (
    SELECT
        timestamp,
        host,
        app,
        lines,
        anomaly(sqrt(CAST(lines AS DOUBLE)), $threshold) OVER (PARTITION BY host, app ORDER BY timestamp) AS reading,
        missing_after(CAST(lines AS DOUBLE)) OVER (PARTITION BY host, app ORDER BY timestamp) AS patience_s
    FROM bins
)
SELECT
    timestamp,
    host,
    app,
    lines AS value,
    round(power(greatest(reading['expected'], 0), 2)) AS expected,
    round(reading['score'], 2) AS score,
    reading['stream'] AS stream
FROM judged
WHERE reading['alarm'] AND patience_s <= 1200 AND abs(sqrt(CAST(lines AS DOUBLE)) - reading['expected']) >= 3

-- evidence:
SELECT timestamp, severity, message
FROM logs
WHERE timestamp >= $window_start AND timestamp < $window_end AND host = $host AND app = $app
ORDER BY timestamp, message
LIMIT 20
