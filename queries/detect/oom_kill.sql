-- name: oom_kill
-- description: The kernel has killed a process because memory ran out.
-- schedule: every 5m
-- severity: high
-- entity: host
-- title: Memory ran out on {host}: {processes} killed ({value} in 5 minutes)
-- runbook: Is the service running again? Then see who took the memory: the kernel's table before the line lists every process with
--   its `rss`, and it is often not the one that was killed. In a container or a unit with a limit the limit may simply be too low
--   (`Memory cgroup out of memory`). Add memory, lower the service's own limits, or look for the leak.

-- Kernels since 2.6 say it in one of three spellings, followed by the process; systemd-oomd kills a whole group. A host whose
-- memory is gone loses one process after the other: that is one trouble, so the host is what a finding is about.
WITH kills AS (
    SELECT
        date_bin(INTERVAL '5 minutes', timestamp) AS timestamp,
        host,
        coalesce(
            regexp_match(message, '[Kk]ill(?:ed)? process [0-9]+,? \(([^)]{1,64})\)')[1],
            regexp_match(message, 'Killed ([^ ]{1,200}) due to')[1],
            '-'
        ) AS process
    FROM logs
    WHERE timestamp >= $window_start AND timestamp < $window_end
        AND (
            (app = 'kernel' AND message LIKE '%ut of %emory: Kill%')
            OR (app = 'systemd-oomd' AND message LIKE 'Killed % due to %')
        )
)
SELECT
    timestamp,
    host,
    array_to_string(array_sort(array_agg(DISTINCT process)), ', ') AS processes,
    count(*) AS value,
    0 AS expected
FROM kills
GROUP BY timestamp, host

-- evidence:
SELECT timestamp, app, message
FROM logs
WHERE timestamp >= $window_start AND timestamp < $window_end AND coalesce(host, '-') = $host
    AND app IN ('kernel', 'systemd-oomd')
ORDER BY timestamp DESC, message
LIMIT 20
