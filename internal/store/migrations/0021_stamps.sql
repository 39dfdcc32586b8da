-- Of the last write by sync that had one (record.Write): tells of a write that was cut off whether it happened.
ALTER TABLE contacts ADD COLUMN stamp {{text}} NOT NULL DEFAULT '';
ALTER TABLE events ADD COLUMN stamp {{text}} NOT NULL DEFAULT '';
