-- Lists of a million tickets. The index that a list goes by also holds what other filters ask, so that a ticket's row is read
-- only where all that the index knows of it fits.

-- The lists that people look at are of open tickets, few among very many closed ones: all filters together.
DROP INDEX open_tickets;
CREATE INDEX open_tickets ON tickets (number, state, priority, kind, team, service, assignee, requester, entity ->> '$.host', updated_at_us)
    WHERE state NOT IN ('resolved', 'closed');
-- What each person has in hand.
CREATE INDEX open_tickets_by_assignee ON tickets (assignee, priority, state) WHERE assignee IS NOT NULL AND state NOT IN ('resolved', 'closed');

DROP INDEX tickets_by_assignee;
DROP INDEX tickets_by_team;
DROP INDEX tickets_by_requester;
CREATE INDEX tickets_by_assignee ON tickets (assignee, number, state, priority, kind) WHERE assignee IS NOT NULL;
CREATE INDEX tickets_by_team ON tickets (team, number, state, priority, kind, service) WHERE team IS NOT NULL;
CREATE INDEX tickets_by_requester ON tickets (requester, number, state, priority, kind) WHERE requester IS NOT NULL;
CREATE INDEX tickets_by_service ON tickets (service, number, state, priority, kind, team) WHERE service IS NOT NULL;
CREATE INDEX tickets_by_host ON tickets (entity ->> '$.host', number, state, priority, kind) WHERE entity ->> '$.host' IS NOT NULL;
CREATE INDEX tickets_by_asset ON tickets (entity ->> '$.asset', number) WHERE entity ->> '$.asset' IS NOT NULL;
-- Those that nobody, or no team, ever had: few, and lost from sight otherwise.
CREATE INDEX tickets_of_nobody ON tickets (number) WHERE assignee IS NULL;
CREATE INDEX tickets_of_no_team ON tickets (number) WHERE team IS NULL;
CREATE INDEX tickets_by_update ON tickets (updated_at_us);
-- Those that are closed when they have been resolved for long enough.
CREATE INDEX resolved_tickets ON tickets (resolved_at_us) WHERE state = 'resolved';

-- Keys of repeated requests are forgotten by their age.
CREATE INDEX idempotent_requests_by_time ON idempotent_requests (at_us);
-- The newest messages first.
CREATE INDEX outbox_by_time ON outbox (created_at_us);

-- What a ticket is filed under besides the problem that it was opened for (`fingerprint`): incidents as which that came back,
-- as its events say; and, after `same `, fingerprints that a person split off into it.
CREATE TABLE ticket_problems (
    id      INTEGER PRIMARY KEY,
    problem TEXT NOT NULL UNIQUE,
    ticket  INTEGER NOT NULL REFERENCES tickets (number) DEFERRABLE INITIALLY DEFERRED,
    -- It has ended, and nothing was found of it since.
    over    INTEGER NOT NULL CHECK (over IN (0, 1))
) STRICT;
CREATE INDEX ticket_problems_by_ticket ON ticket_problems (ticket, over);

-- A call takes back the acknowledgement before it.
UPDATE tickets SET acknowledged_by = NULL
    WHERE acknowledged_by IS NOT NULL
        AND (SELECT max(seq) FROM ticket_events WHERE ticket = number AND kind = 'paged')
            > (SELECT max(seq) FROM ticket_events WHERE ticket = number AND kind = 'acknowledged');

-- Who may see a ticket without working at the desk: who asked for it, and who watches it.
CREATE TABLE ticket_readers (
    person TEXT NOT NULL,
    ticket INTEGER NOT NULL REFERENCES tickets (number),
    PRIMARY KEY (person, ticket)
) STRICT, WITHOUT ROWID;
INSERT INTO ticket_readers (person, ticket)
    SELECT requester, number FROM tickets WHERE requester IS NOT NULL UNION SELECT value, number FROM tickets, json_each(watchers);
CREATE TRIGGER tickets_have_readers AFTER INSERT ON tickets
BEGIN
    INSERT INTO ticket_readers (person, ticket)
        SELECT NEW.requester, NEW.number WHERE NEW.requester IS NOT NULL UNION SELECT value, NEW.number FROM json_each(NEW.watchers);
END;
CREATE TRIGGER readers_change AFTER UPDATE OF requester, watchers ON tickets
    WHEN OLD.requester IS NOT NEW.requester OR OLD.watchers <> NEW.watchers
BEGIN
    DELETE FROM ticket_readers
        WHERE ticket = NEW.number AND person IN (SELECT OLD.requester UNION SELECT value FROM json_each(OLD.watchers));
    INSERT INTO ticket_readers (person, ticket)
        SELECT NEW.requester, NEW.number WHERE NEW.requester IS NOT NULL UNION SELECT value, NEW.number FROM json_each(NEW.watchers);
END;
