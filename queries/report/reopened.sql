-- name: reopened
-- description: Tickets that came back after they were resolved, by team, service and priority.
-- window: 30d

-- What was resolved before the period and came back in it counts as reopened too, so that a quiet month after a busy one
-- can have more than 100 %.
WITH moves AS (
    SELECT
        ticket,
        count(*) FILTER (WHERE to_state = 'resolved') AS resolutions,
        count(*) FILTER (WHERE to_state = 'reopened') AS reopenings
    FROM ticket_events
    WHERE kind = 'moved' AND to_state IN ('resolved', 'reopened') AND at >= $window_start AND at < $window_end
    GROUP BY ticket
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
        resolutions,
        reopenings
    FROM moves
    JOIN tickets ON tickets.number = moves.ticket
    CROSS JOIN (VALUES (1, 'all'), (2, 'team'), (3, 'service'), (4, 'priority')) AS dimensions (place, dimension)
    -- What moved in the period was there, and was not over before it.
    WHERE merged_into IS NULL AND opened_at < $window_end AND (resolved_at IS NULL OR resolved_at >= $window_start)
)
SELECT
    dimension,
    value,
    count(*) FILTER (WHERE resolutions > 0) AS resolved_tickets,
    count(*) FILTER (WHERE reopenings > 0) AS reopened_tickets,
    CAST(sum(resolutions) AS BIGINT) AS resolutions,
    CAST(sum(reopenings) AS BIGINT) AS reopenings,
    round(100.0 * sum(reopenings) / nullif(sum(resolutions), 0), 1) AS reopened_percent
FROM grouped
GROUP BY dimension, value
ORDER BY CASE dimension WHEN 'all' THEN 1 WHEN 'team' THEN 2 WHEN 'service' THEN 3 ELSE 4 END, value
