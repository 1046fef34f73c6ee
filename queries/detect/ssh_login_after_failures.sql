-- name: ssh_login_after_failures
-- description: An address that failed at least 10 times within half an hour to log in by SSH has logged in with a password.
-- schedule: every 1m
-- lookback: 31m
-- severity: critical
-- entity: host, source_address
-- title: {source_address} logged in on {host} as {users} after {value} failures
-- runbook: Take it for a break-in until the owner of the account says otherwise (by phone). Cut the session and block the address, lock the
--   account, keep the machine as it is for a look (`last`, `w`, `~/.ssh/authorized_keys`, cron, new units, processes). Where else is
--   this password or key used? Then see `ssh_bruteforce` for other hosts that the address tried.

-- Only passwords and one-time codes: a key cannot be guessed, and behind one address (NAT) somebody with a key may sit next to
-- somebody who mistypes. A person who forgot a password gives up, or is right, before the tenth attempt.
WITH lines AS (
    SELECT
        date_bin(INTERVAL '1 minute', timestamp) AS timestamp,
        host,
        coalesce(regexp_match(message, ' from ([0-9A-Fa-f.:]+)')[1], regexp_match(message, 'rhost=([^ ]+)')[1]) AS source_address,
        message LIKE 'Accepted %' AS is_login,
        regexp_match(message, '^Accepted [^ ]+ for ([^ ]+) from')[1] AS user_name,
        coalesce(CAST(regexp_match(message, 'message repeated ([0-9]{1,9}) times')[1] AS BIGINT), 1) AS times
    FROM logs
    WHERE timestamp >= $read_start AND timestamp < $window_end AND app LIKE 'sshd%'
        AND (
            message LIKE '%Failed password for %'
            OR message LIKE '%Failed keyboard-interactive%'
            OR message LIKE 'Accepted password for %'
            OR message LIKE 'Accepted keyboard-interactive%'
        )
),
minutes AS (
    SELECT
        timestamp,
        host,
        source_address,
        coalesce(sum(times) FILTER (WHERE NOT is_login), 0) AS failures,
        count(*) FILTER (WHERE is_login) AS logins,
        array_to_string(array_sort(array_agg(DISTINCT user_name) FILTER (WHERE is_login)), ', ') AS users
    FROM lines
    WHERE source_address IS NOT NULL
    GROUP BY timestamp, host, source_address
),
judged AS (
    SELECT timestamp, host, source_address, logins, users, sum(failures) OVER half_hour AS value
    FROM minutes
    WINDOW half_hour AS (
        PARTITION BY host, source_address ORDER BY timestamp RANGE BETWEEN INTERVAL '30 minutes' PRECEDING AND CURRENT ROW
    )
)
SELECT timestamp, host, source_address, users, value, 0 AS expected
FROM judged
WHERE timestamp >= $window_start AND logins > 0 AND value >= 10

-- evidence:
SELECT timestamp, pid, message
FROM logs
WHERE timestamp >= $read_start AND timestamp < $window_end AND app LIKE 'sshd%' AND coalesce(host, '-') = $host
    AND strpos(concat(message, ' '), concat(' ', $source_address, ' ')) > 0
ORDER BY timestamp DESC, message
LIMIT 20
