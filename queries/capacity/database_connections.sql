-- name: database_connections
-- description: Connections to each PostgreSQL server.
-- kind: database_connections
-- entity: host
-- used: connections
-- limit: max_connections
-- unit: connections
-- headroom: 15%
-- basis: p95
-- runbook: A pooler is the better cure than more connections: each costs memory, and `max_connections` needs a restart.

WITH scrapes AS (
    SELECT
        timestamp,
        host,
        sum(value) FILTER (WHERE name = 'pg_stat_activity_count') AS connections,
        max(value) FILTER (WHERE name = 'pg_settings_max_connections') AS max_connections
    FROM metrics
    WHERE timestamp >= $window_start AND timestamp < $window_end AND name IN ('pg_stat_activity_count', 'pg_settings_max_connections')
    GROUP BY timestamp, host
)
SELECT date_bin(INTERVAL '5 minutes', timestamp) AS timestamp, host, max(connections) AS connections, max(max_connections) AS max_connections
FROM scrapes
GROUP BY 1, 2

-- consumers:
-- Connections that do nothing could be given back: a pooler keeps few of them for many clients.
WITH scrapes AS (
    SELECT
        timestamp,
        coalesce(labels['datname'], '') || coalesce(' ' || labels['usename'], '') AS name,
        sum(value) AS connections,
        coalesce(sum(value) FILTER (WHERE labels['state'] = 'idle'), 0) AS idle
    FROM metrics
    WHERE timestamp >= CAST($window_end AS TIMESTAMP) - INTERVAL '7 days' AND timestamp < $window_end
        AND name = 'pg_stat_activity_count' AND host = $host
    GROUP BY 1, 2
)
SELECT name, avg(connections) AS amount, avg(idle) AS removable
FROM scrapes
GROUP BY name
ORDER BY amount DESC
LIMIT 10
