-- name: nginx_server_errors
-- description: A web server (nginx, Apache) answers one request in twenty or more with a server error, four times its usual share.
-- schedule: every 5m
-- lookback: 6h
-- severity: high
-- entity: host
-- title: {value} % of the answers of {host} are server errors (usual: {expected} %)
-- runbook: See which answers: 502 and 504 come from the application behind (`nginx_upstream_failures`, is it up, is it slow?), 500 from
--   the application itself (its log, its last release), 503 from limits or maintenance. One path only: that function. All paths:
--   what they share (database, disk, memory). A release within the last hour goes back first.

-- Access lines in the common or combined format. Twenty errors are needed, so that two failures at night are no 50 %; and a
-- site that always has its five percent is not reported for what its people know.
WITH bins AS (
    SELECT
        timestamp,
        host,
        count(*) AS requests,
        count(*) FILTER (WHERE status LIKE '5%') AS errors
    FROM (
        SELECT
            date_bin(INTERVAL '5 minutes', timestamp) AS timestamp,
            host,
            regexp_match(message, ' HTTP/[0-9.]{1,3}" ([1-5][0-9][0-9]) ')[1] AS status
        FROM logs
        WHERE timestamp >= $read_start AND timestamp < $window_end
            AND (app LIKE 'nginx%' OR app LIKE 'apache%' OR app LIKE 'httpd%') AND message LIKE '% HTTP/%" ___ %'
    )
    WHERE status IS NOT NULL
    GROUP BY timestamp, host
),
judged AS (
    SELECT
        timestamp,
        host,
        requests,
        errors,
        100.0 * errors / requests AS share,
        coalesce(100.0 * sum(errors) OVER past / nullif(sum(requests) OVER past, 0), 0) AS usual_share
    FROM bins
    WINDOW past AS (
        PARTITION BY host ORDER BY timestamp RANGE BETWEEN INTERVAL '355 minutes' PRECEDING AND INTERVAL '60 minutes' PRECEDING
    )
)
SELECT timestamp, host, round(share, 1) AS value, round(usual_share, 1) AS expected, errors, requests
FROM judged
WHERE timestamp >= $window_start AND errors >= 20 AND share >= 5 AND share > 4 * usual_share

-- evidence:
SELECT timestamp, app, message
FROM logs
WHERE timestamp >= $window_start AND timestamp < $window_end AND coalesce(host, '-') = $host
    AND (app LIKE 'nginx%' OR app LIKE 'apache%' OR app LIKE 'httpd%') AND message LIKE '% HTTP/%" 5__ %'
ORDER BY timestamp, message
LIMIT 20
