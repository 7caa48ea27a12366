-- Who did what. Columns stand in the order of smsagg.directory.audit.AuditEntry; the hash chains each to the one before,
-- and the last one's is kept apart, so that a tail which is cut off is missed.
CREATE TABLE audit (
    seq INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    actor TEXT NOT NULL,
    actor_account TEXT NOT NULL,
    address TEXT NOT NULL,
    account TEXT NOT NULL,
    action TEXT NOT NULL,
    subject TEXT NOT NULL,
    details TEXT NOT NULL,
    hash BLOB NOT NULL
) STRICT;

CREATE INDEX audit_of_account ON audit (account, seq);
CREATE INDEX audit_of_actor ON audit (actor, seq);
CREATE INDEX audit_of_subject ON audit (subject, seq);

CREATE TABLE audit_head (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    seq INTEGER NOT NULL,
    hash BLOB NOT NULL
) STRICT;
INSERT INTO audit_head VALUES (1, 0, zeroblob(32));
