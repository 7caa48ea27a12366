-- find_events: an account's events of one kind are found without looking at those of the others.
DROP INDEX events_of_account;
CREATE INDEX events_of_account ON events (account, kind, event_id);
