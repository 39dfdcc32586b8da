-- By what lists of contacts can be ordered however many there are (folded; a last letter where there is nothing), and what
-- people want their pages to be like. What is in the new columns, and in those of searches, of contacts that are there already
-- is made by lists.go.

ALTER TABLE contacts ADD COLUMN company {{text}} NOT NULL DEFAULT '';
ALTER TABLE contacts ADD COLUMN email {{text}} NOT NULL DEFAULT '';
CREATE INDEX contacts_company ON contacts (org_id, company, id, owner_id) WHERE deleted_at = 0;
CREATE INDEX contacts_email ON contacts (org_id, email, id, owner_id) WHERE deleted_at = 0;

CREATE TABLE tastes (
	org_id  BIGINT NOT NULL,
	user_id BIGINT NOT NULL,
	name    {{text}} NOT NULL, -- such as contacts.columns
	value   {{text}} NOT NULL,
	PRIMARY KEY (org_id, user_id, name)
){{clustered}};
