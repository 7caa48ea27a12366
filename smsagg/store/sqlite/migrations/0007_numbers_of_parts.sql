-- Which parts came, as bits, so that after a restart a part that is submitted again is not taken for another one.
ALTER TABLE part_groups ADD COLUMN numbers INTEGER NOT NULL DEFAULT 0;
