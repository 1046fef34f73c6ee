-- name: disk_errors
-- description: A disk cannot read or write what it should: the kernel, SMART or Windows say so.
-- schedule: every 5m
-- severity: critical
-- entity: host, device
-- title: {device} on {host} reports errors ({value} lines in 5 minutes)
-- runbook: Is the backup of this host good? Then `smartctl -a` on the disk: pending, reallocated and uncorrectable sectors mean that
--   it dies. Replace it while the RAID still has the other copy. Timeouts and link resets without bad sectors point to cable,
--   backplane, controller or the path to the SAN; in a virtual machine look at its datastore.

-- A line or two of the kernel may come from an unplugged stick, so it takes three in five minutes; what names a bad medium or
-- comes from SMART counts alone. Partitions belong to their disk, so digits after the letter are cut off. Floppy, CD and loop
-- devices are not disks.
WITH said AS (
    SELECT
        date_bin(INTERVAL '5 minutes', timestamp) AS timestamp,
        host,
        regexp_match(
            message, '\b(x?[shv]d[a-z]{1,3}|nvme[0-9]{1,3}|mmcblk[0-9]|dasd[a-z]|dm-[0-9]{1,3}|md[0-9]{1,3}|ata[0-9]{1,2}|Harddisk[0-9]{1,2})'
        )[1] AS device,
        app <> 'kernel' OR message LIKE '%edium error%' OR message LIKE '%UNC%' AS is_grave
    FROM logs
    WHERE timestamp >= $window_start AND timestamp < $window_end
        AND (
            (
                app = 'kernel'
                AND (
                    message LIKE '%I/O error, dev %'
                    OR message LIKE '%I/O error on dev%'
                    OR message LIKE '%metadata I/O error%'
                    OR message LIKE '%critical medium error%'
                    OR message LIKE '%critical target error%'
                    OR message LIKE '%error: { UNC }%'
                    OR message LIKE 'EXT4-fs error (device %'
                    OR message LIKE '%] EXT4-fs error (device %'
                    OR message LIKE '%nvme%timeout, aborting%'
                    OR message LIKE '%nvme%timeout, reset controller%'
                )
            )
            OR (
                app = 'smartd'
                AND (
                    message LIKE '%Currently unreadable (pending) sectors%'
                    OR message LIKE '%ffline uncorrectable sectors%'
                    OR message LIKE '%FAILED SMART self-check%'
                    OR message LIKE '%SMART Failure%'
                    OR message LIKE '%Critical Warning (0x%'
                )
            )
            OR message LIKE '%Harddisk% has a bad block%'
        )
),
counted AS (
    SELECT timestamp, host, device, count(*) AS value, bool_or(coalesce(is_grave, false)) AS is_grave
    FROM said
    WHERE device IS NOT NULL
    GROUP BY timestamp, host, device
)
SELECT timestamp, host, device, value, 0 AS expected
FROM counted
WHERE is_grave OR value >= 3

-- evidence:
SELECT timestamp, app, message
FROM logs
WHERE timestamp >= $window_start AND timestamp < $window_end AND coalesce(host, '-') = $host AND strpos(message, $device) > 0
ORDER BY timestamp, message
LIMIT 20
