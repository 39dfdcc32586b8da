-- Of the last write by sync that had one (record.Write): tells of a write that was cut off whether it happened.
ALTER TABLE contacts ADD COLUMN stamp {{text}} NOT NULL DEFAULT '';
ALTER TABLE events ADD COLUMN stamp {{text}} NOT NULL DEFAULT '';

-- The records that a batch of intents is about, a line each; '' of batches that are older than this column.
ALTER TABLE intents ADD COLUMN refs {{text}} NOT NULL DEFAULT '';
