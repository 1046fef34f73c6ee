-- What runs out, what is proposed about it, and what was decided.

-- How each resource stood when it was last judged. Its days are in the table capacity_days.
CREATE TABLE capacity_resources (
    resource       TEXT PRIMARY KEY,
    question       TEXT NOT NULL,
    kind           TEXT NOT NULL,
    name           TEXT NOT NULL,
    -- JSON.
    entity         TEXT NOT NULL,
    unit           TEXT NOT NULL,
    status         TEXT NOT NULL,
    used           REAL,
    limit_value    REAL,
    limit_source   TEXT,
    threshold      REAL,
    growth_per_day REAL,
    lower_at_us    INTEGER,
    median_at_us   INTEGER,
    upper_at_us    INTEGER,
    chance         REAL,
    order_by_us    INTEGER,
    needed         REAL,
    fitting_limit  REAL,
    days           INTEGER NOT NULL,
    last_day_us    INTEGER NOT NULL,
    note           TEXT NOT NULL,
    judged_at_us   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX capacity_resources_by_question ON capacity_resources (question, judged_at_us);
CREATE INDEX capacity_resources_by_order ON capacity_resources (order_by_us) WHERE order_by_us IS NOT NULL;
CREATE INDEX capacity_resources_by_status ON capacity_resources (status, order_by_us);

-- How wide errors were, over all resources of a question.
CREATE TABLE capacity_classes (
    question     TEXT PRIMARY KEY,
    factor       REAL NOT NULL,
    origins      REAL NOT NULL,
    resources    INTEGER NOT NULL,
    judged_at_us INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Upgrade proposals. What they rest on is frozen in `facts` and `options` when somebody decides.
CREATE TABLE proposals (
    number        INTEGER PRIMARY KEY,
    resource      TEXT NOT NULL,
    question      TEXT NOT NULL,
    kind          TEXT NOT NULL,
    title         TEXT NOT NULL,
    -- open, approved, deferred, rejected, withdrawn, delivered.
    state         TEXT NOT NULL,
    order_by_us   INTEGER,
    -- JSON: the need, and what can be done about it.
    facts         TEXT NOT NULL,
    options       TEXT NOT NULL,
    -- Approved: the place of the option, from 1, what of it is taken from the budget, and the change ticket.
    chosen        INTEGER,
    budget_line   TEXT,
    committed_minor INTEGER,
    currency      TEXT,
    ticket        INTEGER,
    -- Deferred: asked again then.
    again_at_us   INTEGER,
    opened_at_us  INTEGER NOT NULL,
    updated_at_us INTEGER NOT NULL,
    version       INTEGER NOT NULL
) STRICT;
CREATE INDEX proposals_by_state ON proposals (state, order_by_us);
CREATE INDEX proposals_by_resource ON proposals (resource, number);
-- A resource is proposed about once at a time.
CREATE UNIQUE INDEX one_proposal_a_resource ON proposals (resource) WHERE state IN ('open', 'approved', 'deferred');

CREATE TABLE proposal_events (
    proposal INTEGER NOT NULL REFERENCES proposals (number),
    seq      INTEGER NOT NULL,
    at_us    INTEGER NOT NULL,
    actor    TEXT NOT NULL,
    origin   TEXT NOT NULL,
    -- opened, changed, approved, deferred, rejected, withdrawn, reopened, delivered.
    kind     TEXT NOT NULL,
    -- JSON: what, why, and the figures it rested on.
    detail   TEXT NOT NULL,
    PRIMARY KEY (proposal, seq)
) STRICT, WITHOUT ROWID;
CREATE TRIGGER proposal_events_stay BEFORE UPDATE ON proposal_events
BEGIN
    SELECT RAISE(ABORT, 'the history of a proposal is append-only');
END;
CREATE TRIGGER proposal_events_are_kept BEFORE DELETE ON proposal_events
BEGIN
    SELECT RAISE(ABORT, 'the history of a proposal is append-only');
END;

-- What suppliers delivered and how long it took: the lead time that was seen.
CREATE TABLE supply_deliveries (
    id           INTEGER PRIMARY KEY,
    proposal     INTEGER NOT NULL REFERENCES proposals (number),
    supplier     TEXT NOT NULL,
    offer        TEXT,
    item         TEXT,
    ordered_on   TEXT NOT NULL,
    delivered_on TEXT NOT NULL,
    paid_minor   INTEGER NOT NULL,
    currency     TEXT NOT NULL,
    noted_at_us  INTEGER NOT NULL,
    noted_by     TEXT NOT NULL
) STRICT;
CREATE INDEX supply_deliveries_by_supplier ON supply_deliveries (supplier, id);

-- Reports that were made by schedule. Their bytes lie under their SHA-256 in the data folder.
CREATE TABLE kept_reports (
    id         INTEGER PRIMARY KEY,
    schedule   TEXT NOT NULL,
    report     TEXT NOT NULL,
    made_at_us INTEGER NOT NULL,
    -- JSON: format to {sha256, bytes}.
    files      TEXT NOT NULL,
    summary    TEXT NOT NULL,
    UNIQUE (schedule, made_at_us)
) STRICT;
