-- name: filesystem_inodes
-- description: A file system has less than 5 % of its inodes left: soon no file can be made, whatever space is free.
-- schedule: every 5m
-- severity: high
-- entity: host, mountpoint
-- title: {mountpoint} on {host} has used {value} % of its inodes
-- runbook: Find the folder with very many small files: `du --inodes -x --max-depth=3` below the mount point, sorted. Sessions,
--   mail queues, caches and forgotten temporary files are the usual culprits. Delete them; a larger number of inodes needs a
--   new file system (ext4) or more space (XFS).

-- The latest values of each five minutes. File systems that make inodes as they need them (btrfs) report none and are left
-- out, and so are images that are full by nature.
WITH latest AS (
    SELECT
        date_bin(INTERVAL '5 minutes', timestamp) AS timestamp,
        host,
        labels['mountpoint'] AS mountpoint,
        name,
        last_value(value ORDER BY timestamp) AS value
    FROM metrics
    WHERE timestamp >= $window_start AND timestamp < $window_end
        AND name IN ('node_filesystem_files_free', 'node_filesystem_files', 'node_filesystem_readonly')
        AND coalesce(labels['fstype'], '') NOT IN ('tmpfs', 'ramfs', 'devtmpfs', 'squashfs', 'iso9660', 'erofs', 'overlay')
    GROUP BY 1, 2, 3, 4
),
filesystems AS (
    SELECT
        timestamp,
        host,
        mountpoint,
        max(value) FILTER (WHERE name = 'node_filesystem_files_free') AS free,
        max(value) FILTER (WHERE name = 'node_filesystem_files') AS inodes,
        coalesce(max(value) FILTER (WHERE name = 'node_filesystem_readonly'), 0) AS is_read_only
    FROM latest
    GROUP BY timestamp, host, mountpoint
)
SELECT timestamp, host, mountpoint, round(100 * (1 - free / inodes), 1) AS value, 95 AS expected, free AS inodes_free
FROM filesystems
WHERE inodes > 0 AND is_read_only = 0 AND free < 0.05 * inodes

-- evidence:
SELECT timestamp, name, value
FROM metrics
WHERE timestamp >= $window_start AND timestamp < $window_end AND host = $host AND labels['mountpoint'] = $mountpoint
    AND name IN ('node_filesystem_files_free', 'node_filesystem_files')
ORDER BY timestamp DESC, name
LIMIT 20
