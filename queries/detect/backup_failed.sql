-- name: backup_failed
-- description: A backup program says that a backup failed or ended with errors.
-- schedule: every 5m
-- severity: high
-- entity: host, app
-- title: A backup failed on {host}: {app} reported {value} errors
-- runbook: Read the lines below, then run the job again by hand today: tonight's run may fail for the same reason. Usual causes: no
--   space at the target, a lock that a killed run left (`borg break-lock`, `restic unlock`: only when nothing runs), an expired
--   password or key, a host that was off. Until it works, treat the data as not backed up.

-- Only the voices of backup programs are heard, and in them the words of an end that was bad. `0 failed` and `exit status 0`
-- are good ends. Warnings (a file changed while it was read) are no failure.
WITH said AS (
    SELECT date_bin(INTERVAL '5 minutes', timestamp) AS timestamp, host, app, message
    FROM logs
    WHERE timestamp >= $window_start AND timestamp < $window_end
        AND (
            app LIKE 'borg%' OR app LIKE 'restic%' OR app LIKE 'bacula%' OR app LIKE 'bareos%' OR app LIKE 'rsnapshot%'
            OR app LIKE 'duplicity%' OR app LIKE 'pgbackrest%' OR app LIKE 'barman%' OR app LIKE 'wal-g%' OR app LIKE 'vzdump%'
            OR app LIKE 'pvescheduler%' OR app LIKE 'proxmox-backup%' OR app LIKE 'Veeam%' OR app LIKE 'veeam%' OR app LIKE 'amanda%'
            OR app LIKE '%backup%' OR app LIKE '%Backup%'
        )
)
SELECT timestamp, host, app, count(*) AS value, 0 AS expected
FROM said
WHERE regexp_like(
        message,
        '(?i)\bfailed\b|\bfatal\b|^error\b|\berror: |error status|backup error|with errors|exit (?:status|code) [1-9]|exited with [a-z ]*[1-9]|, rc 2'
    )
    AND NOT regexp_like(message, '(?i)\b(?:0|no) (?:failed|errors?)\b|(?:failed|errors?)[:=] ?0\b|will (?:be )?retr')
GROUP BY timestamp, host, app

-- evidence:
SELECT timestamp, severity, message
FROM logs
WHERE timestamp >= $window_start AND timestamp < $window_end AND coalesce(host, '-') = $host AND app = $app
ORDER BY timestamp DESC, message
LIMIT 20
