-- What people and programs changed in contacts one by one. What sync, imports and mass updates did, those tell.
CREATE TABLE contact_edits (
	record_id BIGINT NOT NULL,
	seq       BIGINT NOT NULL, -- of the write in the organization's order
	org_id    BIGINT NOT NULL,
	user_id   BIGINT NOT NULL,
	at        BIGINT NOT NULL,
	body      {{text}} NOT NULL, -- JSON
	PRIMARY KEY (record_id, seq)
){{clustered}};
CREATE INDEX contact_edits_at ON contact_edits (at);
