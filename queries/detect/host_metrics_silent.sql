-- name: host_metrics_silent
-- description: A host that was measured regularly has sent no measurement for 6 minutes, and for three times its own
--   longest pause, while others go on.
-- schedule: every 1m
-- lookback: 4h
-- holds: 1h
-- resolves: by hand
-- severity: high
-- entity: host
-- title: {host} has sent no measurement since {last_sample}
-- runbook: Does the host answer (ping, console, hypervisor)? If it does, look at its agent (`systemctl status` of the exporter,
--   windows_exporter, telegraf) and at the way from the collector to it (firewall, SNMP community). If it does not, it is down.

-- Six minutes are five missed pushes of an agent that pushes every 60 s, and longer than most planned restarts. Slower agents
-- are given three times their longest pause. What Prometheus makes up about a target (`up`, `scrape_*`) goes on when the
-- target is gone, so it is no sign of life. When hardly anybody (less than one in five) is measured any more, the collector
-- is silent and not the hosts, and this rule keeps quiet; what counts is who was heard in the last three minutes. It speaks once for each silence.
WITH beats AS (
    SELECT host, date_bin(INTERVAL '1 minute', timestamp) AS minute, max(timestamp) AS last_sample
    FROM metrics
    WHERE timestamp >= $read_start AND timestamp < $window_end AND host IS NOT NULL
        AND name <> 'up' AND name NOT LIKE 'scrape\_%' AND name NOT LIKE 'probe\_%'
    GROUP BY 1, 2
),
steps AS (
    SELECT
        host,
        minute,
        last_sample,
        lead(minute) OVER (PARTITION BY host ORDER BY minute) AS next_minute,
        date_part('epoch', minute) - date_part('epoch', lag(minute) OVER (PARTITION BY host ORDER BY minute)) AS pause_s
    FROM beats
),
habits AS (
    SELECT
        host,
        last_sample,
        next_minute,
        count(*) OVER past AS beats,
        -- Half an hour without a measurement is a silence whatever the habits; a pause of over an hour was an outage and is no habit.
        least(greatest(360, 3 * coalesce(max(CASE WHEN pause_s <= 3600 THEN pause_s END) OVER past, 0)), 1800) AS patience_s,
        date_part('epoch', minute) - date_part('epoch', min(minute) OVER past) AS known_s
    FROM steps
    WINDOW past AS (PARTITION BY host ORDER BY minute RANGE BETWEEN INTERVAL '2 hours' PRECEDING AND CURRENT ROW)
),
deadlines AS (
    SELECT
        host,
        last_sample,
        next_minute,
        arrow_cast(
            to_timestamp_micros(CAST(1000000 * (date_part('epoch', last_sample) + patience_s) AS BIGINT)),
            'Timestamp(Microsecond, Some("UTC"))'
        ) AS noticed_at
    FROM habits
    -- An hour of acquaintance, and a measurement every ten minutes: a guest or a nightly job is not missed.
    WHERE known_s >= 3600 AND 600 * beats >= known_s
),
silences AS (
    SELECT host, last_sample, noticed_at
    FROM deadlines
    WHERE (next_minute IS NULL OR next_minute > noticed_at) AND noticed_at >= $window_start AND noticed_at < $window_end
),
judged AS (
    SELECT
        silences.host,
        silences.last_sample,
        silences.noticed_at,
        count(DISTINCT beats.host)
            FILTER (WHERE beats.minute <= silences.last_sample) AS hosts,
        count(DISTINCT beats.host)
            FILTER (WHERE beats.minute > silences.noticed_at - INTERVAL '3 minutes' AND beats.host <> silences.host) AS heard
    FROM silences
    JOIN beats ON beats.minute > silences.last_sample - INTERVAL '1 hour' AND beats.minute <= silences.noticed_at
    GROUP BY silences.host, silences.last_sample, silences.noticed_at
)
SELECT date_bin(INTERVAL '1 minute', noticed_at) AS timestamp, host, last_sample, heard AS other_hosts_heard, hosts,
    CAST(1000000 * date_part('epoch', last_sample) AS BIGINT) AS onset
FROM judged
WHERE heard >= 1 AND 5 * heard >= hosts

-- evidence:
SELECT timestamp, name, value
FROM metrics
WHERE timestamp >= $read_start AND timestamp < $window_end AND host = $host
ORDER BY timestamp DESC, name
LIMIT 20

-- over:
SELECT timestamp FROM metrics WHERE timestamp >= $window_start AND timestamp < $window_end AND host = $host LIMIT 1
