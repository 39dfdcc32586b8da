-- What a person has chosen for a kind of sync, and what an organization has for whoever has chosen nothing. It outlives links.

CREATE TABLE sync_choices (
	org_id   BIGINT NOT NULL REFERENCES organizations (id),
	user_id  BIGINT NOT NULL, -- 0: the organization's
	kind     {{text}} NOT NULL,
	settings {{text}} NOT NULL, -- JSON
	PRIMARY KEY (org_id, user_id, kind)
);
