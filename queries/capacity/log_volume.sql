-- name: log_volume
-- description: Bytes of log messages a day, by application. It has a limit where the capacity policy gives one (a quota, a licence by volume).
-- kind: log_volume
-- entity: app
-- used: bytes_per_day
-- unit: bytes
-- headroom: 20%
-- basis: max
-- runbook: The few kinds of lines that make most of the volume are listed as its largest consumers; many can be lowered in level, or be
--   counted instead of logged.

-- What is stored here, and what a log shipper counts where not all of it comes here.
WITH readings AS (
    SELECT date_bin(INTERVAL '1 hour', timestamp) AS timestamp, host, coalesce(labels['app'], '') AS app, max(value) AS bytes
    FROM metrics
    WHERE timestamp >= CAST($window_start AS TIMESTAMP) - INTERVAL '1 hour' AND timestamp < $window_end
        AND name = 'log_received_bytes_total'
    GROUP BY 1, 2, 3
),
steps AS (
    SELECT timestamp, app, bytes - lag(bytes) OVER (PARTITION BY host, app ORDER BY timestamp) AS bytes FROM readings
)
SELECT date_bin(INTERVAL '1 day', timestamp) AS timestamp, app, sum(bytes) AS bytes_per_day
FROM steps
WHERE bytes >= 0 AND timestamp >= $window_start
GROUP BY 1, 2
UNION ALL
SELECT date_bin(INTERVAL '1 day', timestamp) AS timestamp, coalesce(app, '') AS app, CAST(sum(octet_length(message)) AS DOUBLE) AS bytes_per_day
FROM logs
WHERE timestamp >= $window_start AND timestamp < $window_end
GROUP BY 1, 2

-- consumers:
SELECT coalesce(CAST(template_id AS TEXT), 'without a template') || ': ' || substr(min(message), 1, 80) AS name,
    CAST(sum(octet_length(message)) AS DOUBLE) / 30 AS amount,
    -- What is written for whoever develops it can go where nobody does.
    coalesce(CAST(sum(octet_length(message)) FILTER (WHERE severity = 7) AS DOUBLE) / 30, 0) AS removable
FROM logs
WHERE timestamp >= $window_start AND timestamp < $window_end AND coalesce(app, '') = $app
GROUP BY template_id
ORDER BY amount DESC
LIMIT 10
