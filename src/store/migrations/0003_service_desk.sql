-- The desk of an IT department: people, what they set up, richer tickets, promises, pages, and who did what.

-- What people set up (users, teams, services, calendars, policies, rotas, ...): one document a row, as JSON.
-- The program checks a document against its kind before it is stored.
CREATE TABLE documents (
    kind          TEXT NOT NULL,
    name          TEXT NOT NULL,
    document      TEXT NOT NULL,
    -- Raised with each change: the number to send back with the next one.
    version       INTEGER NOT NULL,
    updated_at_us INTEGER NOT NULL,
    updated_by    TEXT NOT NULL,
    PRIMARY KEY (kind, name)
) STRICT, WITHOUT ROWID;

-- Who did what, when, from where, beside what the tickets' own history says. Append-only.
CREATE TABLE audit (
    id     INTEGER PRIMARY KEY,
    at_us  INTEGER NOT NULL,
    actor  TEXT NOT NULL,
    origin TEXT NOT NULL,
    action TEXT NOT NULL,
    object TEXT NOT NULL,
    -- JSON; never a secret.
    detail TEXT
) STRICT;
CREATE INDEX audit_by_object ON audit (object, id);
CREATE TRIGGER audit_stays BEFORE UPDATE ON audit
BEGIN
    SELECT RAISE(ABORT, 'the audit is append-only');
END;
CREATE TRIGGER audit_is_kept BEFORE DELETE ON audit
BEGIN
    SELECT RAISE(ABORT, 'the audit is append-only');
END;

