-- Tickets, their history, findings, rule state, the ingest ledger and tokens.
-- Times are microseconds since 1970 UTC. Words (states, priorities, severities) are text, so that the file reads by hand.

-- The last ticket number given; raised in the transaction that opens the ticket, so a rollback leaves no gap.
CREATE TABLE counters (
    name  TEXT PRIMARY KEY,
    value INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO counters (name, value) VALUES ('ticket', 0);

-- A ticket as it stands: always the sum of its events and its findings.
CREATE TABLE tickets (
    number             INTEGER PRIMARY KEY,
    kind               TEXT NOT NULL,
    title              TEXT NOT NULL,
    description        TEXT NOT NULL,
    state              TEXT NOT NULL,
    priority           TEXT NOT NULL,
    severity           TEXT,
    assignee           TEXT,
    fingerprint        TEXT,
    rule               TEXT,
    entity             TEXT NOT NULL,
    opened_at_us       INTEGER NOT NULL,
    updated_at_us      INTEGER NOT NULL,
    resolved_at_us     INTEGER,
    findings           INTEGER NOT NULL,
    first_finding_id   INTEGER,
    last_finding_id    INTEGER,
    last_finding_at_us INTEGER,
    noted_at_us        INTEGER NOT NULL,
    events             INTEGER NOT NULL,
    version            INTEGER NOT NULL
) STRICT;
CREATE INDEX tickets_by_fingerprint ON tickets (fingerprint, number);
CREATE INDEX tickets_by_state ON tickets (state, number);
-- One problem has at most one open ticket.
CREATE UNIQUE INDEX one_open_ticket_a_fingerprint ON tickets (fingerprint)
    WHERE fingerprint IS NOT NULL AND state NOT IN ('resolved', 'closed');

-- Who did what, when, from where: written with every change, never altered.
CREATE TABLE ticket_events (
    ticket INTEGER NOT NULL REFERENCES tickets (number) DEFERRABLE INITIALLY DEFERRED,
    seq    INTEGER NOT NULL,
    at_us  INTEGER NOT NULL,
    actor  TEXT NOT NULL,
    origin TEXT NOT NULL,
    kind   TEXT NOT NULL,
    detail TEXT NOT NULL,
    PRIMARY KEY (ticket, seq)
) STRICT, WITHOUT ROWID;
CREATE INDEX ticket_events_by_time ON ticket_events (at_us);
CREATE TRIGGER ticket_events_stay BEFORE UPDATE ON ticket_events
BEGIN
    SELECT RAISE(ABORT, 'the history of a ticket is append-only');
END;
CREATE TRIGGER ticket_events_are_kept BEFORE DELETE ON ticket_events
BEGIN
    SELECT RAISE(ABORT, 'the history of a ticket is append-only');
END;

-- What rules found. The unique key makes a rule's second run over the same window harmless.
CREATE TABLE findings (
    id              INTEGER PRIMARY KEY,
    ticket          INTEGER NOT NULL REFERENCES tickets (number) DEFERRABLE INITIALLY DEFERRED,
    rule            TEXT NOT NULL,
    fingerprint     TEXT NOT NULL,
    entity          TEXT NOT NULL,
    title           TEXT NOT NULL,
    severity        TEXT NOT NULL,
    result          TEXT NOT NULL,
    window_start_us INTEGER NOT NULL,
    window_end_us   INTEGER NOT NULL,
    recorded_at_us  INTEGER NOT NULL,
    -- Kept for a ticket's first and latest finding only.
    evidence        TEXT,
    UNIQUE (rule, fingerprint, window_end_us)
) STRICT;
CREATE INDEX findings_by_ticket ON findings (ticket, id);

-- How far each rule has read.
CREATE TABLE rule_runs (
    rule             TEXT PRIMARY KEY,
    watermark_us     INTEGER,
    last_run_at_us   INTEGER NOT NULL,
    duration_us      INTEGER NOT NULL,
    result_rows      INTEGER NOT NULL,
    runs             INTEGER NOT NULL,
    failures         INTEGER NOT NULL,
    last_error       TEXT,
    last_error_at_us INTEGER
) STRICT, WITHOUT ROWID;

-- What was taken, refused, cut, late or dropped, by hour, source and reason.
CREATE TABLE ingest_ledger (
    hour_us INTEGER NOT NULL,
    source  TEXT NOT NULL,
    reason  TEXT NOT NULL,
    items   INTEGER NOT NULL,
    bytes   INTEGER NOT NULL,
    PRIMARY KEY (hour_us, source, reason)
) STRICT, WITHOUT ROWID;

-- Bearer tokens. Of the secret only its SHA-256 stands here.
CREATE TABLE tokens (
    id              TEXT PRIMARY KEY,
    name            TEXT NOT NULL,
    secret_sha256   BLOB NOT NULL,
    scopes          TEXT NOT NULL,
    created_at_us   INTEGER NOT NULL,
    expires_at_us   INTEGER,
    last_used_at_us INTEGER,
    revoked_at_us   INTEGER
) STRICT, WITHOUT ROWID;
