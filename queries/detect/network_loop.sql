-- name: network_loop
-- description: A switch sees the same addresses on several ports, over 50 times in 5 minutes, or says itself that there is a loop.
-- schedule: every 5m
-- severity: high
-- entity: host
-- title: {host} sees a loop: {value} lines in 5 minutes
-- runbook: The two ports of the lines lead to the loop: follow them, often to a small switch under a desk with a cable in both ends, or a
--   phone with two uplinks. Shut one of the two ports; when it is quiet, find the cable. Between two uplinks: spanning tree is off or
--   blocked somewhere, or a port channel is up on one side only.

-- An address that wanders between two access points moves now and then, and dual-homed servers do so when they fail over: some
-- lines an hour. A loop makes dozens a minute, and the switch limits how many it writes.
WITH said AS (
    SELECT
        date_bin(INTERVAL '5 minutes', timestamp) AS timestamp,
        host,
        count(*) AS value,
        count(*) FILTER (WHERE message NOT LIKE '%FLAP%' AND message NOT LIKE '%flapping%' AND message NOT LIKE '%MAC_MOVE%'
            AND message NOT LIKE '%MOVE_DETECTED%') AS verdicts
    FROM logs
    WHERE timestamp >= $window_start AND timestamp < $window_end
        AND (
            message LIKE '%MACFLAP_NOTIF%'
            OR message LIKE '%is flapping between port%'
            OR message LIKE '%L2FM_MAC_MOVE%'
            OR message LIKE '%MAC_MOVE_DETECTED%'
            OR message LIKE '%LOOP_BACK_DETECTED%'
            OR message LIKE '%SPANTREE-2-LOOPGUARD_BLOCK%'
            OR message LIKE '%LOOP-DETECT%loop%'
            OR message LIKE '%oop detected on port%'
        )
    GROUP BY 1, 2
)
SELECT timestamp, host, value, 50 AS expected
FROM said
WHERE value >= 50 OR verdicts > 0

-- evidence:
SELECT timestamp, msgid, message
FROM logs
WHERE timestamp >= $window_start AND timestamp < $window_end AND coalesce(host, '-') = $host
    AND (message ILIKE '%flap%' OR message ILIKE '%loop%' OR message LIKE '%MAC_MOVE%')
ORDER BY timestamp, message
LIMIT 20
