-- Alerts from outside that a maintenance window holds back; told at its end if nobody has ended them. finding: JSON.
CREATE TABLE held_alerts (
    problem  TEXT PRIMARY KEY,
    held_by  TEXT NOT NULL,
    until_us INTEGER NOT NULL,
    finding  TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX held_alerts_due ON held_alerts (until_us);
CREATE INDEX held_alerts_by_window ON held_alerts (held_by);

-- How often alerts from outside ended and came back lately. returns: JSON, the moments.
CREATE TABLE alert_returns (
    problem     TEXT PRIMARY KEY,
    source      TEXT NOT NULL,
    heard_us    INTEGER NOT NULL,
    -- Since when its sender says that it is over; null while it goes on.
    ended_at_us INTEGER,
    -- When that counts, if it is flapping.
    over_at_us  INTEGER,
    returns     TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX alert_returns_due ON alert_returns (over_at_us) WHERE over_at_us IS NOT NULL;
CREATE INDEX alert_returns_by_time ON alert_returns (heard_us);
