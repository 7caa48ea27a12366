-- The hot table: live messages only. Columns stand in the order of smsagg.model.Message.
CREATE TABLE messages (
    seq INTEGER PRIMARY KEY,
    message_id TEXT NOT NULL,
    account TEXT NOT NULL,
    message_class TEXT NOT NULL,
    service_type TEXT NOT NULL,
    source_addr_ton INTEGER NOT NULL,
    source_addr_npi INTEGER NOT NULL,
    source_addr TEXT NOT NULL,
    dest_addr_ton INTEGER NOT NULL,
    dest_addr_npi INTEGER NOT NULL,
    destination_addr TEXT NOT NULL,
    esm_class INTEGER NOT NULL,
    protocol_id INTEGER NOT NULL,
    priority INTEGER NOT NULL,
    registered_delivery INTEGER NOT NULL,
    data_coding INTEGER NOT NULL,
    sm_default_msg_id INTEGER NOT NULL,
    body BLOB NOT NULL,
    in_payload INTEGER NOT NULL,
    tlvs BLOB NOT NULL,
    country TEXT NOT NULL,
    pool TEXT NOT NULL,
    accepted_at INTEGER NOT NULL,
    not_before INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    state INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    next_attempt_at INTEGER NOT NULL,
    parked INTEGER NOT NULL,
    carrier TEXT NOT NULL,
    carrier_message_id TEXT NOT NULL,
    error_code INTEGER NOT NULL,
    done_at INTEGER NOT NULL
) STRICT;

-- claim_messages and next_due: only messages that wait in the store alone pay for it.
CREATE INDEX messages_parked ON messages (pool, priority DESC, next_attempt_at) WHERE parked = 1 AND state = 0;

-- find_by_carrier_id: only messages that a carrier has pay for it.
CREATE INDEX messages_enroute ON messages (carrier, carrier_message_id) WHERE state = 1;

-- find_expired: everything must end.
CREATE INDEX messages_expiry ON messages (expires_at);

-- Messages that are over (CDR). Written once, found by key, no index: its cost does not grow with the past.
CREATE TABLE history (
    seq INTEGER PRIMARY KEY,
    message_id TEXT NOT NULL,
    account TEXT NOT NULL,
    message_class TEXT NOT NULL,
    service_type TEXT NOT NULL,
    source_addr_ton INTEGER NOT NULL,
    source_addr_npi INTEGER NOT NULL,
    source_addr TEXT NOT NULL,
    dest_addr_ton INTEGER NOT NULL,
    dest_addr_npi INTEGER NOT NULL,
    destination_addr TEXT NOT NULL,
    esm_class INTEGER NOT NULL,
    protocol_id INTEGER NOT NULL,
    priority INTEGER NOT NULL,
    registered_delivery INTEGER NOT NULL,
    data_coding INTEGER NOT NULL,
    sm_default_msg_id INTEGER NOT NULL,
    body BLOB NOT NULL,
    in_payload INTEGER NOT NULL,
    tlvs BLOB NOT NULL,
    country TEXT NOT NULL,
    pool TEXT NOT NULL,
    accepted_at INTEGER NOT NULL,
    not_before INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    state INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    next_attempt_at INTEGER NOT NULL,
    parked INTEGER NOT NULL,
    carrier TEXT NOT NULL,
    carrier_message_id TEXT NOT NULL,
    error_code INTEGER NOT NULL,
    done_at INTEGER NOT NULL
) STRICT;

-- What accounts are owed. Columns stand in the order of smsagg.model.Delivery.
CREATE TABLE deliveries (
    delivery_id INTEGER PRIMARY KEY,
    account TEXT NOT NULL,
    kind INTEGER NOT NULL,
    service_type TEXT NOT NULL,
    source_addr_ton INTEGER NOT NULL,
    source_addr_npi INTEGER NOT NULL,
    source_addr TEXT NOT NULL,
    dest_addr_ton INTEGER NOT NULL,
    dest_addr_npi INTEGER NOT NULL,
    destination_addr TEXT NOT NULL,
    esm_class INTEGER NOT NULL,
    protocol_id INTEGER NOT NULL,
    data_coding INTEGER NOT NULL,
    body BLOB NOT NULL,
    tlvs BLOB NOT NULL,
    message_id TEXT NOT NULL,
    message_state INTEGER NOT NULL,
    error_code INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    country TEXT NOT NULL,
    accepted_at INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    next_attempt_at INTEGER NOT NULL,
    parked INTEGER NOT NULL
) STRICT;

CREATE INDEX deliveries_parked ON deliveries (account, next_attempt_at) WHERE parked = 1;
CREATE INDEX deliveries_parked_expiry ON deliveries (expires_at) WHERE parked = 1;

CREATE TABLE parked_receipts (
    carrier TEXT NOT NULL,
    carrier_message_id TEXT NOT NULL,
    state INTEGER NOT NULL,
    error_code INTEGER NOT NULL,
    done_at INTEGER NOT NULL,
    parked_at INTEGER NOT NULL,
    PRIMARY KEY (carrier, carrier_message_id, state)
) STRICT, WITHOUT ROWID;

-- One row. Highest keys ever committed: deliveries are deleted, and a key is never used twice.
CREATE TABLE counters (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    last_seq INTEGER NOT NULL,
    last_delivery_id INTEGER NOT NULL,
    covers INTEGER NOT NULL -- commits made for no other reason than to overwrite one that failed
) STRICT;
INSERT INTO counters VALUES (1, 0, 0, 0);
