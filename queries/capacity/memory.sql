-- name: memory
-- description: Memory in use on each host, without what caches would give back.
-- kind: memory
-- entity: host
-- used: used_bytes
-- limit: total_bytes
-- unit: bytes
-- headroom: 10%
-- basis: p95
-- runbook: A process that only ever grows leaks: a restart buys time, and a mend costs less than memory. Look at what could move to a
--   host that has too much (status `oversized`).

SELECT
    date_bin(INTERVAL '5 minutes', timestamp) AS timestamp,
    host,
    max(value) FILTER (WHERE name IN ('node_memory_MemTotal_bytes', 'windows_memory_physical_total_bytes'))
        - min(value) FILTER (WHERE name IN ('node_memory_MemAvailable_bytes', 'windows_memory_available_bytes')) AS used_bytes,
    max(value) FILTER (WHERE name IN ('node_memory_MemTotal_bytes', 'windows_memory_physical_total_bytes')) AS total_bytes
FROM metrics
WHERE timestamp >= $window_start AND timestamp < $window_end
    AND name IN ('node_memory_MemAvailable_bytes', 'node_memory_MemTotal_bytes', 'windows_memory_available_bytes',
        'windows_memory_physical_total_bytes')
GROUP BY 1, 2

-- consumers:
-- Groups of processes, as the process exporter counts them.
WITH scrapes AS (
    SELECT timestamp, labels['groupname'] AS name, sum(value) AS bytes
    FROM metrics
    WHERE timestamp >= CAST($window_end AS TIMESTAMP) - INTERVAL '1 day' AND timestamp < $window_end
        AND name = 'namedprocess_namegroup_memory_bytes' AND labels['memtype'] = 'resident' AND host = $host
    GROUP BY 1, 2
)
SELECT name, avg(bytes) AS amount
FROM scrapes
GROUP BY name
ORDER BY amount DESC
LIMIT 10
