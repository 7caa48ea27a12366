-- Numbers that are suppressed (kind 0) or have opted in (kind 1). Columns stand in the order of
-- smsagg.model.consent.ConsentRecord; account '' is the operator, sender '' is any.
CREATE TABLE consents (
    kind INTEGER NOT NULL,
    account TEXT NOT NULL,
    number TEXT NOT NULL,
    sender TEXT NOT NULL,
    at INTEGER NOT NULL,
    how TEXT NOT NULL,
    evidence TEXT NOT NULL,
    PRIMARY KEY (kind, account, number, sender)
) STRICT, WITHOUT ROWID;
