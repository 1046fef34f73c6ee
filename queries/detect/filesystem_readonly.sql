-- name: filesystem_readonly
-- description: The kernel has made a file system read-only, or shut it down, because it can no longer trust it.
-- schedule: every 5m
-- lookback: 6h
-- severity: critical
-- entity: host, device
-- title: The file system on {device} of {host} can no longer be written
-- runbook: Nothing is saved any more: stop the services that write there. Read the kernel's lines before this one (`dmesg -T`): a disk
--   that fails, a lost path to the SAN or a full thin pool. Save what can be read, then unmount and check (`fsck`, `xfs_repair`).
--   Do not simply remount it writable.

-- Two signs: what the kernel says, and a file system that was writable within the past six hours and is not any more. One
-- that has always been read-only (a CD, a snapshot) is meant to be.
WITH said AS (
    SELECT
        date_bin(INTERVAL '5 minutes', timestamp) AS timestamp,
        host,
        coalesce(
            regexp_match(message, '\((?:device )?([A-Za-z0-9/_-]+)[:)]')[1],
            regexp_match(message, ' dev(?:ice)?:? ([A-Za-z0-9/_-]+)')[1],
            '-'
        ) AS device
    FROM logs
    WHERE timestamp >= $window_start AND timestamp < $window_end AND app = 'kernel'
        AND (
            message LIKE '%Remounting filesystem read-only%'
            OR message LIKE '%forced readonly%'
            OR message LIKE '%Shutting down filesystem%'
            OR message LIKE '%shutting down filesystem%'
        )
),
states AS (
    SELECT
        date_bin(INTERVAL '5 minutes', timestamp) AS timestamp,
        host,
        regexp_replace(labels['device'], '^/dev/(mapper/)?', '') AS device,
        min(value) AS least,
        last_value(value ORDER BY timestamp) AS is_read_only
    FROM metrics
    WHERE timestamp >= $read_start AND timestamp < $window_end AND name = 'node_filesystem_readonly'
        AND coalesce(labels['fstype'], '') NOT IN ('tmpfs', 'ramfs', 'devtmpfs', 'squashfs', 'iso9660', 'udf', 'erofs', 'overlay')
    GROUP BY 1, 2, labels['device'], labels['mountpoint']
),
turned AS (
    SELECT
        timestamp,
        host,
        device,
        is_read_only,
        min(least) OVER (
            PARTITION BY host, device ORDER BY timestamp RANGE BETWEEN INTERVAL '350 minutes' PRECEDING AND CURRENT ROW
        ) AS was_read_only
    FROM states
)
SELECT timestamp, host, device, 1 AS value, 0 AS expected
FROM (
    SELECT timestamp, host, device FROM said
    UNION
    SELECT timestamp, host, device FROM turned WHERE timestamp >= $window_start AND is_read_only = 1 AND was_read_only = 0
)

-- evidence:
SELECT timestamp, severity, message
FROM logs
WHERE timestamp >= $read_start AND timestamp < $window_end AND coalesce(host, '-') = $host AND app = 'kernel'
ORDER BY timestamp DESC, message
LIMIT 20
