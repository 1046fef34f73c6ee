-- name: response_times
-- description: How long tickets waited for somebody (MTTA) and for their end (MTTR): mean, median and the time that 90 % kept below, by team, service and priority.
-- window: 30d

-- A ticket is answered when somebody acknowledges it, begins to work on it, or writes to whoever asked, the first time. An answer counts
-- in the period in which it was given, an end in the period in which the ticket was last resolved: so a slow one is not left out
-- because it was opened before. All times are real ones, by day and night; promises in business hours are in `sla_attainment`.
-- A merged ticket goes on in another and counts there.
WITH spans AS (
    SELECT
        team,
        service,
        priority,
        opened_at >= $window_start AND opened_at < $window_end AS opened,
        answered_at IS NOT NULL AS answered,
        CASE WHEN answered_at >= $window_start AND answered_at < $window_end
            THEN (date_part('epoch', answered_at) - date_part('epoch', opened_at)) / 60 END AS answer_minutes,
        CASE WHEN resolved_at >= $window_start AND resolved_at < $window_end
            THEN (date_part('epoch', resolved_at) - date_part('epoch', opened_at)) / 60 END AS resolve_minutes
    FROM tickets
    WHERE merged_into IS NULL AND opened_at < $window_end AND (resolved_at IS NULL OR resolved_at >= $window_start)
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
        spans.*
    FROM spans
    CROSS JOIN (VALUES (1, 'all'), (2, 'team'), (3, 'service'), (4, 'priority')) AS dimensions (place, dimension)
    WHERE opened OR answer_minutes IS NOT NULL OR resolve_minutes IS NOT NULL
)
SELECT
    dimension,
    value,
    count(*) FILTER (WHERE opened) AS opened,
    count(answer_minutes) AS answered,
    round(avg(answer_minutes), 1) AS mtta_minutes,
    round(percentile_cont(0.5) WITHIN GROUP (ORDER BY answer_minutes), 1) AS answer_median_minutes,
    round(percentile_cont(0.9) WITHIN GROUP (ORDER BY answer_minutes), 1) AS answer_p90_minutes,
    count(resolve_minutes) AS resolved,
    count(resolve_minutes) FILTER (WHERE NOT answered) AS resolved_unanswered,
    round(avg(resolve_minutes), 1) AS mttr_minutes,
    round(percentile_cont(0.5) WITHIN GROUP (ORDER BY resolve_minutes), 1) AS resolve_median_minutes,
    round(percentile_cont(0.9) WITHIN GROUP (ORDER BY resolve_minutes), 1) AS resolve_p90_minutes
FROM grouped
GROUP BY dimension, value
ORDER BY CASE dimension WHEN 'all' THEN 1 WHEN 'team' THEN 2 WHEN 'service' THEN 3 ELSE 4 END, value
