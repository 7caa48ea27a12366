-- Where a message's customer wants to be told of it, if not at an endpoint; and where what is owed goes then.
ALTER TABLE messages ADD COLUMN callback_url TEXT NOT NULL DEFAULT '';
ALTER TABLE history ADD COLUMN callback_url TEXT NOT NULL DEFAULT '';
ALTER TABLE event_deliveries ADD COLUMN url TEXT NOT NULL DEFAULT '';
