-- What has been taken out of a message that is over (bits: 1 its text, 2 its recipient's number), and what is left to
-- recognise the text by.
ALTER TABLE history ADD COLUMN redacted INTEGER NOT NULL DEFAULT 0;
ALTER TABLE history ADD COLUMN body_digest BLOB NOT NULL DEFAULT x'';

-- Messages are looked at in the order in which they came, and most are over within an hour. Those that took longer are
-- found here: only they pay for it.
CREATE INDEX history_late ON history (done_at) WHERE done_at - accepted_at > 3600000;
CREATE INDEX part_groups_late ON part_groups (done_at) WHERE done_at - accepted_at > 3600000;
