-- name: oncall_load
-- description: How often each person was called, how often at night, and how long they took to answer.
-- window: 30d

-- Night is from 22:00 to 06:00 on the person's own clock. A call is answered when somebody takes care of the ticket: the
-- person, or somebody else who was called as well.
SELECT
    person,
    count(*) AS pages,
    count(*) FILTER (WHERE local_hour >= 22 OR local_hour < 6) AS at_night,
    count(DISTINCT ticket) AS tickets,
    count(*) FILTER (WHERE answered_by = person) AS answered,
    count(*) FILTER (WHERE answered_by <> person) AS answered_by_others,
    count(*) FILTER (WHERE answered_at IS NULL) AS unanswered,
    round(percentile_cont(0.5) WITHIN GROUP (ORDER BY CASE WHEN answered_by = person
        THEN (date_part('epoch', answered_at) - date_part('epoch', at)) / 60 END), 1) AS answer_median_minutes,
    round(max(CASE WHEN answered_by = person
        THEN (date_part('epoch', answered_at) - date_part('epoch', at)) / 60 END), 1) AS answer_longest_minutes
FROM pages
WHERE at >= $window_start AND at < $window_end
GROUP BY person
ORDER BY pages DESC, person
