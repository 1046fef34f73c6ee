-- name: routing_neighbor_down
-- description: A router has lost a neighbor (BGP, OSPF, IS-IS, EIGRP).
-- schedule: every 1m
-- severity: high
-- entity: host, neighbor
-- title: {host} has lost its {protocol} neighbor {neighbor}
-- runbook: Is the way to the neighbor up (interface, ping from the router, the provider's line)? `Hold timer expired` and `Dead timer
--   expired`: packets are lost on the way. `Notification received`: the other side closed, read its code. `Maximum prefixes`: it sends
--   more than we allow. Is traffic going the other way now, and does that way carry it?

-- Cisco IOS, NX-OS, Arista, Junos, NetIron, FRRouting. Only a neighbor that is lost counts: attempts that do not come up and
-- changes from one state of the way up to another leave lines all day.
WITH lost AS (
    SELECT
        date_bin(INTERVAL '1 minute', timestamp) AS timestamp,
        host,
        CASE
            WHEN message LIKE '%OSPF%' OR msgid LIKE '%OSPF%' THEN 'OSPF'
            WHEN message LIKE '%EIGRP%' THEN 'EIGRP'
            WHEN message LIKE '%ISIS%' THEN 'IS-IS'
            ELSE 'BGP'
        END AS protocol,
        coalesce(
            regexp_match(message, '(?:[Nn]eighbor|Nbr|nbr rid|BGP peer|: peer|Peer|Adjacency to)(?: \([^)]{1,60}\))? ([A-Za-z0-9][A-Za-z0-9.:_-]{1,60}[A-Za-z0-9])')[1],
            '-'
        ) AS neighbor
    FROM logs
    WHERE timestamp >= $window_start AND timestamp < $window_end
        AND (
            -- Cisco IOS and NX-OS: `neighbor 10.0.0.1 Down`; Arista: `old state Established ... new state Idle`.
            message LIKE '%ADJCHANGE: neighbor %Down%'
            OR message LIKE '%ADJCHANGE: %neighbor % Down%'
            OR message LIKE '%BGP-%old state Established % new state %'
            OR message LIKE '%ADJCHANGE: ISIS: Adjacency to % Down%'
            OR message LIKE '%OSPF%-ADJCH%FULL to DOWN%'
            OR message LIKE '%OSPF%-ADJCH%to DOWN, Neighbor Down: Dead timer%'
            OR message LIKE '%OSPF%-ADJCH%to DOWN, Neighbor Down: Interface down%'
            OR message LIKE '%NBRCHANGE: EIGRP% is down%'
            -- Junos.
            OR message LIKE '%BGP peer % changed state from Established to %'
            OR message LIKE '%OSPF neighbor % state changed from Full to %'
            -- NetIron.
            OR message LIKE 'BGP: Peer % DOWN%'
            OR message LIKE 'OSPF: nbr state changed% state down%'
            -- FRRouting.
            OR (app IN ('bgpd', 'frr') AND message LIKE '%neighbor % Down%')
        )
)
SELECT timestamp, host, protocol, neighbor, count(*) AS value, 0 AS expected
FROM lost
GROUP BY timestamp, host, protocol, neighbor

-- evidence:
SELECT timestamp, app, msgid, message
FROM logs
WHERE timestamp >= $window_start AND timestamp < $window_end AND coalesce(host, '-') = $host AND strpos(message, $neighbor) > 0
ORDER BY timestamp, message
LIMIT 20
