-- Most messages are over seconds after a carrier took them, and an index over random carrier ids costs each of them
-- two pages of the WAL. So a row is indexed only when it has become old; see smsagg.store.sqlite.recent_ids.
ALTER TABLE messages ADD COLUMN indexed INTEGER NOT NULL DEFAULT 0;
DROP INDEX messages_enroute;
CREATE INDEX messages_enroute ON messages (carrier, carrier_message_id) WHERE state = 1 AND indexed = 1;
