-- name: raid_degraded
-- description: A RAID array, ZFS pool or virtual disk has lost a member: the next failure loses data.
-- schedule: every 5m
-- severity: critical
-- entity: host, array_name
-- title: {array_name} on {host} is degraded
-- runbook: See which member is gone: `cat /proc/mdstat`, `zpool status -x`, or the controller's own tool (`storcli /call show`, iDRAC,
--   iLO). Check the backup, replace the disk by its serial number (never by guess) and watch the rebuild to its end.

-- What mdadm, the kernel, ZFS and controllers (MegaRAID, PERC, Synology) say, and what the node exporter measures. A rebuild
-- that is announced or has ended is no new failure.
WITH said AS (
    SELECT
        date_bin(INTERVAL '5 minutes', timestamp) AS timestamp,
        host,
        coalesce(
            regexp_match(message, 'md device (?:/dev/)?([A-Za-z0-9/_-]{1,64})')[1],
            regexp_match(message, 'md/raid[0-9]+:(md[0-9_a-z]{1,32})')[1],
            regexp_match(message, 'pool[ =:]+''?([A-Za-z0-9_.-]{1,64})')[1],
            regexp_match(message, '((?:[Vv]irtual [Dd](?:isk|rive)|VD|[Ll]ogical [Dd]rive|[Ss]torage [Pp]ool|[Vv]olume)[ :]+\[?[A-Za-z0-9/_-]{1,32})')[1],
            '-'
        ) AS array_name
    FROM logs
    WHERE timestamp >= $window_start AND timestamp < $window_end
        AND (
            message LIKE '%DegradedArray event%'
            OR message LIKE '%Fail event detected on md device%'
            OR message LIKE '%FailSpare event detected on md device%'
            OR (app = 'kernel' AND message LIKE '%md/raid%Disk failure on%')
            OR (app = 'zed' AND (message LIKE '%FAULTED%' OR message LIKE '%DEGRADED%' OR message LIKE '%UNAVAIL%'))
            OR (
                message ILIKE '%degraded%'
                AND coalesce(severity, 4) <= 4
                AND (
                    message LIKE '%irtual %isk%' OR message LIKE '%irtual %rive%' OR message LIKE '%VD %' OR message LIKE '%ogical %rive%'
                    OR message LIKE '%torage %ool%' OR message LIKE '%olume%'
                )
                AND message NOT ILIKE '%not degraded%' AND message NOT ILIKE '%degraded to optimal%'
                AND message NOT ILIKE '%no longer degraded%'
            )
        )
),
measured AS (
    SELECT
        date_bin(INTERVAL '5 minutes', timestamp) AS timestamp,
        host,
        coalesce(labels['device'], labels['zpool'], '-') AS array_name,
        max(value) FILTER (WHERE name = 'node_md_disks' AND labels['state'] = 'failed') AS failed,
        max(value) FILTER (WHERE name = 'node_md_disks' AND labels['state'] = 'active') AS active,
        max(value) FILTER (WHERE name = 'node_md_disks_required') AS required,
        max(value) FILTER (WHERE name = 'node_zfs_zpool_state' AND labels['state'] NOT IN ('online', 'offline')) AS bad_state
    FROM metrics
    WHERE timestamp >= $window_start AND timestamp < $window_end
        AND name IN ('node_md_disks', 'node_md_disks_required', 'node_zfs_zpool_state')
    GROUP BY 1, 2, 3
)
SELECT timestamp, host, array_name, 1 AS value, 0 AS expected
FROM (
    SELECT timestamp, host, array_name FROM said
    UNION
    SELECT timestamp, host, array_name FROM measured WHERE failed > 0 OR active < required OR bad_state > 0
)

-- evidence:
SELECT timestamp, app, message
FROM logs
WHERE timestamp >= $window_start AND timestamp < $window_end AND coalesce(host, '-') = $host
    AND (strpos(message, $array_name) > 0 OR message ILIKE '%degraded%')
ORDER BY timestamp, message
LIMIT 20