-- Passwords, apart from the users' documents, which are exported. Argon2id in the PHC string format.
CREATE TABLE credentials (
    user          TEXT PRIMARY KEY,
    password_hash TEXT NOT NULL,
    -- 1: good for one login, which sets another.
    one_time      INTEGER NOT NULL,
    changed_at_us INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Logins. Of the secret only its SHA-256 stands here.
CREATE TABLE sessions (
    id              TEXT PRIMARY KEY,
    secret_sha256   BLOB NOT NULL,
    user            TEXT NOT NULL,
    origin          TEXT NOT NULL,
    created_at_us   INTEGER NOT NULL,
    expires_at_us   INTEGER NOT NULL,
    last_used_at_us INTEGER NOT NULL,
    ended_at_us     INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX sessions_by_user ON sessions (user);

-- Whose token it is; null: the installation's own.
ALTER TABLE tokens ADD COLUMN owner TEXT;

-- Secrets that documents speak of (signing keys of webhooks, routing keys) and the program's own keys: never exported.
CREATE TABLE secrets (
    name        TEXT PRIMARY KEY,
    secret      TEXT NOT NULL,
    set_at_us   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

ALTER TABLE tickets ADD COLUMN requester TEXT;
ALTER TABLE tickets ADD COLUMN team TEXT;
ALTER TABLE tickets ADD COLUMN service TEXT;
ALTER TABLE tickets ADD COLUMN impact TEXT;
ALTER TABLE tickets ADD COLUMN urgency TEXT;
-- Why it waits: user, supplier or part; null unless on hold.
ALTER TABLE tickets ADD COLUMN hold TEXT;
ALTER TABLE tickets ADD COLUMN merged_into INTEGER;
ALTER TABLE tickets ADD COLUMN acknowledged_by TEXT;
-- 1: a person chose the assignee. Until now nobody else did.
ALTER TABLE tickets ADD COLUMN chosen_by_person INTEGER NOT NULL DEFAULT 0;
UPDATE tickets SET chosen_by_person = 1 WHERE number IN (SELECT ticket FROM ticket_events WHERE kind = 'assigned');
-- Names, as a JSON array.
ALTER TABLE tickets ADD COLUMN watchers TEXT NOT NULL DEFAULT '[]';
CREATE INDEX tickets_by_assignee ON tickets (assignee, number) WHERE assignee IS NOT NULL;
CREATE INDEX tickets_by_team ON tickets (team, number) WHERE team IS NOT NULL;
CREATE INDEX tickets_by_requester ON tickets (requester, number) WHERE requester IS NOT NULL;
-- The lists that people look at are of open tickets, few among very many closed ones.
CREATE INDEX open_tickets ON tickets (number) WHERE state NOT IN ('resolved', 'closed');

CREATE TABLE ticket_links (
    ticket INTEGER NOT NULL REFERENCES tickets (number),
    -- duplicate_of, caused_by, relates_to, child_of.
    kind   TEXT NOT NULL,
    other  INTEGER NOT NULL REFERENCES tickets (number),
    PRIMARY KEY (ticket, kind, other)
) STRICT, WITHOUT ROWID;
CREATE INDEX ticket_links_back ON ticket_links (other);

-- Files of tickets. Their bytes lie under their SHA-256 in the data folder.
CREATE TABLE attachments (
    id         INTEGER PRIMARY KEY,
    ticket     INTEGER NOT NULL REFERENCES tickets (number),
    name       TEXT NOT NULL,
    media_type TEXT NOT NULL,
    bytes      INTEGER NOT NULL,
    sha256     TEXT NOT NULL,
    added_at_us INTEGER NOT NULL,
    added_by   TEXT NOT NULL,
    internal   INTEGER NOT NULL
) STRICT;
CREATE INDEX attachments_by_ticket ON attachments (ticket, id);

-- Every event in the order of writing, for whoever acts on events; the trigger makes it part of the event's own transaction.
CREATE TABLE event_feed (
    id     INTEGER PRIMARY KEY AUTOINCREMENT,
    ticket INTEGER NOT NULL,
    seq    INTEGER NOT NULL
) STRICT;
CREATE TRIGGER events_are_fed AFTER INSERT ON ticket_events
BEGIN
    INSERT INTO event_feed (ticket, seq) VALUES (NEW.ticket, NEW.seq);
END;

-- Where each ticket stands on its way up, and when that is next looked at.
CREATE TABLE escalations (
    ticket     INTEGER PRIMARY KEY REFERENCES tickets (number),
    policy     TEXT NOT NULL,
    state      TEXT NOT NULL,
    -- Null: nothing more will happen by itself.
    next_at_us INTEGER
) STRICT;
CREATE INDEX escalations_due ON escalations (next_at_us) WHERE next_at_us IS NOT NULL;

-- When each open ticket's promises are next looked at. The promises themselves are computed from the events.
CREATE TABLE promises (
    ticket     INTEGER PRIMARY KEY REFERENCES tickets (number),
    next_at_us INTEGER
) STRICT;
CREATE INDEX promises_due ON promises (next_at_us) WHERE next_at_us IS NOT NULL;

CREATE TABLE heartbeats (
    name          TEXT PRIMARY KEY,
    created_at_us INTEGER NOT NULL,
    last_beat_us  INTEGER,
    missed        INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;

-- The words of tickets, for the search. Contentless: the text itself stands in the tickets.
CREATE VIRTUAL TABLE ticket_words USING fts5 (
    title, body, entity, comments, notes,
    content = '', contentless_delete = 1, tokenize = 'unicode61 remove_diacritics 2', prefix = '2 3'
);
INSERT INTO ticket_words (rowid, title, body, entity, comments, notes)
    SELECT number, title, description, entity,
        coalesce((SELECT group_concat(detail ->> '$.text', char(10)) FROM ticket_events WHERE ticket = number AND kind = 'commented'), ''), ''
    FROM tickets;

-- Requests to open a ticket that named themselves (Idempotency-Key), so that a second one opens nothing.
CREATE TABLE idempotent_requests (
    actor   TEXT NOT NULL,
    key     TEXT NOT NULL,
    body_sha256 BLOB NOT NULL,
    ticket  INTEGER NOT NULL,
    at_us   INTEGER NOT NULL,
    PRIMARY KEY (actor, key)
) STRICT, WITHOUT ROWID;

-- Alerts of senders that say them again and again, and when each counts as over if it is not said again.
CREATE TABLE expected_alerts (
    problem       TEXT PRIMARY KEY,
    source        TEXT NOT NULL,
    expires_at_us INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX expected_alerts_due ON expected_alerts (expires_at_us);
