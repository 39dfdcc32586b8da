-- The fields that an organization made itself (crm.CustomField). A record keeps its values of them among its others, by name.
-- A row is never removed: the name of a field that was destroyed is never given again.

CREATE TABLE custom_fields (
	id         {{id}},
	org_id     BIGINT NOT NULL REFERENCES organizations (id),
	kind       {{text}} NOT NULL,
	name       {{text}} NOT NULL,
	label      {{text}} NOT NULL,
	type       {{text}} NOT NULL,
	choices    {{text}} NOT NULL, -- of a picklist: JSON
	state      {{text}} NOT NULL,
	created_at BIGINT NOT NULL,
	created_by BIGINT NOT NULL
);
CREATE UNIQUE INDEX custom_fields_name ON custom_fields (org_id, kind, name);

INSERT INTO counters (name, value) VALUES ('field', 0);
