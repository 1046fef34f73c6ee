-- name: host_silent
-- description: A host that logged regularly has said nothing for 15 minutes, and for three times its own longest pause, while others go on.
-- schedule: every 5m
-- lookback: 9h
-- holds: 1h
-- resolves: by hand
-- severity: high
-- entity: host
-- title: {host} has logged nothing since {last_line}
-- runbook: Does the host answer (ping, console, hypervisor)? If it does, look at its log forwarder and at the way from
--   there to here (firewall, relay, a full disk that stops the forwarder). If it does not, it is down: look at power and network.

-- Regular is who logged in three quarters of the quarter-hours in which anybody did, for two hours at least. When nobody or
-- hardly anybody (less than one in five) is heard in the last five minutes, it is not the hosts that are silent but the way to us, and this rule
-- keeps quiet. It speaks once for each silence.
WITH beats AS (
    SELECT host, date_bin(INTERVAL '1 minute', timestamp) AS minute, max(timestamp) AS last_line
    FROM logs
    WHERE timestamp >= $read_start AND timestamp < $window_end AND host IS NOT NULL
    GROUP BY 1, 2
),
steps AS (
    SELECT
        host,
        minute,
        last_line,
        lead(minute) OVER (PARTITION BY host ORDER BY minute) AS next_minute,
        date_part('epoch', minute) - date_part('epoch', lag(minute) OVER (PARTITION BY host ORDER BY minute)) AS pause_s,
        date_bin(INTERVAL '15 minutes', minute) AS quarter,
        lag(date_bin(INTERVAL '15 minutes', minute)) OVER (PARTITION BY host ORDER BY minute) AS quarter_before
    FROM beats
),
habits AS (
    SELECT
        host,
        last_line,
        next_minute,
        sum(CASE WHEN quarter = quarter_before THEN 0 ELSE 1 END) OVER past AS quarters,
        -- Three hours without a line are a silence whatever the habits.
        least(greatest(900, 3 * coalesce(max(pause_s) OVER past, 0)), 10800) AS patience_s
    FROM steps
    WINDOW past AS (PARTITION BY host ORDER BY minute RANGE BETWEEN INTERVAL '6 hours' PRECEDING AND CURRENT ROW)
),
deadlines AS (
    SELECT
        host,
        last_line,
        next_minute,
        quarters,
        arrow_cast(
            to_timestamp_micros(CAST(1000000 * (date_part('epoch', last_line) + patience_s) AS BIGINT)), 'Timestamp(Microsecond, Some("UTC"))'
        ) AS noticed_at
    FROM habits
),
silences AS (
    SELECT host, last_line, quarters, noticed_at
    FROM deadlines
    WHERE quarters >= 8 AND (next_minute IS NULL OR next_minute > noticed_at)
        AND noticed_at >= $window_start AND noticed_at < $window_end
),
judged AS (
    SELECT
        silences.host,
        silences.last_line,
        silences.noticed_at,
        silences.quarters,
        count(DISTINCT date_bin(INTERVAL '15 minutes', beats.minute))
            FILTER (WHERE beats.minute > silences.last_line - INTERVAL '6 hours' AND beats.minute <= silences.last_line) AS site_quarters,
        count(DISTINCT beats.host)
            FILTER (WHERE beats.minute > silences.last_line - INTERVAL '1 hour' AND beats.minute <= silences.last_line) AS hosts,
        count(DISTINCT beats.host)
            FILTER (WHERE beats.minute > silences.noticed_at - INTERVAL '5 minutes' AND beats.host <> silences.host) AS heard
    FROM silences
    JOIN beats ON beats.minute > silences.last_line - INTERVAL '6 hours' AND beats.minute <= silences.noticed_at
    GROUP BY silences.host, silences.last_line, silences.noticed_at, silences.quarters
)
SELECT date_bin(INTERVAL '5 minutes', noticed_at) AS timestamp, host, last_line, quarters, heard AS other_hosts_heard,
    CAST(1000000 * date_part('epoch', last_line) AS BIGINT) AS onset
FROM judged
WHERE 4 * quarters >= 3 * site_quarters AND heard >= 1 AND 5 * heard >= hosts

-- evidence:
SELECT timestamp, app, severity, message
FROM logs
WHERE timestamp >= $read_start AND timestamp < $window_end AND host = $host
ORDER BY timestamp DESC, message
LIMIT 20

-- over:
SELECT timestamp FROM logs WHERE timestamp >= $window_start AND timestamp < $window_end AND host = $host LIMIT 1
