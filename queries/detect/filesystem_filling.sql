-- name: filesystem_filling
-- description: A file system fills so fast that it is full within two days, and far faster than it did in the past day.
-- schedule: every 2m
-- lookback: 28h
-- holds: 1d
-- severity: high
-- entity: host, mountpoint
-- title: {mountpoint} on {host} fills by {value} GiB an hour: full in {hours_left} hours
-- runbook: Find what is being written: `du -xh --max-depth=2` below the mount point twice with a minute between, or `iotop -oPa`.
--   A dump, a runaway log, a restore or a mailbox loop are the usual causes. Stop it or move it before space runs out: at 100 %
--   databases and mail stop. If it is wanted (an import), see that it ends in time and close the ticket.

-- Space in steps of two minutes. Four steps in a row must each grow by half of their mean at least, so that one large file
-- (an upgrade, a core dump) is no filling. The pace must be half as fast again as the fastest of yesterday, so that a nightly
-- dump, a busy morning or a spool that breathes is nobody's alarm. The last six hours are no measure: a filling is not its own
-- excuse.
WITH steps AS (
    SELECT
        date_bin(INTERVAL '2 minutes', timestamp) AS timestamp,
        host,
        coalesce(labels['mountpoint'], labels['volume']) AS mountpoint,
        last_value(value ORDER BY timestamp) AS avail_bytes
    FROM metrics
    WHERE timestamp >= $read_start AND timestamp < $window_end
        AND name IN ('node_filesystem_avail_bytes', 'windows_logical_disk_free_bytes')
        AND coalesce(labels['fstype'], '') NOT IN ('tmpfs', 'ramfs', 'devtmpfs', 'squashfs', 'iso9660', 'erofs', 'overlay')
    GROUP BY 1, 2, 3
),
grown AS (
    SELECT
        timestamp,
        host,
        mountpoint,
        avail_bytes,
        -- Missing where a step is missing.
        CASE
            WHEN lag(timestamp, 4) OVER past = timestamp - INTERVAL '8 minutes' THEN lag(avail_bytes, 4) OVER past - avail_bytes
        END AS used_bytes,
        least(
            lag(avail_bytes, 1) OVER past - avail_bytes,
            lag(avail_bytes, 2) OVER past - lag(avail_bytes, 1) OVER past,
            lag(avail_bytes, 3) OVER past - lag(avail_bytes, 2) OVER past,
            lag(avail_bytes, 4) OVER past - lag(avail_bytes, 3) OVER past
        ) AS least_step_bytes
    FROM steps
    WINDOW past AS (PARTITION BY host, mountpoint ORDER BY timestamp)
),
hours AS (
    SELECT host, mountpoint, date_bin(INTERVAL '1 hour', timestamp) AS hour, max(used_bytes) AS used_bytes, count(used_bytes) AS steps
    FROM grown
    GROUP BY 1, 2, 3
),
-- Eight minutes go 360 times into two days.
fast AS (
    SELECT timestamp, host, mountpoint, avail_bytes, used_bytes, date_bin(INTERVAL '1 hour', timestamp) AS hour
    FROM grown
    WHERE timestamp >= $window_start AND used_bytes > avail_bytes / 360 AND least_step_bytes >= used_bytes / 8
),
judged AS (
    SELECT
        fast.timestamp,
        fast.host,
        fast.mountpoint,
        fast.avail_bytes,
        fast.used_bytes,
        max(hours.used_bytes) AS usual_bytes,
        sum(hours.steps) AS steps_before
    FROM fast
    JOIN hours ON hours.host = fast.host AND hours.mountpoint = fast.mountpoint
        AND hours.hour >= fast.hour - INTERVAL '26 hours' AND hours.hour < fast.hour - INTERVAL '6 hours'
    GROUP BY fast.timestamp, fast.host, fast.mountpoint, fast.avail_bytes, fast.used_bytes
)
SELECT
    timestamp,
    host,
    mountpoint,
    round(7.5 * used_bytes / 1073741824, 2) AS value,
    round(7.5 * greatest(usual_bytes, 0) / 1073741824, 2) AS expected,
    round(avail_bytes / (7.5 * used_bytes), 1) AS hours_left,
    round(avail_bytes / 1073741824, 2) AS available_gib
FROM judged
-- Four hours of a past are needed to call anything usual.
WHERE steps_before >= 120 AND used_bytes > 1.5 * usual_bytes

-- evidence:
SELECT timestamp, name, value
FROM metrics
WHERE timestamp >= $read_start AND timestamp < $window_end AND host = $host
    AND name IN ('node_filesystem_avail_bytes', 'windows_logical_disk_free_bytes')
    AND coalesce(labels['mountpoint'], labels['volume']) = $mountpoint
ORDER BY timestamp DESC, name
LIMIT 20
