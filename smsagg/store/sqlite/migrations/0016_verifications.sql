-- Codes that were sent to prove whose a number is: of the codes themselves their keyed digests only.
CREATE TABLE verifications (
    verification_id TEXT PRIMARY KEY,
    account TEXT NOT NULL,
    recipient TEXT NOT NULL,
    country TEXT NOT NULL,
    state TEXT NOT NULL,
    digests BLOB NOT NULL,
    attempts INTEGER NOT NULL,
    attempts_max INTEGER NOT NULL,
    message_ids TEXT NOT NULL,
    last_sent_at INTEGER NOT NULL,
    wording TEXT NOT NULL,
    reference TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    done_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- find_due_verifications
CREATE INDEX verifications_pending ON verifications (expires_at) WHERE state = 'pending';
-- drop_verifications
CREATE INDEX verifications_age ON verifications (expires_at);
