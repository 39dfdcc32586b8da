-- When a person last took a record out of the recycle bin, by which sync knows that it is wanted.
ALTER TABLE contacts ADD COLUMN restored_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE events ADD COLUMN restored_at BIGINT NOT NULL DEFAULT 0;
