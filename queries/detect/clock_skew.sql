-- name: clock_skew
-- description: A host's clock is wrong by half a second or more, and time keeping does not mend it.
-- schedule: every 5m
-- lookback: 1h
-- severity: medium
-- entity: host
-- title: The clock of {host} is wrong by {value} seconds
-- runbook: `chronyc tracking` and `chronyc sources -v` (`w32tm /query /status` on Windows): are servers reached (UDP 123), do they agree?
--   In a virtual machine only one may set the clock: the guest's daemon or the hypervisor's tools. Logins by Kerberos fail from five
--   minutes on, certificates and one-time codes earlier; logs of this host do not line up with others.

-- chrony says `System clock wrong by` with each correction over a second, ntpd `time reset`. The one after a boot or a resumed machine is how it
-- should be, so it takes three within an hour. The node exporter measures the offset: five minutes of it, all over half a second.
WITH said AS (
    SELECT
        date_bin(INTERVAL '5 minutes', timestamp) AS timestamp,
        host,
        max(CAST(regexp_match(message, '(?:wrong by|time reset) [+-]?([0-9]{1,9}[.]?[0-9]{0,9})')[1] AS DOUBLE)) AS offset_s,
        count(*) AS times
    FROM logs
    WHERE timestamp >= $read_start AND timestamp < $window_end
        AND ((app = 'chronyd' AND message LIKE '%System clock wrong by %') OR (app IN ('ntpd', 'ntp') AND message LIKE '%time reset %'))
    GROUP BY 1, 2
),
hourly AS (
    SELECT timestamp, host, max(offset_s) OVER hour AS offset_s, sum(times) OVER hour AS times
    FROM said
    WINDOW hour AS (PARTITION BY host ORDER BY timestamp RANGE BETWEEN INTERVAL '55 minutes' PRECEDING AND CURRENT ROW)
),
measured AS (
    SELECT date_bin(INTERVAL '5 minutes', timestamp) AS timestamp, host, min(abs(value)) AS offset_s, count(*) AS samples
    FROM metrics
    WHERE timestamp >= $window_start AND timestamp < $window_end
        AND name IN ('node_timex_offset_seconds', 'node_ntp_offset_seconds', 'windows_time_computed_time_offset_seconds')
    GROUP BY 1, 2
)
SELECT timestamp, host, round(max(offset_s), 3) AS value, 0 AS expected
FROM (
    SELECT timestamp, host, coalesce(offset_s, 1) AS offset_s FROM hourly WHERE timestamp >= $window_start AND times >= 3
    UNION ALL
    SELECT timestamp, host, offset_s FROM measured WHERE samples >= 2 AND offset_s >= 0.5
)
GROUP BY timestamp, host

-- evidence:
SELECT timestamp, app, message
FROM logs
WHERE timestamp >= $read_start AND timestamp < $window_end AND coalesce(host, '-') = $host AND app IN ('chronyd', 'ntpd', 'ntp')
ORDER BY timestamp DESC, message
LIMIT 20
