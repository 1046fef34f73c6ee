-- name: memory_low
-- description: A host has had less than 5 % of its memory available for 15 minutes.
-- schedule: every 5m
-- lookback: 10m
-- severity: medium
-- entity: host
-- title: {host} has only {value} % of its memory available
-- runbook: `ps aux --sort=-rss | head` (Task Manager, Details, Working set on Windows) shows who has it. Compare with yesterday: a process
--   that only ever grows leaks, and a restart buys time. If all is as it should be, the host needs more memory before the kernel
--   begins to kill (`oom_kill`).

-- Available memory counts what the caches would give back, so a full cache is no alarm. The best moment of fifteen minutes is
-- judged: a peak that passes is no alarm either.
WITH bins AS (
    SELECT
        date_bin(INTERVAL '5 minutes', timestamp) AS timestamp,
        host,
        max(value) FILTER (WHERE name IN ('node_memory_MemAvailable_bytes', 'windows_memory_available_bytes')) AS available,
        max(value) FILTER (WHERE name IN ('node_memory_MemTotal_bytes', 'windows_memory_physical_total_bytes')) AS total
    FROM metrics
    WHERE timestamp >= $read_start AND timestamp < $window_end
        AND name IN (
            'node_memory_MemAvailable_bytes', 'node_memory_MemTotal_bytes', 'windows_memory_available_bytes',
            'windows_memory_physical_total_bytes'
        )
    GROUP BY 1, 2
),
judged AS (
    SELECT
        timestamp,
        host,
        max(available / total) OVER three AS share,
        count(available / total) OVER three AS bins
    FROM bins
    WINDOW three AS (PARTITION BY host ORDER BY timestamp RANGE BETWEEN INTERVAL '10 minutes' PRECEDING AND CURRENT ROW)
)
SELECT timestamp, host, round(100 * share, 1) AS value, 5 AS expected
FROM judged
WHERE timestamp >= $window_start AND bins = 3 AND share < 0.05

-- evidence:
SELECT timestamp, name, value
FROM metrics
WHERE timestamp >= $read_start AND timestamp < $window_end AND host = $host
    AND name IN ('node_memory_MemAvailable_bytes', 'windows_memory_available_bytes')
ORDER BY timestamp DESC, name
LIMIT 20
