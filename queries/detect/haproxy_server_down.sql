-- name: haproxy_server_down
-- description: HAProxy has taken a server out of service for more than two minutes, or a pool has none left.
-- schedule: every 1m
-- lookback: 3m
-- severity: high
-- entity: host, server
-- title: {host} has taken {server} out of service
-- runbook: The line gives the reason: `Layer4` means that nothing listens or the host is gone, `Layer7` that the application answers
--   wrongly. Is the host up, does the service run, does its health page answer from the balancer? `has no server available`: nobody
--   is served by that pool, do this first.

-- A restart takes a server out for some seconds, so it has two minutes to come back; to know it, a line is judged in the minute
-- in which those two are over. A pool without servers is told at once. `via` names a server that follows another's check.
WITH events AS (
    SELECT
        timestamp,
        host,
        coalesce(
            regexp_match(message, 'Server ([^ ]{1,200}) is ')[1],
            regexp_match(message, '(?:backend|proxy) ([^ ]{1,200}) has no server')[1]
        ) AS server,
        message LIKE '% is DOWN%' AS is_down,
        message LIKE '%has no server available%' AS is_empty
    FROM logs
    WHERE timestamp >= $read_start AND timestamp < $window_end AND app LIKE 'haproxy%'
        AND (message LIKE '%Server % is DOWN%' OR message LIKE '%Server % is UP%' OR message LIKE '%has no server available%')
),
followed AS (
    SELECT
        host,
        server,
        is_down,
        timestamp + INTERVAL '2 minutes' AS judged_at,
        lead(timestamp) OVER (PARTITION BY host, server ORDER BY timestamp) AS next_at
    FROM events
    WHERE NOT is_empty
)
SELECT timestamp, host, server, 1 AS value, 0 AS expected
FROM (
    SELECT date_bin(INTERVAL '1 minute', judged_at) AS timestamp, host, server
    FROM followed
    WHERE is_down AND judged_at >= $window_start AND judged_at < $window_end AND (next_at IS NULL OR next_at > judged_at)
    UNION
    SELECT date_bin(INTERVAL '1 minute', timestamp) AS timestamp, host, server
    FROM events
    WHERE is_empty AND timestamp >= $window_start AND timestamp < $window_end
)

-- evidence:
SELECT timestamp, severity, message
FROM logs
WHERE timestamp >= $read_start AND timestamp < $window_end AND coalesce(host, '-') = $host AND app LIKE 'haproxy%'
    AND strpos(message, $server) > 0 AND message NOT LIKE '% HTTP/%'
ORDER BY timestamp DESC, message
LIMIT 20
