-- name: error_burst
-- description: An application on one host logs far more errors (severity error or worse) than in its own past hour.
-- schedule: every 1m
-- window: 65m
-- catch_up: 5m
-- severity: high
-- entity: host, app
-- title: {app} on {host} logged {value} errors in 5 minutes (usual: {expected})
-- what_to_do: Read the sample lines: do they say the same thing over and over?
--   If a release or a change went out shortly before, roll it back first and look for the cause after that.
--   If other applications on the same host show errors too, look at the host (disk, memory, network) before the application.

-- The last five minutes are judged against the median of the past hour's twelve five-minute bins. The median, because a
-- burst half an hour ago must not hide this one; bins without errors count as zero, and so does an application that was
-- never heard of. Under 20 errors nobody is woken, whatever the ratio.
WITH bins AS (
    SELECT
        host,
        app,
        timestamp + INTERVAL '5 minutes' >= $window_end AS is_now,
        date_bin(INTERVAL '5 minutes', timestamp) AS bin,
        count(*) AS errors
    FROM logs
    WHERE timestamp >= $window_start AND timestamp < $window_end AND severity <= 3
    GROUP BY host, app, is_now, bin
),
ranked AS (
    SELECT *, row_number() OVER (PARTITION BY host, app, is_now ORDER BY errors DESC) AS place
    FROM bins
),
judged AS (
    SELECT
        host,
        app,
        coalesce(sum(errors) FILTER (WHERE is_now), 0) AS value,
        -- The sixth largest of twelve, zero when fewer bins have errors at all.
        coalesce(max(errors) FILTER (WHERE place = 6 AND NOT is_now), 0) AS expected
    FROM ranked
    GROUP BY host, app
)
SELECT host, app, value, expected
FROM judged
WHERE value >= 20 AND value > 4 * expected
ORDER BY value DESC, host, app

-- evidence:
SELECT timestamp, severity, pid, message
FROM logs
WHERE timestamp >= $window_start AND timestamp < $window_end AND timestamp + INTERVAL '5 minutes' >= $window_end
    AND severity <= 3 AND coalesce(host, '-') = $host AND coalesce(app, '-') = $app
ORDER BY timestamp
LIMIT 20
