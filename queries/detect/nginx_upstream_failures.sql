-- name: nginx_upstream_failures
-- description: nginx cannot reach a server behind it, or gets no answer in time, at least 20 times in 5 minutes.
-- schedule: every 5m
-- severity: high
-- entity: host, upstream
-- title: {host} failed {value} times to get an answer from {upstream}
-- runbook: `Connection refused`: the application does not run there. `timed out`: it runs and is stuck or too slow (its log, its database,
--   its pool of workers). `no live upstreams`: all of them failed one after another. Ask it directly from the web server with
--   `curl`, and take it out of the pool if others can carry the load.

-- Lines of the error log. The address is the upstream's own, so one dead server of three is named.
WITH failures AS (
    SELECT
        date_bin(INTERVAL '5 minutes', timestamp) AS timestamp,
        host,
        coalesce(regexp_match(message, 'upstream: "(?:[a-z]{1,8}://)?([^/"]{1,200})')[1], '-') AS upstream,
        count(*) AS value
    FROM logs
    WHERE timestamp >= $window_start AND timestamp < $window_end AND app LIKE 'nginx%' AND message LIKE '%upstream%'
        AND (
            message LIKE '%upstream timed out%'
            OR message LIKE '%while connecting to upstream%'
            OR message LIKE '%no live upstreams%'
            OR message LIKE '%upstream prematurely closed connection%'
            OR message LIKE '%reset by peer% while reading response header from upstream%'
        )
    GROUP BY 1, 2, 3
)
SELECT timestamp, host, upstream, value, 20 AS expected
FROM failures
WHERE value >= 20

-- evidence:
SELECT timestamp, severity, message
FROM logs
WHERE timestamp >= $window_start AND timestamp < $window_end AND coalesce(host, '-') = $host AND app LIKE 'nginx%'
    AND strpos(message, $upstream) > 0 AND message LIKE '%upstream%'
ORDER BY timestamp, message
LIMIT 20
