-- What many records get done at once is more than a value for a field; a record's page tells what was.
ALTER TABLE mass_updates ADD COLUMN deed {{text}} NOT NULL DEFAULT 'set';
CREATE INDEX mass_lines_record ON mass_lines (record_id) WHERE did = 'changed';

-- Lists of events by time, title and the last change, which may leave out what is others' private business or stands in Outlook.
DROP INDEX events_start;
CREATE INDEX events_start ON events (org_id, start_at, end_at, id, owner_id, private) WHERE deleted_at = 0;
DROP INDEX events_name;
CREATE INDEX events_name ON events (org_id, name, id, owner_id, private) WHERE deleted_at = 0;
CREATE INDEX events_own_name ON events (org_id, owner_id, name, id) WHERE deleted_at = 0;
CREATE INDEX events_own_modified ON events (org_id, owner_id, modified_at, id) WHERE deleted_at = 0;

-- Pairs of contacts of which a person has said that they are two people.
CREATE TABLE told_apart (
	org_id  BIGINT NOT NULL,
	a_id    BIGINT NOT NULL, -- the lesser id
	b_id    BIGINT NOT NULL,
	user_id BIGINT NOT NULL, -- who said so
	at      BIGINT NOT NULL,
	PRIMARY KEY (org_id, a_id, b_id)
){{clustered}};
CREATE INDEX told_apart_other ON told_apart (org_id, b_id);
