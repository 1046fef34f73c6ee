-- name: certificates
-- description: Days of today and of the end of each certificate, counted from 1970: a certificate that nobody renews is used up on its last day.
-- kind: certificate
-- entity: host, certificate
-- used: today
-- limit: last_day
-- unit: days
-- headroom: 14
-- basis: max
-- lead_days: 0
-- horizon_days: 14
-- runbook: Renew it, or find out why its automatic renewal does not work; those of an authority that nobody renews automatically belong
--   into the calendar.

-- A probe that fails reports zero, which is another trouble.
SELECT
    date_bin(INTERVAL '1 hour', timestamp) AS timestamp,
    host,
    coalesce(labels['target'], labels['subject_CN'], labels['cn'], labels['instance'], '') AS certificate,
    max(date_part('epoch', timestamp)) / 86400 AS today,
    min(value) / 86400 AS last_day
FROM metrics
WHERE timestamp >= $window_start AND timestamp < $window_end
    AND name IN ('probe_ssl_earliest_cert_expiry', 'ssl_cert_not_after', 'x509_cert_not_after') AND value > 0
GROUP BY 1, 2, 3
