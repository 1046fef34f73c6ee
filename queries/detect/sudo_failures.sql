-- name: sudo_failures
-- description: Somebody tries to become root: a user who may not, or nine wrong passwords within 15 minutes.
-- schedule: every 5m
-- lookback: 15m
-- severity: medium
-- entity: host, user_name
-- title: {user_name} tried {value} times to become another user on {host}
-- runbook: Ask the person. A new colleague who lacks a right: give it or explain. Nobody remembers it, or it is a service's account (www-data,
--   postgres): somebody is on the machine who should not be; look at `last`, at the processes of that user and at the files it made.

-- `user NOT in sudoers` counts at once: no working day needs it. Wrong passwords come in threes, one line for three attempts;
-- two such lines are a bad morning.
WITH attempts AS (
    SELECT
        date_bin(INTERVAL '5 minutes', timestamp) AS timestamp,
        host,
        coalesce(
            regexp_match(message, '^ *([^ ]{1,64}) : ')[1],
            regexp_match(message, '^FAILED [Ss][Uu] \(to [^)]{1,64}\) ([^ ]{1,64}) on')[1],
            '-'
        ) AS user_name,
        coalesce(CAST(regexp_match(message, '([0-9]{1,4}) incorrect password attempts?')[1] AS BIGINT), 1) AS times,
        message LIKE '%NOT in sudoers%' OR message LIKE '%command not allowed%' AS is_forbidden
    FROM logs
    WHERE timestamp >= $read_start AND timestamp < $window_end AND app IN ('sudo', 'su')
        AND (
            message LIKE '%incorrect password attempt%'
            OR message LIKE '%NOT in sudoers%'
            OR message LIKE '%command not allowed%'
            OR message LIKE 'FAILED SU (to %'
            OR message LIKE 'FAILED su (to %'
        )
),
bins AS (
    SELECT
        timestamp,
        host,
        user_name,
        sum(times) AS attempts,
        count(*) FILTER (WHERE is_forbidden) AS forbidden
    FROM attempts
    GROUP BY timestamp, host, user_name
),
judged AS (
    SELECT timestamp, host, user_name, forbidden, sum(attempts) OVER quarter AS value
    FROM bins
    WINDOW quarter AS (
        PARTITION BY host, user_name ORDER BY timestamp RANGE BETWEEN INTERVAL '10 minutes' PRECEDING AND CURRENT ROW
    )
)
SELECT timestamp, host, user_name, value, 0 AS expected
FROM judged
WHERE timestamp >= $window_start AND (forbidden > 0 OR value >= 9)

-- evidence:
SELECT timestamp, app, message
FROM logs
WHERE timestamp >= $read_start AND timestamp < $window_end AND coalesce(host, '-') = $host AND app IN ('sudo', 'su')
    AND strpos(message, $user_name) > 0
ORDER BY timestamp DESC, message
LIMIT 20
