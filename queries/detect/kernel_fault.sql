-- name: kernel_fault
-- description: The kernel reports a fault of its own: a panic, an oops, a locked processor, tasks that hang, or one program
--   that crashes again and again.
-- schedule: every 5m
-- severity: high
-- entity: host, fault
-- title: {host} reports: {fault} ({value} lines in 5 minutes)
-- runbook: Save the lines around it (`journalctl -k`), they are needed for any report. Hung tasks: look at the storage below first
--   (`disk_errors`, NFS, SAN). Soft lockups in a virtual machine: its host is overcommitted. Panic and oops: a new kernel or driver,
--   else memory (`hardware_failure`). Programs that crash together: a library that was upgraded under them.

-- A single crash of a program is its own affair (`systemd_unit_failed`); five of the same in five minutes are a storm.
WITH said AS (
    SELECT
        date_bin(INTERVAL '5 minutes', timestamp) AS timestamp,
        host,
        CASE
            WHEN message LIKE '%Kernel panic - not syncing%' OR message LIKE '%PSOD%' THEN 'kernel panic'
            WHEN message LIKE '%soft lockup - CPU#%' OR message LIKE '%hard LOCKUP on cpu%' THEN 'locked processor'
            WHEN message LIKE '%detected stall%' THEN 'stalled processor'
            WHEN message LIKE '%blocked for more than%seconds%' THEN 'hung tasks'
            WHEN message LIKE '%segfault at %' OR message LIKE '%traps: %general protection%'
                THEN concat('crashes of ', coalesce(regexp_match(message, '([^ \[]{1,40})\[[0-9]+\]:? (?:segfault|general)')[1], 'programs'))
            ELSE 'kernel oops'
        END AS fault,
        message LIKE '%segfault at %' OR message LIKE '%traps: %general protection%' AS is_crash
    FROM logs
    WHERE timestamp >= $window_start AND timestamp < $window_end AND app IN ('kernel', 'vmkernel')
        AND (
            message LIKE '%Kernel panic - not syncing%'
            OR message LIKE '%PSOD%'
            OR message LIKE '%soft lockup - CPU#%'
            OR message LIKE '%hard LOCKUP on cpu%'
            OR message LIKE '%rcu%detected stall%'
            OR message LIKE '%blocked for more than%seconds%'
            OR message LIKE '%BUG: unable to handle%'
            OR message LIKE '%BUG: kernel NULL pointer%'
            OR message LIKE '%kernel BUG at %'
            OR message LIKE '%Oops: %'
            OR message LIKE '%general protection fault%'
            OR message LIKE '%segfault at %'
            OR message LIKE '%traps: %general protection%'
        )
),
counted AS (
    SELECT timestamp, host, fault, count(*) AS value, bool_or(is_crash) AS is_crash
    FROM said
    GROUP BY timestamp, host, fault
)
SELECT timestamp, host, fault, value, 0 AS expected
FROM counted
WHERE NOT is_crash OR value >= 5

-- evidence:
SELECT timestamp, severity, message
FROM logs
WHERE timestamp >= $window_start AND timestamp < $window_end AND coalesce(host, '-') = $host AND app IN ('kernel', 'vmkernel')
ORDER BY timestamp, message
LIMIT 20
