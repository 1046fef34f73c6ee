-- name: dhcp_pool_exhausted
-- description: A DHCP server has no address left to give, so new devices get no network.
-- schedule: every 5m
-- severity: high
-- entity: host, pool
-- title: The DHCP server {host} has no address left in {pool}
-- runbook: Count the leases of that network: are they real devices? Then shorten the lease time (guests: an hour) or widen the pool.
--   Hundreds of addresses for one port or of one vendor: a loop, a broken device or an attack on the pool; DHCP snooping with a
--   limit on the switch stops it.

-- ISC dhcpd, Kea, dnsmasq, Cisco IOS and Windows in their own words. A device asks again every few seconds, so two lines in
-- five minutes are the least that a lack leaves.
WITH said AS (
    SELECT
        date_bin(INTERVAL '5 minutes', timestamp) AS timestamp,
        host,
        coalesce(
            regexp_match(message, 'network ([^ ]{1,60}): no free leases')[1],
            regexp_match(message, 'subnet ([0-9A-Fa-f.:]{3,60}(?:/[0-9]{1,3})?)')[1],
            regexp_match(message, '[Ss]cope,? ([0-9.]{7,15})')[1],
            regexp_match(message, 'pool ([A-Za-z0-9_.-]{1,60})')[1],
            regexp_match(message, 'DHCPDISCOVER\(([^)]{1,40})\)')[1],
            '-'
        ) AS pool,
        message LIKE '%100 percent full%' OR message LIKE '%ADDRESS_EXHAUST%' AS is_verdict
    FROM logs
    WHERE timestamp >= $window_start AND timestamp < $window_end
        AND (
            (app LIKE 'dhcpd%' AND message LIKE '%no free leases%')
            OR (app LIKE 'kea%' AND message LIKE '%ALLOC_ENGINE_V_\_ALLOC_FAIL%')
            OR (app LIKE 'dnsmasq%' AND message LIKE '%no address available%')
            OR message LIKE '%DHCPD-%ADDRESS_EXHAUST%'
            OR message LIKE '%cope%is 100 percent full%'
            OR message LIKE '%no IP addresses available for lease in the scope%'
        )
),
counted AS (
    SELECT timestamp, host, pool, count(*) AS value, bool_or(is_verdict) AS is_verdict
    FROM said
    GROUP BY timestamp, host, pool
)
SELECT timestamp, host, pool, value, 0 AS expected
FROM counted
WHERE value >= 2 OR is_verdict

-- evidence:
SELECT timestamp, app, message
FROM logs
WHERE timestamp >= $window_start AND timestamp < $window_end AND coalesce(host, '-') = $host
    AND (app LIKE 'dhcpd%' OR app LIKE 'kea%' OR app LIKE 'dnsmasq%' OR message LIKE '%DHCP%' OR message LIKE '%cope%')
ORDER BY timestamp, message
LIMIT 20
