-- name: mail_queue
-- description: Mail piles up: for 15 minutes over 500 messages wait and more than twice the usual, or most deliveries are put off.
-- schedule: every 15m
-- lookback: 12h
-- severity: medium
-- entity: host
-- title: Mail piles up on {host}: {value} messages wait or were put off
-- runbook: `postqueue -p | tail` and `qshape deferred` show to whom. One domain: its server is down or refuses us, wait. All domains: our
--   way out (relay, DNS, firewall, a blocklist). Many from one sender: a hacked account or form, stop it (`postsuper -h`) before the
--   address ends on blocklists. Mail to ourselves: look at dovecot and at the space of the mail store.

-- Two signs: what the exporter counts (the lowest value of the quarter-hour, so that a newsletter that drains is no alarm) and
-- the deliveries that Postfix puts off, at least 50 and more than it sends.
WITH queues AS (
    SELECT timestamp, host, sum(value) AS waiting
    FROM metrics
    WHERE timestamp >= $read_start AND timestamp < $window_end
        AND name IN ('postfix_queue_length', 'postfix_showq_message_size_bytes_count', 'exim_queue')
    GROUP BY timestamp, host
),
quarters AS (
    SELECT date_bin(INTERVAL '15 minutes', timestamp) AS timestamp, host, min(waiting) AS waiting
    FROM queues
    GROUP BY 1, 2
),
measured AS (
    SELECT timestamp, host, waiting, avg(waiting) OVER past AS usual
    FROM quarters
    WINDOW past AS (
        PARTITION BY host ORDER BY timestamp RANGE BETWEEN INTERVAL '705 minutes' PRECEDING AND INTERVAL '3 hours' PRECEDING
    )
),
deliveries AS (
    SELECT
        date_bin(INTERVAL '15 minutes', timestamp) AS timestamp,
        host,
        count(*) FILTER (WHERE message LIKE '%status=deferred%') AS deferred,
        count(*) FILTER (WHERE message LIKE '%status=sent%') AS sent
    FROM logs
    WHERE timestamp >= $window_start AND timestamp < $window_end AND app LIKE 'postfix%'
        AND (message LIKE '%status=deferred%' OR message LIKE '%status=sent%')
    GROUP BY 1, 2
)
SELECT timestamp, host, CAST(max(waiting) AS BIGINT) AS value, CAST(max(usual) AS BIGINT) AS expected
FROM (
    SELECT timestamp, host, waiting, coalesce(usual, 0) AS usual
    FROM measured
    WHERE timestamp >= $window_start AND waiting > 500 AND waiting > 2 * coalesce(usual, 0)
    UNION ALL
    SELECT timestamp, host, CAST(deferred AS DOUBLE) AS waiting, 0 AS usual FROM deliveries WHERE deferred >= 50 AND deferred > sent
)
GROUP BY timestamp, host

-- evidence:
SELECT timestamp, app, message
FROM logs
WHERE timestamp >= $window_start AND timestamp < $window_end AND coalesce(host, '-') = $host AND app LIKE 'postfix%'
    AND message LIKE '%status=deferred%'
ORDER BY timestamp DESC, message
LIMIT 20
