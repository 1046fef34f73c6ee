-- name: cpu_saturated
-- description: For 15 minutes a host's processors were all busy (under 3 % idle), or four times as many tasks waited as it has processors.
-- schedule: every 5m
-- lookback: 15m
-- severity: medium
-- entity: host
-- title: {host} is overloaded: {idle_percent} % idle, {load_per_cpu} tasks a processor
-- runbook: `top` shows who it is. Idle near zero: a process computes; is it a job that will end, or does it spin? Much idle and a high
--   load: tasks wait for a disk or a network file system (`ps -eo stat,pid,wchan:32,cmd | grep ^D`), look there.

-- A nightly job may keep a host busy for a while without harm, so fifteen minutes must all be bad. Load counts tasks that wait
-- for disks too, and a few per processor are ordinary on a busy database: it has to be four. Counters fall when a host boots;
-- the largest less the smallest of five minutes then shows too much idle time, which errs on the quiet side.
WITH counters AS (
    SELECT
        date_bin(INTERVAL '5 minutes', timestamp) AS timestamp,
        host,
        name,
        labels['cpu'] AS cpu,
        min(value) AS least,
        max(value) AS most,
        date_part('epoch', max(timestamp)) - date_part('epoch', min(timestamp)) AS seconds
    FROM metrics
    WHERE timestamp >= $read_start AND timestamp < $window_end
        AND ((name = 'node_cpu_seconds_total' AND labels['mode'] = 'idle') OR name = 'node_load5')
    GROUP BY 1, 2, 3, 4
),
bins AS (
    SELECT
        timestamp,
        host,
        sum(most - least) FILTER (WHERE name = 'node_cpu_seconds_total')
            / nullif(sum(seconds) FILTER (WHERE name = 'node_cpu_seconds_total'), 0) AS idle,
        max(least) FILTER (WHERE name = 'node_load5') / nullif(count(*) FILTER (WHERE name = 'node_cpu_seconds_total'), 0) AS load_per_cpu
    FROM counters
    GROUP BY timestamp, host
),
judged AS (
    SELECT
        timestamp,
        host,
        max(idle) OVER three AS idle,
        min(load_per_cpu) OVER three AS load_per_cpu,
        count(idle) OVER three AS bins
    FROM bins
    WINDOW three AS (PARTITION BY host ORDER BY timestamp RANGE BETWEEN INTERVAL '10 minutes' PRECEDING AND CURRENT ROW)
)
SELECT
    timestamp,
    host,
    round(100 * (1 - idle), 1) AS value,
    97 AS expected,
    round(100 * idle, 1) AS idle_percent,
    round(load_per_cpu, 1) AS load_per_cpu
FROM judged
WHERE timestamp >= $window_start AND bins = 3 AND (idle < 0.03 OR load_per_cpu > 4)

-- evidence:
SELECT timestamp, name, value
FROM metrics
WHERE timestamp >= $read_start AND timestamp < $window_end AND host = $host AND name IN ('node_load1', 'node_load5', 'node_load15')
ORDER BY timestamp DESC, name
LIMIT 20
