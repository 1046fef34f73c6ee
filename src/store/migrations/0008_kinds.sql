-- Few tickets are urgent, and few may be of a kind: a list of them, with words or without, is read from these.
CREATE INDEX tickets_by_priority ON tickets (priority, number, kind);
CREATE INDEX tickets_by_kind ON tickets (kind, number, priority);
-- When something of a kind last changed: what is made of it is made again.
CREATE INDEX inventory_history_by_time ON inventory_history (kind, at_us);
