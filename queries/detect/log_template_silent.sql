-- name: log_template_silent
-- description: An application no longer writes a kind of line that it wrote all the time, though it goes on writing others.
-- schedule: every 5m
-- lookback: 5h
-- holds: 1h
-- severity: low
-- entity: host, app, template_id
-- title: {app} on {host} has not written this for an hour: {template}
-- runbook: See which work writes this line (`SELECT * FROM logs WHERE template_id = ...`) and whether it is still done: a job that
--   no longer runs and a queue that nobody reads are silent. After an upgrade the line may only have other words.

-- All the time is in 34 of the 36 five-minute bins of three hours. An hour is patience enough: a kind of line that comes
-- three times in five minutes by chance leaves out an hour once in a billion years, and one that thins out at night once in
-- ten thousand hours.
WITH beats AS (
    SELECT date_bin(INTERVAL '5 minutes', timestamp) AS bin, host, coalesce(app, '') AS app, template_id
    FROM logs
    WHERE timestamp >= $read_start AND timestamp < $window_end AND template_id IS NOT NULL AND host IS NOT NULL
    GROUP BY 1, 2, 3, 4
),
steps AS (
    SELECT
        bin,
        host,
        app,
        template_id,
        lead(bin) OVER (PARTITION BY host, app, template_id ORDER BY bin) AS next_bin,
        count(*) OVER (
            PARTITION BY host, app, template_id ORDER BY bin RANGE BETWEEN INTERVAL '175 minutes' PRECEDING AND CURRENT ROW
        ) AS bins
    FROM beats
),
silences AS (
    SELECT bin, bin + INTERVAL '1 hour' AS timestamp, host, app, template_id, bins
    FROM steps
    WHERE bins >= 34 AND (next_bin IS NULL OR next_bin > bin + INTERVAL '1 hour')
        AND bin + INTERVAL '1 hour' >= $window_start AND bin + INTERVAL '1 hour' < $window_end
),
others AS (
    SELECT silences.timestamp, silences.host, silences.app, silences.template_id, silences.bins, max(beats.bin) AS last_of_app
    FROM silences
    JOIN beats ON beats.host = silences.host AND beats.app = silences.app
    WHERE beats.bin > silences.bin AND beats.bin <= silences.timestamp
    GROUP BY silences.timestamp, silences.host, silences.app, silences.template_id, silences.bins
)
SELECT
    others.timestamp,
    others.host,
    others.app,
    others.template_id,
    -- Applications beyond the number that is kept apart are counted together under ''.
    coalesce(own.template, shared.template, '(unknown)') AS template,
    0 AS value,
    others.bins AS bins_of_36
FROM others
LEFT JOIN log_templates AS own ON own.template_id = others.template_id AND own.app = others.app
LEFT JOIN log_templates AS shared ON shared.template_id = others.template_id AND shared.app = ''
WHERE others.last_of_app >= others.timestamp - INTERVAL '15 minutes'

-- evidence:
SELECT timestamp, severity, message
FROM logs
WHERE timestamp >= $read_start AND timestamp < $window_end AND host = $host AND coalesce(app, '') = $app
    AND CAST(template_id AS VARCHAR) = $template_id
ORDER BY timestamp DESC, message
LIMIT 20

-- over:
SELECT timestamp
FROM logs
WHERE timestamp >= $window_start AND timestamp < $window_end AND host = $host AND coalesce(app, '') = $app
    AND CAST(template_id AS VARCHAR) = $template_id
LIMIT 1
