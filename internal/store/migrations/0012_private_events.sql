-- Events that are, in part, their owner's own business (record.HasPrivate): nobody else's search finds them. And the contact
-- that an event is about, for the contact's page.

ALTER TABLE events ADD COLUMN private BIGINT NOT NULL DEFAULT 0;
ALTER TABLE events ADD COLUMN who_id BIGINT NOT NULL DEFAULT 0;
UPDATE events SET who_id = {{who}} WHERE fields LIKE '%"Who_Id":"%';
CREATE INDEX events_who ON events (org_id, who_id, start_at) WHERE who_id > 0;
