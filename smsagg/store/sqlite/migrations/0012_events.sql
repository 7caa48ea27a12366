-- What happened, for accounts that follow it. Columns stand in the order of smsagg.model.Event.
CREATE TABLE events (
    event_id INTEGER PRIMARY KEY,
    account TEXT NOT NULL,
    kind TEXT NOT NULL,
    at INTEGER NOT NULL,
    message_id TEXT NOT NULL,
    document BLOB NOT NULL
) STRICT;

CREATE INDEX events_of_account ON events (account, event_id);
CREATE INDEX events_of_message ON events (message_id, event_id) WHERE message_id <> '';

-- What endpoints are owed. Columns stand in the order of smsagg.model.EventDelivery.
CREATE TABLE event_deliveries (
    endpoint TEXT NOT NULL,
    event_id INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    next_attempt_at INTEGER NOT NULL,
    PRIMARY KEY (endpoint, event_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX event_deliveries_due ON event_deliveries (endpoint, next_attempt_at, event_id);
CREATE INDEX event_deliveries_of_event ON event_deliveries (event_id);

ALTER TABLE counters ADD COLUMN last_event_id INTEGER NOT NULL DEFAULT 0;
