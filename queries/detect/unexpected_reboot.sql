-- name: unexpected_reboot
-- description: A host has started again after it went down without a clean shutdown.
-- schedule: every 5m
-- severity: medium
-- entity: host
-- title: {host} has restarted after an unclean shutdown
-- runbook: What happened just before: power (other hosts of the same rack?), a panic (`kernel_fault`), the watchdog, heat, the hypervisor?
--   `last -x`, `journalctl -b -1 -e`, the event log of iDRAC or iLO. Then see that every service came back and that databases have
--   recovered.

-- A planned restart closes the journal and the file systems; only what says that it was not so is counted. The journal of a
-- single user may be cut off without a crash.
WITH said AS (
    SELECT date_bin(INTERVAL '5 minutes', timestamp) AS timestamp, host, count(*) AS value
    FROM logs
    WHERE timestamp >= $window_start AND timestamp < $window_end
        AND (
            (
                app IN ('systemd-journald', 'systemd-journal', 'kernel')
                AND message LIKE '%uncleanly shut down%'
                AND message NOT LIKE '%/user-%'
            )
            OR (app = 'kernel' AND (message LIKE '%not shut down cleanly%' OR message LIKE '%EXT4-fs (%): recovery complete%'))
            OR message LIKE 'The previous system shutdown at % was unexpected%'
            OR message LIKE '%rebooted without cleanly shutting down first%'
        )
    GROUP BY 1, 2
)
SELECT timestamp, host, value, 0 AS expected
FROM said

-- evidence:
SELECT timestamp, app, message
FROM logs
WHERE timestamp >= $window_start AND timestamp < $window_end AND coalesce(host, '-') = $host
ORDER BY timestamp, message
LIMIT 20
