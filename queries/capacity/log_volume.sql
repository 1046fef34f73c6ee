-- name: log_volume
-- description: Bytes of log messages a day, by application. It has a limit where the capacity policy gives one (a quota, a licence by volume).
-- kind: log_volume
-- entity: app
-- used: bytes_per_day
-- unit: bytes
-- headroom: 20%
-- basis: max
-- runbook: The few templates that make most of the volume are found with
--   `SELECT template_id, count(*) FROM logs WHERE app = '...' GROUP BY 1 ORDER BY 2 DESC LIMIT 10`; many can be lowered in level or
--   counted instead of logged.

SELECT
    date_bin(INTERVAL '1 day', timestamp) AS timestamp,
    coalesce(app, '') AS app,
    CAST(sum(octet_length(message)) AS DOUBLE) AS bytes_per_day
FROM logs
WHERE timestamp >= $window_start AND timestamp < $window_end
GROUP BY 1, 2
