-- name: licences
-- description: Licences in use of each product.
-- kind: licence
-- entity: product
-- used: used
-- limit: held
-- unit: licences
-- headroom: 5%
-- basis: max
-- runbook: Licences of people who have left, and of machines that were retired, come back for nothing: compare the list of users with the
--   directory before you buy.

SELECT
    date_bin(INTERVAL '1 hour', timestamp) AS timestamp,
    coalesce(labels['product'], labels['feature'], labels['app'], '') AS product,
    max(value) FILTER (WHERE name IN ('license_used', 'flexlm_feature_used')) AS used,
    max(value) FILTER (WHERE name IN ('license_total', 'flexlm_feature_issued')) AS held
FROM metrics
WHERE timestamp >= $window_start AND timestamp < $window_end
    AND name IN ('license_used', 'license_total', 'flexlm_feature_used', 'flexlm_feature_issued')
GROUP BY 1, 2
