-- name: network_port
-- description: What goes through each port of the network, in its busier direction and in the busiest hour of the day.
-- kind: network_port
-- entity: host, port
-- used: bits_per_s
-- limit: speed_bits_per_s
-- unit: bits/s
-- headroom: 20%
-- basis: busy_hour
-- runbook: Look who sends (`show interfaces`, flow records): a backup that runs by day can be moved to the night. Two ports can be bundled
--   before a faster one is bought.

WITH readings AS (
    SELECT
        date_bin(INTERVAL '1 hour', timestamp) AS timestamp,
        host,
        coalesce(labels['ifName'], labels['device'], labels['interface'], '') AS port,
        name,
        last_value(value ORDER BY timestamp) AS value,
        max(timestamp) AS read_at
    FROM metrics
    WHERE timestamp >= CAST($window_start AS TIMESTAMP) - INTERVAL '75 minutes' AND timestamp < $window_end
        AND name IN ('ifHCInOctets', 'ifHCOutOctets', 'ifHighSpeed', 'node_network_receive_bytes_total', 'node_network_transmit_bytes_total',
            'node_network_speed_bytes')
    GROUP BY 1, 2, 3, 4
),
-- ifHighSpeed counts millions of bits (RFC 2863), the node exporter bytes; zero and less is a port without a link.
steps AS (
    SELECT
        timestamp,
        host,
        port,
        CASE WHEN value <= 0 THEN NULL WHEN name = 'ifHighSpeed' THEN 1e6 * value WHEN name = 'node_network_speed_bytes' THEN 8 * value END
            AS speed,
        CASE WHEN name = 'ifHighSpeed' OR name = 'node_network_speed_bytes' THEN NULL ELSE value - lag(value) OVER past END AS octets,
        date_part('epoch', read_at) - date_part('epoch', lag(read_at) OVER past) AS seconds
    FROM readings
    WINDOW past AS (PARTITION BY host, port, name ORDER BY timestamp)
)
SELECT
    timestamp,
    host,
    port,
    max(CASE WHEN seconds > 0 AND seconds <= 4500 AND octets >= 0 THEN 8 * octets / seconds END) AS bits_per_s,
    max(speed) AS speed_bits_per_s
FROM steps
WHERE port <> 'lo'
GROUP BY timestamp, host, port
