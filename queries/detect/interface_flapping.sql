-- name: interface_flapping
-- description: A network interface has gone down at least 4 times in 10 minutes.
-- schedule: every 1m
-- window: 10m
-- catch_up: 5m
-- severity: medium
-- entity: host, interface
-- title: {interface} on {host} went down {value} times in 10 minutes
-- what_to_do: Look at the interface's error counters, then at cable, transceiver and the port on the other side, in this order.
--   If only the line protocol goes down and the link stays, look at keepalives, duplex and spanning tree.

-- A cut link leaves two lines on Cisco IOS, LINK and LINEPROTO, so the larger count is taken and not the sum. Linux says
-- `Link is Down`, Junos SNMP_TRAP_LINK_DOWN. An interface that somebody shut down (`administratively down`) is not counted.
WITH downs AS (
    SELECT
        host,
        coalesce(
            regexp_match(message, 'Interface ([A-Za-z0-9/._:-]+)')[1],
            regexp_match(message, 'ifName ([A-Za-z0-9/._:-]+)')[1],
            regexp_match(message, '([A-Za-z0-9/._-]+):? (?:NIC )?[Ll]ink is')[1]
        ) AS interface,
        message LIKE '%ine protocol%' AS is_protocol
    FROM logs
    WHERE timestamp >= $window_start AND timestamp < $window_end
        AND (
            message LIKE '%changed state to down%'
            OR message LIKE '%ink is Down%'
            OR message LIKE '%ink is down%'
            OR message LIKE '%LINK_DOWN%'
            OR msgid LIKE '%LINK_DOWN'
        )
),
counted AS (
    SELECT
        host,
        interface,
        greatest(count(*) FILTER (WHERE is_protocol), count(*) FILTER (WHERE NOT is_protocol)) AS value
    FROM downs
    WHERE interface IS NOT NULL
    GROUP BY host, interface
)
SELECT host, interface, value, 4 AS expected
FROM counted
WHERE value >= 4
ORDER BY value DESC, host, interface

-- evidence:
SELECT timestamp, msgid, message
FROM logs
WHERE timestamp >= $window_start AND timestamp < $window_end AND coalesce(host, '-') = $host AND strpos(message, $interface) > 0
ORDER BY timestamp DESC
LIMIT 20
