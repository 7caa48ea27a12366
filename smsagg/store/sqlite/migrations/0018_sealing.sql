-- Whether the text is nobody's but the recipient's.
ALTER TABLE messages ADD COLUMN is_secret INTEGER NOT NULL DEFAULT 0;
ALTER TABLE history ADD COLUMN is_secret INTEGER NOT NULL DEFAULT 0;

-- The key under which a row's texts and numbers are sealed, its id as a number; 0: they are in plain. An empty value is
-- never sealed.
ALTER TABLE messages ADD COLUMN sealed_by INTEGER NOT NULL DEFAULT 0;
ALTER TABLE history ADD COLUMN sealed_by INTEGER NOT NULL DEFAULT 0;
ALTER TABLE part_groups ADD COLUMN sealed_by INTEGER NOT NULL DEFAULT 0;
ALTER TABLE deliveries ADD COLUMN sealed_by INTEGER NOT NULL DEFAULT 0;
ALTER TABLE mo_parts ADD COLUMN sealed_by INTEGER NOT NULL DEFAULT 0;
ALTER TABLE parked_receipts ADD COLUMN sealed_by INTEGER NOT NULL DEFAULT 0;
ALTER TABLE events ADD COLUMN sealed_by INTEGER NOT NULL DEFAULT 0;
ALTER TABLE keyed_answers ADD COLUMN sealed_by INTEGER NOT NULL DEFAULT 0;
ALTER TABLE entities ADD COLUMN sealed_by INTEGER NOT NULL DEFAULT 0;

-- The keys without which something here may not be opened.
CREATE TABLE store_keys (
    key_id INTEGER PRIMARY KEY
) STRICT;

-- How far the tables have been sealed anew under a key.
CREATE TABLE resealing (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    target INTEGER NOT NULL,
    progress TEXT NOT NULL
) STRICT;
