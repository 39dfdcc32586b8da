-- The calendar of its owner's own in which an event stayed when the sync of that ended; its next change forgets it.
ALTER TABLE events ADD COLUMN kept_in {{text}} NOT NULL DEFAULT '';
CREATE INDEX events_kept ON events (org_id, owner_id) WHERE kept_in <> '';
