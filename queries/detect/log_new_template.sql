-- name: log_new_template
-- description: An application says something that it never said before, and it is not one that often says new things.
-- schedule: every 5m
-- severity: low
-- entity: host, app, template_id
-- title: {app} on {host} says something new: {template}
-- runbook: Read the line in its surroundings (`SELECT * FROM logs WHERE template_id = ...`). After an upgrade new lines are to
--   be expected; on a quiet day a line that was never seen is often the first word of a fault.

-- `novelty` is −log₁₀ of the chance that the next line of this application is of a kind never seen (Good and Turing's
-- estimate), more for grave lines and less for idle ones; it is empty in an application's first day. At 4 it is a warning
-- from an application with ten thousand lines of known kinds.
-- Applications beyond the number that is kept apart are counted together under ''.
WITH said AS (
    SELECT template_id, coalesce(app, '') AS app, min(host) AS host, count(*) AS lines
    FROM logs
    WHERE timestamp >= $window_start AND timestamp < $window_end
    GROUP BY 1, 2
),
counted AS (
    SELECT said.template_id, said.app, said.host, said.lines, coalesce(own.app, '') AS counted_as
    FROM said
    LEFT JOIN (SELECT DISTINCT app FROM log_templates) AS own ON own.app = said.app
)
SELECT
    date_bin(INTERVAL '5 minutes', new.first_seen) AS timestamp,
    counted.host,
    counted.app,
    new.template_id,
    new.template,
    round(new.novelty, 2) AS novelty,
    counted.lines AS value
FROM log_templates AS new
JOIN counted ON counted.template_id = new.template_id AND counted.counted_as = new.app
WHERE new.first_seen >= $window_start AND new.first_seen < $window_end AND new.novelty >= 4 AND new.template IS NOT NULL

-- evidence:
SELECT timestamp, host, severity, message
FROM logs
WHERE timestamp >= $window_start AND timestamp < $window_end AND host = $host AND coalesce(app, '') = $app AND CAST(template_id AS VARCHAR) = $template_id
ORDER BY timestamp, message
LIMIT 20
