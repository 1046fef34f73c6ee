-- What the department has, from whom, under which contracts, what it is offered, and what it may spend.

-- One record a row, as JSON; kind: assets, suppliers, contracts, offers or budgets. The program checks it before it is stored.
CREATE TABLE inventory (
    kind          TEXT NOT NULL,
    name          TEXT NOT NULL,
    record        TEXT NOT NULL,
    -- Raised with each change, and never given twice: a record that was removed and made again goes on counting.
    version       INTEGER NOT NULL,
    updated_at_us INTEGER NOT NULL,
    updated_by    TEXT NOT NULL,
    PRIMARY KEY (kind, name)
) STRICT, WITHOUT ROWID;
-- Which asset a host is: by what the asset says, or by its name.
CREATE INDEX assets_by_host ON inventory (coalesce(record ->> '$.host', name)) WHERE kind = 'assets';
-- What would be left without its supplier.
CREATE INDEX inventory_by_supplier ON inventory (record ->> '$.supplier') WHERE record ->> '$.supplier' IS NOT NULL;

-- Every version of every record: the history of prices among others. Append-only.
CREATE TABLE inventory_history (
    kind    TEXT NOT NULL,
    name    TEXT NOT NULL,
    version INTEGER NOT NULL,
    at_us   INTEGER NOT NULL,
    by      TEXT NOT NULL,
    -- Null: it was removed.
    record  TEXT,
    PRIMARY KEY (kind, name, version)
) STRICT, WITHOUT ROWID;
CREATE TRIGGER inventory_history_stays BEFORE UPDATE ON inventory_history
BEGIN
    SELECT RAISE(ABORT, 'the history of the inventory is append-only');
END;
CREATE TRIGGER inventory_history_is_kept BEFORE DELETE ON inventory_history
BEGIN
    SELECT RAISE(ABORT, 'the history of the inventory is append-only');
END;

-- What became of the money of a budget line. Append-only: what was wrong is set right by another entry.
CREATE TABLE budget_entries (
    id       INTEGER PRIMARY KEY,
    -- Name of the budget.
    line     TEXT NOT NULL,
    kind     TEXT NOT NULL CHECK (kind IN ('committed', 'released', 'spent')),
    minor    INTEGER NOT NULL CHECK (minor > 0),
    currency TEXT NOT NULL,
    at_us    INTEGER NOT NULL,
    by       TEXT NOT NULL,
    -- The proposal that it is for, if any.
    proposal TEXT,
    note     TEXT NOT NULL
) STRICT;
CREATE INDEX budget_entries_by_line ON budget_entries (line, id);
CREATE TRIGGER budget_entries_stay BEFORE UPDATE ON budget_entries
BEGIN
    SELECT RAISE(ABORT, 'the book of the budget is append-only');
END;
CREATE TRIGGER budget_entries_are_kept BEFORE DELETE ON budget_entries
BEGIN
    SELECT RAISE(ABORT, 'the book of the budget is append-only');
END;
