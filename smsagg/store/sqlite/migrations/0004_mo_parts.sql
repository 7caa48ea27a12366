-- Parts of long messages from handsets that wait for the others. Columns stand in the order of smsagg.model.MoPart and
-- smsagg.model.CarrierMo.
CREATE TABLE mo_parts (
    part_id INTEGER PRIMARY KEY,
    carrier TEXT NOT NULL,
    reference INTEGER NOT NULL,
    is_wide INTEGER NOT NULL,
    total INTEGER NOT NULL,
    number INTEGER NOT NULL,
    received_at INTEGER NOT NULL,
    source_addr_ton INTEGER NOT NULL,
    source_addr_npi INTEGER NOT NULL,
    source_addr TEXT NOT NULL,
    dest_addr_ton INTEGER NOT NULL,
    dest_addr_npi INTEGER NOT NULL,
    destination_addr TEXT NOT NULL,
    service_type TEXT NOT NULL,
    esm_class INTEGER NOT NULL,
    protocol_id INTEGER NOT NULL,
    data_coding INTEGER NOT NULL,
    body BLOB NOT NULL,
    tlvs BLOB NOT NULL
) STRICT;
