-- name: ssh_bruteforce
-- description: One address has failed to log in on a host's sshd at least 10 times in 5 minutes.
-- schedule: every 1m
-- lookback: 5m
-- severity: medium
-- entity: host, source_address
-- title: {source_address} failed {value} times in 5 minutes to log in on {host} by SSH
-- runbook: See whether one of the attempts succeeded (`Accepted password` from the same address): then this is a break-in, not an attempt.
--   Block the address, and ask whether this port has to be open to it at all and whether passwords have to be allowed.

-- An attempt with an unknown name leaves two lines, `Invalid user` and `Failed password`, so the larger count is taken and
-- not the sum. `message repeated N times` stands for N lines.
WITH attempts AS (
    SELECT
        date_bin(INTERVAL '1 minute', timestamp) AS timestamp,
        host,
        regexp_match(message, ' from ([0-9A-Fa-f.:]+)')[1] AS source_address,
        regexp_match(message, '(?:for|[Ii]nvalid user)(?: invalid user)? ([^ ]+) from')[1] AS user_name,
        message LIKE '%Failed %' AS is_failure,
        coalesce(CAST(regexp_match(message, 'message repeated ([0-9]{1,9}) times')[1] AS BIGINT), 1) AS times
    FROM logs
    WHERE timestamp >= $read_start AND timestamp < $window_end AND app LIKE 'sshd%'
        AND (message LIKE '%Failed password for %' OR message LIKE '%Failed keyboard-interactive%' OR message LIKE '%Invalid user %')
),
minutes AS (
    SELECT
        timestamp,
        host,
        source_address,
        coalesce(sum(times) FILTER (WHERE is_failure), 0) AS failures,
        coalesce(sum(times) FILTER (WHERE NOT is_failure), 0) AS unknown_names,
        count(DISTINCT user_name) AS users_a_minute
    FROM attempts
    WHERE source_address IS NOT NULL
    GROUP BY timestamp, host, source_address
),
counted AS (
    SELECT
        timestamp,
        host,
        source_address,
        greatest(sum(failures) OVER five, sum(unknown_names) OVER five) AS value,
        users_a_minute
    FROM minutes
    WINDOW five AS (
        PARTITION BY host, source_address ORDER BY timestamp RANGE BETWEEN INTERVAL '4 minutes' PRECEDING AND CURRENT ROW
    )
)
SELECT timestamp, host, source_address, value, 10 AS expected, users_a_minute
FROM counted
WHERE timestamp >= $window_start AND value >= 10

-- evidence:
SELECT timestamp, pid, message
FROM logs
WHERE timestamp >= $read_start AND timestamp < $window_end AND app LIKE 'sshd%' AND coalesce(host, '-') = $host
    AND strpos(message, concat(' ', $source_address, ' ')) > 0
ORDER BY timestamp DESC, message
LIMIT 20
