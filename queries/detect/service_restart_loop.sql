-- name: service_restart_loop
-- description: A service ends and is started again over and over, by systemd or the container runtime.
-- schedule: every 5m
-- lookback: 10m
-- severity: high
-- entity: host, unit
-- title: {unit} on {host} was restarted {value} times in 10 minutes
-- runbook: `journalctl -u` of the unit (`kubectl logs --previous`, `docker logs`): what does it say last before it ends? A release or a
--   configuration that is newer than the first restart goes back first. Otherwise: a port in use, a database that cannot be
--   reached, memory (`oom_kill`).

-- Five restarts in ten minutes are no accident; systemd's own limit (`Start request repeated too quickly`) counts alone, since
-- then it has given up.
WITH bins AS (
    SELECT
        date_bin(INTERVAL '5 minutes', timestamp) AS timestamp,
        host,
        coalesce(
            regexp_match(message, '^([^ ]{1,200}\.[a-z]+): (?:Scheduled restart|Start request)')[1],
            regexp_match(message, 'container[ =]"?([A-Za-z0-9_.-]{1,100})')[1],
            '-'
        ) AS unit,
        count(*) FILTER (WHERE message NOT LIKE '%repeated too quickly%') AS restarts,
        count(*) FILTER (WHERE message LIKE '%repeated too quickly%') AS given_up
    FROM logs
    WHERE timestamp >= $read_start AND timestamp < $window_end
        AND (
            (app = 'systemd' AND (message LIKE '%: Scheduled restart job%' OR message LIKE '%: Start request repeated too quickly%'))
            OR (app IN ('kubelet', 'k3s') AND message LIKE '%ack-off%restarting failed container%')
        )
    GROUP BY 1, 2, 3
),
judged AS (
    SELECT timestamp, host, unit, given_up, sum(restarts) OVER ten AS value
    FROM bins
    WINDOW ten AS (PARTITION BY host, unit ORDER BY timestamp RANGE BETWEEN INTERVAL '5 minutes' PRECEDING AND CURRENT ROW)
)
SELECT timestamp, host, unit, value, 5 AS expected
FROM judged
WHERE timestamp >= $window_start AND (value >= 5 OR given_up > 0)

-- evidence:
SELECT timestamp, app, message
FROM logs
WHERE timestamp >= $read_start AND timestamp < $window_end AND coalesce(host, '-') = $host
    AND (strpos(message, $unit) > 0 OR app = split_part($unit, '.', 1))
ORDER BY timestamp DESC, message
LIMIT 20
