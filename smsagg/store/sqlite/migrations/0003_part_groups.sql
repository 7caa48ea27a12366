-- Parts of long messages: each is a message, and what they share is a row here. A message that is alone has 0 and 0.
ALTER TABLE messages ADD COLUMN group_seq INTEGER NOT NULL DEFAULT 0;
ALTER TABLE messages ADD COLUMN part_number INTEGER NOT NULL DEFAULT 0;
ALTER TABLE history ADD COLUMN group_seq INTEGER NOT NULL DEFAULT 0;
ALTER TABLE history ADD COLUMN part_number INTEGER NOT NULL DEFAULT 0;

-- Columns stand in the order of smsagg.model.PartGroup.
CREATE TABLE part_groups (
    group_seq INTEGER PRIMARY KEY,
    message_id TEXT NOT NULL,
    account TEXT NOT NULL,
    source_addr TEXT NOT NULL,
    destination_addr TEXT NOT NULL,
    reference INTEGER NOT NULL,
    parts_total INTEGER NOT NULL,
    is_split INTEGER NOT NULL,
    receipts INTEGER NOT NULL,
    registered_delivery INTEGER NOT NULL,
    excerpt BLOB NOT NULL,
    accepted_at INTEGER NOT NULL,
    closes_at INTEGER NOT NULL,
    received INTEGER NOT NULL,
    ended INTEGER NOT NULL,
    state INTEGER NOT NULL,
    error_code INTEGER NOT NULL,
    done_at INTEGER NOT NULL,
    carrier TEXT NOT NULL,
    joined_id TEXT NOT NULL
) STRICT;

-- find_closed_groups, and recovery: only messages that miss a part pay for it.
CREATE INDEX part_groups_open ON part_groups (ended < received, closes_at) WHERE done_at = 0 AND received < parts_total;
