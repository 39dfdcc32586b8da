-- What contacts that are not deleted are recognized by (crm.ContactKeys), for matching what comes in from Microsoft.
-- Those of the contacts that are there already are made by contactkeys.go.

CREATE TABLE contact_keys (
	id       BIGINT NOT NULL,
	org_id   BIGINT NOT NULL,
	owner_id BIGINT NOT NULL,
	key      {{text}} NOT NULL,
	PRIMARY KEY (id, key)
){{clustered}};
CREATE INDEX contact_keys_key ON contact_keys (org_id, owner_id, key);
