-- Which front door took a message, and what its customer calls it.
ALTER TABLE messages ADD COLUMN origin TEXT NOT NULL DEFAULT 'smpp';
ALTER TABLE messages ADD COLUMN reference TEXT NOT NULL DEFAULT '';
ALTER TABLE history ADD COLUMN origin TEXT NOT NULL DEFAULT 'smpp';
ALTER TABLE history ADD COLUMN reference TEXT NOT NULL DEFAULT '';

-- Answers to requests with an idempotency key.
CREATE TABLE keyed_answers (
    account TEXT NOT NULL,
    key TEXT NOT NULL,
    digest BLOB NOT NULL,
    status INTEGER NOT NULL,
    answer BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (account, key)
) STRICT, WITHOUT ROWID;

-- drop_keyed_answers
CREATE INDEX keyed_answers_age ON keyed_answers (created_at);
