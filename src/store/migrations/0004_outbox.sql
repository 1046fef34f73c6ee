-- What is told to whom, and what became of it. Written in the transaction of the event that it tells of.

CREATE TABLE outbox (
    -- Random (UUID version 4). Every delivery of the notice carries it, so that a receiver can tell a double.
    id                TEXT NOT NULL PRIMARY KEY,
    created_at_us     INTEGER NOT NULL,
    -- Null: of no ticket (a gap in a rota, a contract that ends).
    ticket            INTEGER REFERENCES tickets (number) DEFERRABLE INITIALLY DEFERRED,
    person            TEXT NOT NULL,
    channel           TEXT NOT NULL CHECK (channel IN ('email', 'webhook')),
    address           TEXT NOT NULL,
    -- Of a webhook: what its receiver expects.
    shape             TEXT NOT NULL CHECK (shape IN ('generic', 'slack', 'teams')),
    -- Name of the secret that signs the webhook; the secret itself stands in `secrets`.
    secret            TEXT,
    event             TEXT NOT NULL,
    urgency           TEXT NOT NULL CHECK (urgency IN ('page', 'normal', 'low')),
    subject           TEXT NOT NULL,
    body              TEXT NOT NULL,
    -- JSON for programs that receive it.
    payload           TEXT NOT NULL,
    due_at_us         INTEGER NOT NULL,
    attempts          INTEGER NOT NULL DEFAULT 0,
    -- From here the time counts after which it is given up.
    first_failed_at_us INTEGER,
    last_error        TEXT,
    state             TEXT NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'sent', 'failed', 'cancelled')),
    sent_at_us        INTEGER,
    -- Notices to one address with the same key become one message.
    digest_key        TEXT
) STRICT;
-- The sender asks urgency by urgency, so that pages never stand behind a heap of other mail.
CREATE INDEX outbox_due ON outbox (urgency, due_at_us) WHERE state = 'waiting';
CREATE INDEX outbox_by_ticket ON outbox (ticket) WHERE ticket IS NOT NULL;
CREATE INDEX outbox_by_person ON outbox (person, created_at_us);
CREATE INDEX outbox_digests ON outbox (person, digest_key) WHERE digest_key IS NOT NULL AND state = 'waiting';

-- The delivery log: every attempt and every other end of a notice. Append-only.
CREATE TABLE deliveries (
    id      INTEGER PRIMARY KEY,
    notice  TEXT NOT NULL REFERENCES outbox (id),
    -- The id that the message carried: the notice's own, or its digest's.
    message TEXT NOT NULL,
    at_us   INTEGER NOT NULL,
    attempt INTEGER NOT NULL,
    outcome TEXT NOT NULL CHECK (outcome IN ('sent', 'postponed', 'failed', 'cancelled')),
    -- What the receiver answered, or why it failed.
    detail  TEXT NOT NULL
) STRICT;
CREATE INDEX deliveries_by_notice ON deliveries (notice, id);
CREATE TRIGGER deliveries_stay BEFORE UPDATE ON deliveries
BEGIN
    SELECT RAISE(ABORT, 'the delivery log is append-only');
END;
CREATE TRIGGER deliveries_are_kept BEFORE DELETE ON deliveries
BEGIN
    SELECT RAISE(ABORT, 'the delivery log is append-only');
END;
