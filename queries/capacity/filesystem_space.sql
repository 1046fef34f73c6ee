-- name: filesystem_space
-- description: Space in use on each file system, volume and datastore.
-- kind: filesystem
-- entity: host, mountpoint
-- used: used_bytes
-- limit: size_bytes
-- unit: bytes
-- headroom: 10%
-- basis: last
-- runbook: Look for what need not be there before you buy: old dumps, rotated logs that are kept for ever, packages that nobody uses
--   (`du -xh --max-depth=2 | sort -h`). A database needs a fifth free to rebuild an index; backups double while they rotate.

SELECT
    date_bin(INTERVAL '15 minutes', timestamp) AS timestamp,
    host,
    coalesce(labels['mountpoint'], labels['volume'], labels['datastore'], '') AS mountpoint,
    last_value(value ORDER BY timestamp) FILTER (WHERE name IN ('node_filesystem_size_bytes', 'windows_logical_disk_size_bytes',
        'vmware_datastore_capacity_bytes'))
        - last_value(value ORDER BY timestamp) FILTER (WHERE name IN ('node_filesystem_avail_bytes', 'windows_logical_disk_free_bytes',
        'vmware_datastore_free_bytes')) AS used_bytes,
    last_value(value ORDER BY timestamp) FILTER (WHERE name IN ('node_filesystem_size_bytes', 'windows_logical_disk_size_bytes',
        'vmware_datastore_capacity_bytes')) AS size_bytes
FROM metrics
WHERE timestamp >= $window_start AND timestamp < $window_end
    AND name IN ('node_filesystem_avail_bytes', 'node_filesystem_size_bytes', 'windows_logical_disk_free_bytes',
        'windows_logical_disk_size_bytes', 'vmware_datastore_free_bytes', 'vmware_datastore_capacity_bytes')
    AND coalesce(labels['fstype'], '') NOT IN ('tmpfs', 'ramfs', 'devtmpfs', 'squashfs', 'iso9660', 'erofs', 'overlay')
GROUP BY 1, 2, 3

-- consumers:
-- Folders as the script `directory-size` of the textfile collector counts them: those on this volume, and of folders in one another the outer.
WITH seen AS (
    SELECT name AS metric, coalesce(labels['directory'], labels['mountpoint']) AS path, last_value(value ORDER BY timestamp) AS bytes
    FROM metrics
    WHERE timestamp >= CAST($window_end AS TIMESTAMP) - INTERVAL '1 day' AND timestamp < $window_end
        AND name IN ('node_directory_size_bytes', 'node_filesystem_size_bytes') AND host = $host
        AND starts_with(coalesce(labels['directory'], labels['mountpoint']), rtrim($mountpoint, '/') || '/')
        AND coalesce(labels['directory'], labels['mountpoint']) <> $mountpoint
    GROUP BY 1, 2
),
outer_ones AS (
    SELECT path FROM seen
)
SELECT folder.path AS name, max(folder.bytes) AS amount
FROM seen AS folder
LEFT JOIN outer_ones ON starts_with(folder.path, outer_ones.path || '/')
LEFT JOIN (SELECT path FROM seen WHERE metric = 'node_filesystem_size_bytes') AS mount ON folder.path = mount.path
WHERE folder.metric = 'node_directory_size_bytes' AND outer_ones.path IS NULL AND mount.path IS NULL
GROUP BY folder.path
ORDER BY amount DESC
LIMIT 10
