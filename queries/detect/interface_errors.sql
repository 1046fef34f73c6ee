-- name: interface_errors
-- description: A network interface counts over 100 errors in each of two stretches of 5 minutes, one after the other.
-- schedule: every 5m
-- lookback: 10m
-- severity: medium
-- entity: host, interface
-- title: {interface} on {host} counted {value} errors in 5 minutes
-- runbook: Errors on receipt come from the wire: clean or change the cable or the transceiver, then the port on the other side. Only late
--   collisions and CRC errors on one end: duplex does not match. Optical: look at the received power (`show interfaces transceiver`,
--   `ethtool -m`). Virtual interfaces: the driver or its ring buffer (`ethtool -S`).

-- The growth of each counter from one five minutes to the next; one that fell was reset and counts from zero. A burst while a
-- cable is plugged is no fault, so it takes ten minutes. Drops are left out: hosts drop what they do not know all day long.
WITH bins AS (
    SELECT
        date_bin(INTERVAL '5 minutes', timestamp) AS timestamp,
        host,
        coalesce(labels['ifName'], labels['ifDescr'], labels['device'], labels['nic'], '-') AS interface,
        name,
        last_value(value ORDER BY timestamp) AS value
    FROM metrics
    WHERE timestamp >= $read_start AND timestamp < $window_end
        AND name IN (
            'ifInErrors', 'ifOutErrors', 'node_network_receive_errs_total', 'node_network_transmit_errs_total',
            'windows_net_packets_received_errors_total', 'windows_net_packets_outbound_errors_total'
        )
    GROUP BY 1, 2, 3, 4
),
grown AS (
    SELECT
        timestamp,
        host,
        interface,
        CASE WHEN value < before THEN value ELSE value - before END AS growth
    FROM (
        SELECT
            timestamp,
            host,
            interface,
            value,
            first_value(value) OVER (
                PARTITION BY host, interface, name ORDER BY timestamp RANGE BETWEEN INTERVAL '5 minutes' PRECEDING AND CURRENT ROW
            ) AS before
        FROM bins
    )
),
summed AS (
    SELECT timestamp, host, interface, sum(growth) AS errors
    FROM grown
    GROUP BY timestamp, host, interface
),
judged AS (
    SELECT timestamp, host, interface, errors, min(errors) OVER two AS least, count(*) OVER two AS bins
    FROM summed
    WINDOW two AS (PARTITION BY host, interface ORDER BY timestamp RANGE BETWEEN INTERVAL '5 minutes' PRECEDING AND CURRENT ROW)
)
SELECT timestamp, host, interface, CAST(errors AS BIGINT) AS value, 100 AS expected
FROM judged
WHERE timestamp >= $window_start AND bins = 2 AND least > 100

-- evidence:
SELECT timestamp, name, value
FROM metrics
WHERE timestamp >= $read_start AND timestamp < $window_end AND host = $host
    AND name IN (
        'ifInErrors', 'ifOutErrors', 'node_network_receive_errs_total', 'node_network_transmit_errs_total',
        'windows_net_packets_received_errors_total', 'windows_net_packets_outbound_errors_total'
    )
    AND coalesce(labels['ifName'], labels['ifDescr'], labels['device'], labels['nic']) = $interface
ORDER BY timestamp DESC, name
LIMIT 20
