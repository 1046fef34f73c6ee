-- name: interface_flapping
-- description: A network interface has gone down at least 4 times in 10 minutes.
-- schedule: every 1m
-- lookback: 10m
-- severity: medium
-- entity: host, interface
-- title: {interface} on {host} went down {value} times in 10 minutes
-- runbook: Look at the interface's error counters, then at cable, transceiver and the port on the other side, in this order.
--   If only the line protocol goes down and the link stays, look at keepalives, duplex and spanning tree.

-- A cut link leaves two lines on Cisco IOS, LINK and LINEPROTO, so the larger count is taken and not the sum. Linux says
-- `Link is Down`, Junos SNMP_TRAP_LINK_DOWN. An interface that somebody shut down (`administratively down`) is not counted.
WITH downs AS (
    SELECT
        date_bin(INTERVAL '1 minute', timestamp) AS timestamp,
        host,
        coalesce(
            regexp_match(message, 'Interface ([A-Za-z0-9/._:-]+)')[1],
            regexp_match(message, 'ifName ([A-Za-z0-9/._:-]+)')[1],
            regexp_match(message, '([A-Za-z0-9/._-]+):? (?:NIC )?[Ll]ink is')[1]
        ) AS interface,
        message LIKE '%ine protocol%' AS is_protocol
    FROM logs
    WHERE timestamp >= $read_start AND timestamp < $window_end
        AND (
            message LIKE '%changed state to down%'
            OR message LIKE '%ink is Down%'
            OR message LIKE '%ink is down%'
            OR message LIKE '%LINK_DOWN%'
            OR msgid LIKE '%LINK_DOWN'
        )
),
minutes AS (
    SELECT
        timestamp,
        host,
        interface,
        count(*) FILTER (WHERE is_protocol) AS protocol_downs,
        count(*) FILTER (WHERE NOT is_protocol) AS link_downs
    FROM downs
    WHERE interface IS NOT NULL
    GROUP BY timestamp, host, interface
),
counted AS (
    SELECT timestamp, host, interface, greatest(sum(protocol_downs) OVER ten, sum(link_downs) OVER ten) AS value
    FROM minutes
    WINDOW ten AS (
        PARTITION BY host, interface ORDER BY timestamp RANGE BETWEEN INTERVAL '9 minutes' PRECEDING AND CURRENT ROW
    )
)
SELECT timestamp, host, interface, value, 4 AS expected
FROM counted
WHERE timestamp >= $window_start AND value >= 4

-- evidence:
SELECT timestamp, msgid, message
FROM logs
WHERE timestamp >= $read_start AND timestamp < $window_end AND coalesce(host, '-') = $host AND strpos(message, $interface) > 0
ORDER BY timestamp DESC, message
LIMIT 20
