-- name: sla_attainment
-- description: How many promises of tickets were kept, by kind of promise and by team, service and priority.
-- window: 30d

-- A ticket's promise counts once, in the period in which it was decided: when its time was used up, or when it was kept
-- for good. The promise of updates is broken by one silence that was too long, and kept if there was none until the end. What
-- still runs is neither. The present policy is applied to the whole past, so that two periods can be compared.
WITH judged AS (
    SELECT
        ticket,
        promise,
        bool_or(verdict = 'breached') AS breached,
        bool_or(verdict = 'running') AS running,
        min(breached_at) AS breached_at,
        max(stopped_at) AS stopped_at
    FROM sla_clocks
    -- What was resolved before the period was decided before it.
    WHERE opened_at < $window_end AND (resolved_at IS NULL OR resolved_at >= $window_start)
    GROUP BY ticket, promise
),
decided AS (
    SELECT
        promise,
        breached,
        team,
        service,
        priority,
        CASE WHEN breached THEN breached_at ELSE stopped_at END AS decided_at
    FROM judged
    JOIN tickets ON tickets.number = judged.ticket
    WHERE (breached OR NOT running) AND merged_into IS NULL
        AND opened_at < $window_end AND (resolved_at IS NULL OR resolved_at >= $window_start)
),
grouped AS (
    SELECT
        dimension,
        CASE dimension
            WHEN 'team' THEN coalesce(team, '(none)')
            WHEN 'service' THEN coalesce(service, '(none)')
            WHEN 'priority' THEN priority
            ELSE 'all'
        END AS value,
        promise,
        breached
    FROM decided
    CROSS JOIN (VALUES (1, 'all'), (2, 'team'), (3, 'service'), (4, 'priority')) AS dimensions (place, dimension)
    WHERE decided_at >= $window_start AND decided_at < $window_end
)
SELECT
    dimension,
    value,
    promise,
    count(*) AS decided,
    count(*) FILTER (WHERE NOT breached) AS met,
    count(*) FILTER (WHERE breached) AS breached,
    round(100.0 * count(*) FILTER (WHERE NOT breached) / count(*), 1) AS attainment_percent
FROM grouped
GROUP BY dimension, value, promise
ORDER BY CASE dimension WHEN 'all' THEN 1 WHEN 'team' THEN 2 WHEN 'service' THEN 3 ELSE 4 END, value, promise
