-- name: error_burst
-- description: An application on one host logs far more errors (severity error or worse) than in its own past hour.
-- schedule: every 5m
-- lookback: 1h
-- severity: high
-- entity: host, app
-- title: {app} on {host} logged {value} errors in 5 minutes (usual: {expected})
-- runbook: Read the sample lines: do they say the same thing over and over?
--   If a release or a change went out shortly before, roll it back first and look for the cause after that.
--   If other applications on the same host show errors too, look at the host (disk, memory, network) before the application.

-- Five minutes are judged against the median of the twelve before them. The median, because a burst half an hour ago must
-- not hide this one; bins without errors count as zero, and so does an application that was never heard of. Under 20
-- errors nobody is woken, whatever the ratio.
WITH bins AS (
    SELECT date_bin(INTERVAL '5 minutes', timestamp) AS timestamp, host, app, count(*) AS errors
    FROM logs
    WHERE timestamp >= $read_start AND timestamp < $window_end AND severity <= 3
    GROUP BY 1, 2, 3
),
judged AS (
    SELECT
        timestamp,
        host,
        app,
        errors AS value,
        -- Largest first; the sixth of twelve is missing when fewer bins have errors at all.
        coalesce(array_sort(array_agg(errors) OVER (
            PARTITION BY host, app ORDER BY timestamp RANGE BETWEEN INTERVAL '60 minutes' PRECEDING AND INTERVAL '5 minutes' PRECEDING
        ), 'DESC')[6], 0) AS expected
    FROM bins
)
SELECT timestamp, host, app, value, expected
FROM judged
WHERE timestamp >= $window_start AND value >= 20 AND value > 4 * expected

-- evidence:
SELECT timestamp, severity, pid, message
FROM logs
WHERE timestamp >= $window_start AND timestamp < $window_end
    AND severity <= 3 AND coalesce(host, '-') = $host AND coalesce(app, '-') = $app
ORDER BY timestamp, message
LIMIT 20
