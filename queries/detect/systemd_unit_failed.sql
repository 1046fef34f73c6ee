-- name: systemd_unit_failed
-- description: A systemd unit has failed and was not started again within a minute.
-- schedule: every 5m
-- lookback: 2m
-- severity: medium
-- entity: host, unit
-- title: {unit} on {host} has failed
-- runbook: `systemctl status` and `journalctl -u` of the unit: the last lines before `Failed with result` say why. Repair, `systemctl
--   start` it, and `systemctl reset-failed` what is not needed any more. A failed timer's job (backup, certificate renewal) is
--   missed silently: run it now.

-- A unit that systemd starts again by itself (`Scheduled restart job`) has not failed for good: `service_restart_loop` looks
-- after those. To know it, a failure is judged a minute after it happened, in the five minutes in which that minute ends.
-- Sessions of users and their units come and go.
WITH events AS (
    SELECT
        timestamp,
        host,
        coalesce(
            regexp_match(message, '^([^ ]{1,200}\.[a-z]+): (?:Failed with|Scheduled restart)')[1],
            regexp_match(message, '^Unit ([^ ]{1,200}) entered failed state')[1],
            regexp_match(message, '^Started ([^ ]{1,200}\.[a-z]+)')[1]
        ) AS unit,
        message LIKE '%Failed with result%' OR message LIKE 'Unit % entered failed state%' AS is_failure
    FROM logs
    WHERE timestamp >= $read_start AND timestamp < $window_end AND app = 'systemd'
        AND (
            message LIKE '%: Failed with result%'
            OR message LIKE 'Unit % entered failed state%'
            OR message LIKE '%: Scheduled restart job%'
            OR message LIKE 'Started %'
        )
),
followed AS (
    SELECT
        host,
        unit,
        is_failure,
        timestamp + INTERVAL '1 minute' AS judged_at,
        lead(is_failure) OVER following AS next_is_failure,
        lead(timestamp) OVER following AS next_at
    FROM events
    WHERE unit IS NOT NULL AND unit NOT LIKE 'user@%' AND unit NOT LIKE '%.scope' AND unit NOT LIKE 'run-%'
    WINDOW following AS (PARTITION BY host, unit ORDER BY timestamp, is_failure DESC)
),
measured AS (
    SELECT date_bin(INTERVAL '5 minutes', timestamp) AS timestamp, host, labels['name'] AS unit, min(value) AS value, count(*) AS samples
    FROM metrics
    WHERE timestamp >= $window_start AND timestamp < $window_end AND name = 'node_systemd_unit_state' AND labels['state'] = 'failed'
        AND value = 1
    GROUP BY 1, 2, 3
)
SELECT timestamp, host, unit, 1 AS value, 0 AS expected
FROM (
    SELECT date_bin(INTERVAL '5 minutes', judged_at) AS timestamp, host, unit
    FROM followed
    WHERE is_failure AND judged_at >= $window_start AND judged_at < $window_end
        AND (next_at IS NULL OR next_at > judged_at OR next_is_failure)
    UNION
    SELECT timestamp, host, unit FROM measured WHERE samples >= 2
)

-- evidence:
SELECT timestamp, app, message
FROM logs
WHERE timestamp >= $read_start AND timestamp < $window_end AND coalesce(host, '-') = $host
    AND (strpos(message, $unit) > 0 OR app = split_part($unit, '.', 1))
ORDER BY timestamp DESC, message
LIMIT 20
