-- Where a message's price counts while it lives, and what of it was owed when it was over.
ALTER TABLE messages ADD COLUMN accounted INTEGER NOT NULL DEFAULT 0;
ALTER TABLE messages ADD COLUMN charged INTEGER NOT NULL DEFAULT 0;
ALTER TABLE history ADD COLUMN accounted INTEGER NOT NULL DEFAULT 0;
ALTER TABLE history ADD COLUMN charged INTEGER NOT NULL DEFAULT 0;

-- All amounts are micro-units of the account's currency. A balance is credited - charged.
CREATE TABLE balances (
    account TEXT PRIMARY KEY,
    currency TEXT NOT NULL,
    credited INTEGER NOT NULL, -- sum of ledger_entries
    charged INTEGER NOT NULL,  -- sum of charges
    reserved INTEGER NOT NULL, -- sum of the prices of live messages in the ledger
    dropped INTEGER NOT NULL   -- of charged: what was charged for messages that history has no more
) STRICT, WITHOUT ROWID;

-- What was charged on a day of the account's time zone (20260131), for how many segments.
CREATE TABLE charges (
    account TEXT NOT NULL,
    day INTEGER NOT NULL,
    charged INTEGER NOT NULL,
    messages INTEGER NOT NULL,
    PRIMARY KEY (account, day)
) STRICT, WITHOUT ROWID;

-- What counts towards caps and quotas, by the day on which it was accepted; scope is a country, '' for all together.
CREATE TABLE spending (
    account TEXT NOT NULL,
    scope TEXT NOT NULL,
    day INTEGER NOT NULL,
    spent INTEGER NOT NULL,
    messages INTEGER NOT NULL,
    PRIMARY KEY (account, scope, day)
) STRICT, WITHOUT ROWID;

-- Money that operators gave and took; columns stand in the order of smsagg.store.ledger.LedgerEntry. Never changed.
CREATE TABLE ledger_entries (
    account TEXT NOT NULL,
    currency TEXT NOT NULL,
    kind TEXT NOT NULL,
    amount INTEGER NOT NULL,
    posted_at INTEGER NOT NULL,
    note TEXT NOT NULL,
    reference TEXT NOT NULL,
    posted_by TEXT NOT NULL,
    entry_id INTEGER PRIMARY KEY AUTOINCREMENT,
    balance_after INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX ledger_entries_reference ON ledger_entries (account, reference) WHERE reference <> '';
CREATE INDEX ledger_entries_account ON ledger_entries (account, entry_id);
