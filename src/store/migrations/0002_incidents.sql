-- Findings are grouped into incidents: a ticket that detection opens is filed under an incident, not under one fingerprint.

-- A finding that a maintenance window holds back has no ticket; every finding says where it was filed and why.
CREATE TABLE findings_2 (
    id              INTEGER PRIMARY KEY,
    ticket          INTEGER REFERENCES tickets (number) DEFERRABLE INITIALLY DEFERRED,
    rule            TEXT NOT NULL,
    fingerprint     TEXT NOT NULL,
    entity          TEXT NOT NULL,
    title           TEXT NOT NULL,
    severity        TEXT NOT NULL,
    result          TEXT NOT NULL,
    window_start_us INTEGER NOT NULL,
    window_end_us   INTEGER NOT NULL,
    recorded_at_us  INTEGER NOT NULL,
    -- Kept for the first and the latest finding of each fingerprint in a ticket.
    evidence        TEXT,
    -- opened, joined, repeated, continued, reopened or held.
    outcome         TEXT,
    -- Why it was filed there: the terms of the score, as JSON.
    reasons         TEXT,
    -- What a person said of it: noise or right.
    verdict         TEXT,
    UNIQUE (rule, fingerprint, window_end_us)
) STRICT;
INSERT INTO findings_2 (id, ticket, rule, fingerprint, entity, title, severity, result, window_start_us, window_end_us, recorded_at_us, evidence)
    SELECT id, ticket, rule, fingerprint, entity, title, severity, result, window_start_us, window_end_us, recorded_at_us, evidence FROM findings;
DROP TABLE findings;
ALTER TABLE findings_2 RENAME TO findings;
CREATE INDEX findings_by_ticket ON findings (ticket, fingerprint, id);
CREATE INDEX findings_by_time ON findings (window_end_us);

-- State of the analysis that must move with the findings: the grouping of incidents, the feedback of people.
CREATE TABLE analysis_state (
    name        TEXT PRIMARY KEY,
    state       BLOB NOT NULL,
    saved_at_us INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
