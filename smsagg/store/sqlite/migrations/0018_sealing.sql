-- Whether the text is nobody's but the recipient's; it is sealed then (smsagg/store/sqlite/sealing.py).
ALTER TABLE messages ADD COLUMN is_secret INTEGER NOT NULL DEFAULT 0;
ALTER TABLE history ADD COLUMN is_secret INTEGER NOT NULL DEFAULT 0;

-- The keys without which something here may not be opened.
CREATE TABLE store_keys (
    key_id INTEGER PRIMARY KEY
) STRICT;
