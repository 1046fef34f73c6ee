-- name: filesystem_days_left
-- description: Days until each file system is full if it goes on growing as in the window: a straight line through the
--   available space (least squares). Null where nothing grows, or where less than a day of history is there.
-- window: 14d

-- A straight line is honest only while growth is steady: clean-ups and one-off copies bend it. `r2` says how much of the
-- movement the line explains (1: all of it); below 0.5 read the days as a guess. `hours` is how much history there was.
WITH hourly AS (
    -- The last value of each hour: one busy minute weighs no more than another, and an hour costs one row.
    SELECT
        host,
        labels['mountpoint'] AS mountpoint,
        labels['device'] AS device,
        name,
        date_bin(INTERVAL '1 hour', timestamp) AS hour,
        max(timestamp) AS at,
        last_value(value ORDER BY timestamp) AS value
    FROM metrics
    WHERE timestamp >= $window_start AND timestamp < $window_end
        AND name IN ('node_filesystem_avail_bytes', 'node_filesystem_size_bytes')
        AND coalesce(labels['fstype'], '') NOT IN ('tmpfs', 'ramfs', 'devtmpfs', 'squashfs', 'iso9660', 'erofs', 'overlay')
    GROUP BY host, mountpoint, device, name, hour
),
trends AS (
    SELECT
        host,
        mountpoint,
        device,
        last_value(value ORDER BY at) FILTER (WHERE name = 'node_filesystem_size_bytes') AS size_bytes,
        last_value(value ORDER BY at) FILTER (WHERE name = 'node_filesystem_avail_bytes') AS avail_bytes,
        -- In bytes a day; negative when space is used up.
        regr_slope(value, date_part('epoch', at) / 86400) FILTER (WHERE name = 'node_filesystem_avail_bytes') AS avail_slope,
        regr_r2(value, date_part('epoch', at) / 86400) FILTER (WHERE name = 'node_filesystem_avail_bytes') AS r2,
        count(*) FILTER (WHERE name = 'node_filesystem_avail_bytes') AS hours
    FROM hourly
    GROUP BY host, mountpoint, device
)
SELECT
    host,
    mountpoint,
    round(size_bytes / 1073741824, 2) AS size_gib,
    round(100 * (1 - avail_bytes / size_bytes), 1) AS used_percent,
    round(-avail_slope / 1073741824, 3) AS growth_gib_per_day,
    round(r2, 3) AS r2,
    hours,
    CASE WHEN hours >= 24 AND avail_slope < 0 THEN round(avail_bytes / -avail_slope, 1) END AS days_left
FROM trends
WHERE size_bytes >= 104857600 AND avail_bytes IS NOT NULL
ORDER BY days_left NULLS LAST, host, mountpoint
