-- name: backlog
-- description: Tickets that were open at the end of the period, by team, service and priority, with their age.
-- window: 30d

-- State, team, service and priority are those of now. For a moment in the past, tickets that were resolved since and are open again
-- count as open all the time.
WITH open AS (
    SELECT
        coalesce(team, '(none)') AS team,
        coalesce(service, '(none)') AS service,
        priority,
        assignee,
        state,
        (date_part('epoch', CAST($window_end AS TIMESTAMP)) - date_part('epoch', opened_at)) / 86400 AS age_days
    FROM tickets
    WHERE opened_at < $window_end AND (resolved_at IS NULL OR resolved_at >= $window_end) AND merged_into IS NULL
)
SELECT
    team,
    service,
    priority,
    count(*) AS open,
    count(*) FILTER (WHERE assignee IS NULL) AS unassigned,
    count(*) FILTER (WHERE state = 'on_hold') AS on_hold,
    count(*) FILTER (WHERE age_days < 1) AS under_1_day,
    count(*) FILTER (WHERE age_days >= 1 AND age_days < 7) AS under_7_days,
    count(*) FILTER (WHERE age_days >= 7 AND age_days < 30) AS under_30_days,
    count(*) FILTER (WHERE age_days >= 30) AS older,
    round(max(age_days), 1) AS oldest_days
FROM open
GROUP BY team, service, priority
ORDER BY team, service, priority
