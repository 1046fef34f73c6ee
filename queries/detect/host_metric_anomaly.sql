-- name: host_metric_anomaly
-- description: A vital sign of a host (processor, memory, load, disk) is not what it usually is at this time of the day.
-- schedule: every 5m
-- learn: 14d
-- sensitivity: about once in 5 years
-- severity: medium
-- entity: host, metric
-- title: {metric} of {host} is {value}, usually {expected} at this time
-- runbook: Look at what else happened on the host in these minutes: a release, a job that runs away, a neighbour that takes over
--   its work. `stream` says what is unusual: the value, its mean over an hour or six, how much it moves, or that it was never like
--   this. If nothing is wrong, say "noise" to the finding, and this rule asks for more the next time.

-- Four signs a host, not each of its hundred series: with five years between false alarms of one sign, two hundred signs are
-- wrong some forty times a year. Traffic is none of them: backups and releases make bursts of it by nature. A sum that lost
-- one of its counters looks like a reset and gives no rate. A change has to be large enough to matter as well: half a
-- processor, half of a disk's time, a load of one, 10 % of the memory that is available.
WITH series AS (
    SELECT
        date_bin(INTERVAL '5 minutes', timestamp) AS timestamp,
        host,
        CASE
            WHEN name = 'node_cpu_seconds_total' THEN 'processor seconds a second'
            WHEN name = 'node_memory_MemAvailable_bytes' THEN 'available memory (bytes)'
            WHEN name = 'node_load5' THEN 'load'
            ELSE 'disk seconds a second'
        END AS metric,
        name NOT IN ('node_memory_MemAvailable_bytes', 'node_load5') AS is_counter,
        avg(value) AS mean,
        last_value(value ORDER BY timestamp) AS latest
    FROM metrics
    WHERE timestamp >= $window_start AND timestamp < $window_end
        AND name IN ('node_cpu_seconds_total', 'node_memory_MemAvailable_bytes', 'node_load5', 'node_disk_io_time_seconds_total')
        AND coalesce(labels['mode'], '') NOT IN ('idle', 'iowait', 'steal')
    GROUP BY 1, 2, 3, 4, series_id
),
signs AS (
    SELECT timestamp, host, metric, is_counter, sum(mean) AS mean, sum(latest) AS latest
    FROM series
    GROUP BY timestamp, host, metric, is_counter
),
rates AS (
    SELECT
        timestamp,
        host,
        metric,
        CASE WHEN is_counter THEN counter_rate(latest) OVER (PARTITION BY host, metric ORDER BY timestamp) ELSE mean END AS value
    FROM signs
),
judged AS (
    SELECT timestamp, host, metric, value, anomaly(value, $threshold) OVER (PARTITION BY host, metric ORDER BY timestamp) AS reading
    FROM rates
)
SELECT
    timestamp,
    host,
    metric,
    CASE WHEN abs(value) < 100 THEN round(value, 2) ELSE round(value) END AS value,
    CASE WHEN abs(reading['expected']) < 100 THEN round(reading['expected'], 2) ELSE round(reading['expected']) END AS expected,
    round(reading['score'], 2) AS score,
    reading['stream'] AS stream,
    reading['p'] AS p
FROM judged
WHERE reading['alarm'] AND abs(value - reading['expected']) >= CASE metric
        WHEN 'processor seconds a second' THEN 0.5
        WHEN 'disk seconds a second' THEN 0.5
        WHEN 'load' THEN 1
        ELSE 0.1 * reading['expected']
    END

-- evidence:
SELECT date_bin(INTERVAL '5 minutes', timestamp) AS timestamp, name, round(avg(value), 3) AS mean, round(max(value), 3) AS max, count(*) AS samples
FROM metrics
WHERE timestamp >= $window_start AND timestamp < $window_end AND host = $host
    AND name IN ('node_memory_MemAvailable_bytes', 'node_load1', 'node_load5', 'node_load15')
GROUP BY 1, 2
ORDER BY name
LIMIT 20
