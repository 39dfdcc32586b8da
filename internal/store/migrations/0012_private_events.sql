-- Events that are, in part, their owner's own business (record.HasPrivate): nobody else's search finds them.

ALTER TABLE events ADD COLUMN private BIGINT NOT NULL DEFAULT 0;
