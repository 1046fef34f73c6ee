-- name: rule_noise
-- description: The part of each rule, and of each alert of other programs, in the noise: findings, tickets, findings a ticket, what people called noise, tickets a week, and rules that never fire.
-- window: 28d

-- A ticket counts for the rule that opened it. One that the desk or its sender resolved because the trouble was over, which they do only
-- if nobody has taken it up, resolved itself; many of those are noise as well.
WITH found AS (
    SELECT
        rule,
        coalesce(source, '') AS source,
        count(*) AS findings,
        count(*) FILTER (WHERE outcome = 'held') AS held,
        count(*) FILTER (WHERE verdict = 'noise') AS called_noise,
        count(*) FILTER (WHERE verdict = 'right') AS called_right,
        max(window_end) AS last_finding
    FROM findings
    WHERE window_end >= $window_start AND window_end < $window_end
    GROUP BY rule, coalesce(source, '')
),
-- Which alert opened a ticket.
first AS (
    SELECT ticket, coalesce(first_value(source ORDER BY id), '') AS source
    FROM findings
    WHERE recorded_at >= $window_start AND recorded_at < $window_end AND ticket IS NOT NULL
    GROUP BY ticket
),
opened AS (
    SELECT
        rule,
        coalesce(first.source, '') AS source,
        count(*) AS tickets,
        count(*) FILTER (WHERE resolved_by_itself) AS resolved_by_themselves
    FROM tickets
    LEFT JOIN first ON first.ticket = tickets.number
    WHERE opened_at >= $window_start AND opened_at < $window_end
    GROUP BY rule, coalesce(first.source, '')
),
-- Other programs report under the name of their kind (`alertmanager`, `pagerduty`, `heartbeat`), with the alert's name, the integration or
-- the heartbeat as the source; they never run here.
names AS (
    SELECT rule, '' AS source FROM rule_runs
    UNION SELECT rule, source FROM found
    UNION SELECT rule, source FROM opened WHERE rule IS NOT NULL
)
SELECT
    names.rule,
    nullif(names.source, '') AS source,
    coalesce(findings, 0) AS findings,
    coalesce(tickets, 0) AS tickets,
    round(coalesce(findings, 0) / nullif(CAST(tickets AS DOUBLE), 0), 1) AS findings_a_ticket,
    round(
        coalesce(tickets, 0) * 604800.0 / (date_part('epoch', CAST($window_end AS TIMESTAMP)) - date_part('epoch', CAST($window_start AS TIMESTAMP))), 2
    ) AS tickets_a_week,
    coalesce(resolved_by_themselves, 0) AS resolved_by_themselves,
    coalesce(called_noise, 0) AS called_noise,
    coalesce(called_right, 0) AS called_right,
    coalesce(held, 0) AS held,
    last_finding,
    findings IS NULL AND runs IS NOT NULL AS never_fired,
    runs,
    failures,
    last_error
FROM names
LEFT JOIN rule_runs ON rule_runs.rule = names.rule
LEFT JOIN found ON found.rule = names.rule AND found.source = names.source
LEFT JOIN opened ON opened.rule = names.rule AND opened.source = names.source
ORDER BY tickets DESC, findings DESC, names.rule, source
