-- name: certificate_expiring
-- description: A certificate is valid for less than 14 days, or its renewal has failed.
-- schedule: every 1h
-- severity: medium
-- entity: host, certificate
-- title: The certificate {certificate} on {host} has {value} days left
-- runbook: Renew it now, while nothing is broken: `certbot renew --dry-run` shows why the automatic way fails (port 80 closed, DNS
--   changed, rate limit). After the renewal reload whatever serves it, and look from outside: `openssl s_client -connect`.
--   An authority that nobody renews automatically belongs into the calendar.

-- Ninety-day certificates are renewed with thirty days left, so fourteen mean that renewal has failed for two weeks. What a
-- probe or an exporter measures is the time stamp of the end; some programs count the days themselves.
WITH measured AS (
    SELECT
        date_bin(INTERVAL '1 hour', timestamp) AS timestamp,
        host,
        coalesce(labels['target'], labels['subject_CN'], labels['cn'], labels['instance'], '-') AS certificate,
        min((value - date_part('epoch', timestamp)) / 86400) AS days
    FROM metrics
    WHERE timestamp >= $window_start AND timestamp < $window_end
        -- A probe that fails reports zero, which is another trouble.
        AND name IN ('probe_ssl_earliest_cert_expiry', 'ssl_cert_not_after', 'x509_cert_not_after') AND value > 0
    GROUP BY 1, 2, 3
),
said AS (
    SELECT
        date_bin(INTERVAL '1 hour', timestamp) AS timestamp,
        host,
        coalesce(
            regexp_match(message, '(?:certificate|Certificate)(?: for| of)? [''"]?([A-Za-z0-9*][A-Za-z0-9*.:/_-]{2,100})')[1], app, '-'
        ) AS certificate,
        CASE
            WHEN message LIKE '%Failed to renew certificate%' THEN 0
            ELSE CAST(regexp_match(message, '(?i)(?:expires?|expiring|valid)[a-z ]{0,20} ([0-9]{1,4}) days?\b')[1] AS DOUBLE)
        END AS days
    FROM logs
    WHERE timestamp >= $window_start AND timestamp < $window_end
        AND (
            message LIKE '%Failed to renew certificate%'
            OR (message LIKE '%ertificate%' AND message LIKE '%expir%' AND message LIKE '% day%')
        )
)
SELECT timestamp, host, certificate, floor(min(days)) AS value, 14 AS expected
FROM (SELECT * FROM measured UNION ALL SELECT * FROM said)
WHERE days < 14
GROUP BY timestamp, host, certificate

-- evidence:
SELECT timestamp, app, message
FROM logs
WHERE timestamp >= $window_start AND timestamp < $window_end AND coalesce(host, '-') = $host AND message LIKE '%ertificate%'
ORDER BY timestamp DESC, message
LIMIT 20
