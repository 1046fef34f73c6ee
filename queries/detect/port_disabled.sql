-- name: port_disabled
-- description: A switch has disabled a port by itself: BPDU guard, port security, a one-way link, storm control.
-- schedule: every 5m
-- severity: medium
-- entity: host, interface
-- title: {host} has disabled {interface}: {reason}
-- runbook: The reason says what to look for: `bpduguard`: a switch was plugged into a port for desks. `psecure-violation`: an unknown or
--   a second device. `udld`: one fibre of the pair is dead. `link-flap`: cable or transceiver. Remove the cause first, then `shutdown`,
--   `no shutdown` on the port; it stays off otherwise, unless recovery is configured (`show errdisable recovery`).

-- Cisco IOS writes ERR_DISABLE, NX-OS IF_DOWN_ERROR_DISABLED, Junos and Arista in their own words. The attempt to recover
-- (ERR_RECOVER) is no new trouble.
WITH said AS (
    SELECT
        date_bin(INTERVAL '5 minutes', timestamp) AS timestamp,
        host,
        coalesce(
            regexp_match(message, 'putting ([A-Za-z0-9/._-]{2,40})')[1],
            regexp_match(message, '[Ii]nterface ([A-Za-z]{2,30} ?[0-9][A-Za-z0-9/._:-]{0,30})')[1],
            '-'
        ) AS interface,
        coalesce(
            regexp_match(message, ': ([a-z0-9-]{2,40}) error detected')[1],
            regexp_match(message, '[Rr]eason: ?([A-Za-z0-9 _-]{2,60})')[1],
            regexp_match(message, '(?:Error disabled|errdisabled)[^:]{0,20}: ?([A-Za-z0-9 _-]{2,60})')[1],
            'no reason given'
        ) AS reason
    FROM logs
    WHERE timestamp >= $window_start AND timestamp < $window_end
        AND (
            message LIKE '%ERR_DISABLE: %'
            OR message LIKE '%IF_DOWN_ERROR_DISABLED%'
            OR message LIKE '%ERRDISABLED%'
            OR message LIKE '%error detected on %, putting % in err-disable state%'
            OR message LIKE '%BPDU-error%detected%'
        )
        AND message NOT LIKE '%ERR_RECOVER%'
)
SELECT timestamp, host, interface, max(reason) AS reason, count(*) AS value, 0 AS expected
FROM said
GROUP BY timestamp, host, interface

-- evidence:
SELECT timestamp, msgid, message
FROM logs
WHERE timestamp >= $window_start AND timestamp < $window_end AND coalesce(host, '-') = $host AND strpos(message, $interface) > 0
ORDER BY timestamp, message
LIMIT 20
