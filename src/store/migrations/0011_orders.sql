-- Orders for several proposals as they were approved, and what was left of them when parts were taken back: the one with the highest seq
-- counts. placed: JSON. offer: JSON as it was when it was ordered; null where an earlier version of the program kept none.
CREATE TABLE proposal_orders (
    ticket INTEGER NOT NULL,
    seq    INTEGER NOT NULL,
    at_us  INTEGER NOT NULL,
    actor  TEXT NOT NULL,
    origin TEXT NOT NULL,
    why    TEXT NOT NULL,
    placed TEXT NOT NULL,
    offer  TEXT,
    PRIMARY KEY (ticket, seq)
) STRICT, WITHOUT ROWID;
CREATE TRIGGER proposal_orders_stay BEFORE UPDATE ON proposal_orders
BEGIN
    SELECT RAISE(ABORT, 'an order is append-only');
END;
CREATE TRIGGER proposal_orders_are_kept BEFORE DELETE ON proposal_orders
BEGIN
    SELECT RAISE(ABORT, 'an order is append-only');
END;
CREATE INDEX proposals_by_ticket ON proposals (ticket) WHERE ticket IS NOT NULL;

-- Until now each proposal's event held the whole order.
INSERT INTO proposal_orders (ticket, seq, at_us, actor, origin, why, placed, offer)
    SELECT detail ->> '$.ticket', 1, at_us, actor, origin, coalesce(detail ->> '$.why', ''), detail -> '$.combined', NULL
    FROM proposal_events WHERE kind = 'approved' AND detail ->> '$.combined' IS NOT NULL GROUP BY detail ->> '$.ticket';
-- What is still to come is delivered as it was ordered.
UPDATE proposals SET options = json_set(options,
        '$.options[' || (chosen - 1) || '].quantity', event.detail ->> '$.share.quantity',
        '$.options[' || (chosen - 1) || '].capacity_gained', event.detail ->> '$.share.capacity_gained')
    FROM proposal_events AS event
    WHERE event.proposal = proposals.number AND proposals.state = 'approved' AND event.kind = 'approved'
        AND event.detail ->> '$.combined' IS NOT NULL
        AND event.seq = (SELECT max(seq) FROM proposal_events WHERE proposal = proposals.number AND kind = 'approved');

-- Reports that somebody asked for take no place of those that are made by themselves.
ALTER TABLE kept_reports ADD COLUMN asked_for INTEGER NOT NULL DEFAULT 0;
