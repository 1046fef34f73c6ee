-- name: postgres_connections_exhausted
-- description: PostgreSQL or its pooler refuses connections, or nine in ten of its connections are in use.
-- schedule: every 5m
-- severity: high
-- entity: host
-- title: PostgreSQL on {host} has run out of connections
-- runbook: `SELECT state, application_name, count(*) FROM pg_stat_activity GROUP BY 1, 2`: many `active`: queries are slow, look for what
--   they wait for; many `idle in transaction`: an application forgets to commit, end them with `pg_terminate_backend`; many `idle`:
--   its pool is too large. Raising `max_connections` needs a restart and memory; a pooler is the better cure.

-- A superuser still gets in (`superuser_reserved_connections`). One refusal is a request that failed, so it counts at once; the
-- measured share has to stay high for all five minutes.
WITH refused AS (
    SELECT date_bin(INTERVAL '5 minutes', timestamp) AS timestamp, host, count(*) AS refusals
    FROM logs
    WHERE timestamp >= $window_start AND timestamp < $window_end
        AND (
            (
                app LIKE 'postgres%' AND message LIKE '%FATAL:%'
                AND (message LIKE '%remaining connection slots are reserved%' OR message LIKE '%sorry, too many clients already%'
                    OR message LIKE '%too many connections for %')
            )
            OR (app LIKE 'pgbouncer%' AND message LIKE '%no more connections allowed%')
        )
    GROUP BY 1, 2
),
scrapes AS (
    SELECT
        timestamp,
        host,
        sum(value) FILTER (WHERE name = 'pg_stat_activity_count') AS used,
        max(value) FILTER (WHERE name = 'pg_settings_max_connections') AS allowed
    FROM metrics
    WHERE timestamp >= $window_start AND timestamp < $window_end AND name IN ('pg_stat_activity_count', 'pg_settings_max_connections')
    GROUP BY timestamp, host
),
measured AS (
    SELECT date_bin(INTERVAL '5 minutes', timestamp) AS timestamp, host, min(used / allowed) AS share
    FROM scrapes
    WHERE allowed > 0 AND used IS NOT NULL
    GROUP BY 1, 2
)
SELECT timestamp, host, max(refusals) AS value, 0 AS expected, round(100 * max(share), 1) AS used_percent
FROM (
    SELECT timestamp, host, refusals, CAST(NULL AS DOUBLE) AS share FROM refused
    UNION ALL
    SELECT timestamp, host, 0 AS refusals, share FROM measured WHERE share >= 0.9
)
GROUP BY timestamp, host

-- evidence:
SELECT timestamp, app, severity, message
FROM logs
WHERE timestamp >= $window_start AND timestamp < $window_end AND coalesce(host, '-') = $host
    AND (app LIKE 'postgres%' OR app LIKE 'pgbouncer%') AND message LIKE '%connection%' AND message LIKE '%FATAL%'
ORDER BY timestamp DESC, message
LIMIT 20
