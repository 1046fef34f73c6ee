-- name: filesystem_full
-- description: A file system is over 90 % full for ordinary users (the blocks that only root may use count as used).
-- schedule: every 5m
-- severity: high
-- entity: host, mountpoint
-- title: {mountpoint} on {host} is {value} % full, {available_gib} GiB left
-- runbook: Find what grew: `du -xh --max-depth=2` below the mount point, sorted. Usual culprits are logs that are not rotated,
--   core dumps, forgotten backups and database files. Free space first, then see `filesystem_days_left` for how long it will last.

-- The latest values of each five minutes. File systems in memory, images that are full by nature, and those under 100 MiB
-- are left out, and so is what is mounted read-only: nothing can be written there anyway.
WITH latest AS (
    SELECT
        date_bin(INTERVAL '5 minutes', timestamp) AS timestamp,
        host,
        labels['mountpoint'] AS mountpoint,
        labels['device'] AS device,
        name,
        last_value(value ORDER BY timestamp) AS value
    FROM metrics
    WHERE timestamp >= $window_start AND timestamp < $window_end
        AND name IN ('node_filesystem_avail_bytes', 'node_filesystem_size_bytes', 'node_filesystem_readonly')
        AND coalesce(labels['fstype'], '') NOT IN ('tmpfs', 'ramfs', 'devtmpfs', 'squashfs', 'iso9660', 'erofs', 'overlay')
    GROUP BY 1, 2, 3, 4, 5
),
filesystems AS (
    SELECT
        timestamp,
        host,
        mountpoint,
        device,
        max(value) FILTER (WHERE name = 'node_filesystem_avail_bytes') AS avail_bytes,
        max(value) FILTER (WHERE name = 'node_filesystem_size_bytes') AS size_bytes,
        coalesce(max(value) FILTER (WHERE name = 'node_filesystem_readonly'), 0) AS is_read_only
    FROM latest
    GROUP BY timestamp, host, mountpoint, device
)
SELECT
    timestamp,
    host,
    mountpoint,
    device,
    round(100 * (1 - avail_bytes / size_bytes), 1) AS value,
    90 AS expected,
    round(avail_bytes / 1073741824, 2) AS available_gib,
    round(size_bytes / 1073741824, 2) AS size_gib
FROM filesystems
WHERE size_bytes >= 104857600 AND is_read_only = 0 AND avail_bytes < 0.1 * size_bytes

-- evidence:
SELECT timestamp, name, value
FROM metrics
WHERE timestamp >= $window_start AND timestamp < $window_end AND host = $host AND labels['mountpoint'] = $mountpoint
    AND name IN ('node_filesystem_avail_bytes', 'node_filesystem_size_bytes')
ORDER BY timestamp DESC, name
LIMIT 20
