-- name: host_silent
-- description: A host that logged regularly has said nothing for 15 minutes while others go on.
-- schedule: every 5m
-- window: 6h
-- delay: 1m
-- severity: high
-- entity: host
-- title: {host} has logged nothing since {last_line}
-- what_to_do: Does the host answer (ping, console, hypervisor)? If it does, look at its log forwarder and at the way from
--   there to here (firewall, relay, a full disk that stops the forwarder). If it does not, it is down: look at power and network.

-- Regular is who logged in three quarters of the quarter-hours in which anybody did, for two hours at least. When nobody or
-- hardly anybody (less than one in five) is heard, it is not the hosts that are silent but the way to us, and this rule
-- keeps quiet. It speaks in the run in which the 15 minutes are over, once for each silence.
WITH beats AS (
    SELECT host, date_bin(INTERVAL '15 minutes', timestamp) AS quarter, max(timestamp) AS last_line, count(*) AS lines
    FROM logs
    WHERE timestamp >= $window_start AND timestamp < $window_end AND host IS NOT NULL
    GROUP BY host, quarter
),
site AS (
    SELECT count(DISTINCT quarter) AS site_quarters FROM beats
),
regular AS (
    SELECT host, quarters, last_line, lines, last_line + INTERVAL '15 minutes' < $window_end AS is_silent
    FROM (
        SELECT host, count(*) AS quarters, max(last_line) AS last_line, sum(lines) AS lines
        FROM beats
        GROUP BY host
    )
    CROSS JOIN site
    WHERE quarters >= 8 AND 4 * quarters >= 3 * site_quarters
),
others AS (
    SELECT count(*) AS hosts, count(*) FILTER (WHERE NOT is_silent) AS heard FROM regular
)
SELECT host, last_line, lines, quarters, heard AS other_hosts_heard
FROM regular
CROSS JOIN others
WHERE is_silent AND last_line + INTERVAL '15 minutes' >= $watermark
    AND heard >= 1 AND 5 * heard >= hosts
ORDER BY last_line, host

-- evidence:
SELECT timestamp, app, severity, message
FROM logs
WHERE timestamp >= $window_start AND timestamp < $window_end AND host = $host
ORDER BY timestamp DESC
LIMIT 20
