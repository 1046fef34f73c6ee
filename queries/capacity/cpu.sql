-- name: cpu
-- description: How many of each host's processors work, in the mean of the busiest hour of the day.
-- kind: cpu
-- entity: host
-- used: busy
-- limit: cores
-- unit: cores
-- headroom: knee cores
-- basis: busy_hour
-- runbook: Beyond the knee of the response time a little more load costs much more waiting. Hosts that carry one load together may use
--   only as much as the others can take over when one is lost: say so in the capacity policy (`spares`).

-- Means of whole hours, so that it does not matter how often somebody measured: the step between the last readings of two hours. A counter
-- that fell has begun anew.
WITH readings AS (
    SELECT
        date_bin(INTERVAL '1 hour', timestamp) AS timestamp,
        host,
        coalesce(labels['cpu'], labels['core'], '') AS cpu,
        last_value(value ORDER BY timestamp) AS idle_s,
        max(timestamp) AS read_at
    FROM metrics
    WHERE timestamp >= CAST($window_start AS TIMESTAMP) - INTERVAL '75 minutes' AND timestamp < $window_end
        AND name IN ('node_cpu_seconds_total', 'windows_cpu_time_total') AND labels['mode'] = 'idle'
    GROUP BY 1, 2, 3
),
steps AS (
    SELECT
        timestamp,
        host,
        idle_s - lag(idle_s) OVER past AS idle_s,
        date_part('epoch', read_at) - date_part('epoch', lag(read_at) OVER past) AS seconds
    FROM readings
    WINDOW past AS (PARTITION BY host, cpu ORDER BY timestamp)
)
SELECT
    timestamp,
    host,
    count(*) * greatest(0.0, least(1.0, 1 - sum(idle_s) / sum(seconds))) AS busy,
    CAST(count(*) AS DOUBLE) AS cores
FROM steps
WHERE seconds > 0 AND seconds <= 4500 AND idle_s >= 0
GROUP BY timestamp, host

-- consumers:
-- Groups of processes, as the process exporter counts them: processors that they kept busy on the last day, in the mean.
WITH readings AS (
    SELECT
        date_bin(INTERVAL '1 hour', timestamp) AS timestamp,
        labels['groupname'] AS name,
        labels['mode'] AS mode,
        last_value(value ORDER BY timestamp) AS seconds,
        max(timestamp) AS read_at
    FROM metrics
    WHERE timestamp >= CAST($window_end AS TIMESTAMP) - INTERVAL '25 hours' AND timestamp < $window_end
        AND name = 'namedprocess_namegroup_cpu_seconds_total' AND host = $host
    GROUP BY 1, 2, 3
),
steps AS (
    SELECT
        timestamp,
        name,
        seconds - lag(seconds) OVER past AS busy_s,
        date_part('epoch', read_at) - date_part('epoch', lag(read_at) OVER past) AS passed_s
    FROM readings
    WINDOW past AS (PARTITION BY name, mode ORDER BY timestamp)
),
hours AS (
    SELECT timestamp, name, sum(busy_s / passed_s) AS cores FROM steps WHERE busy_s >= 0 AND passed_s > 0 GROUP BY 1, 2
)
SELECT name, avg(cores) AS amount
FROM hours
GROUP BY name
ORDER BY amount DESC
LIMIT 10
