-- What a receipt that matches nothing said, for people to look at and to match it by another rule.
ALTER TABLE parked_receipts ADD COLUMN raw_id TEXT NOT NULL DEFAULT '';
ALTER TABLE parked_receipts ADD COLUMN cause INTEGER NOT NULL DEFAULT 0;
ALTER TABLE parked_receipts ADD COLUMN text BLOB NOT NULL DEFAULT x'';
ALTER TABLE parked_receipts ADD COLUMN msisdn TEXT NOT NULL DEFAULT '';
ALTER TABLE parked_receipts ADD COLUMN matched_as TEXT NOT NULL DEFAULT '';
