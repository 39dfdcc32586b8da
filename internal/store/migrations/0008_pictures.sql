-- Pictures of contacts by the hash of their bytes. A record, a base or a line of history names one as "sha256:<hash>"; what
-- nothing names any more goes some time after it was last kept (kept_at): see pictures.go.

CREATE TABLE pictures (
	org_id  BIGINT NOT NULL REFERENCES organizations (id),
	hash    {{text}} NOT NULL,
	kept_at BIGINT NOT NULL,
	bytes   {{bytes}} NOT NULL, -- JPEG
	PRIMARY KEY (org_id, hash)
);
CREATE INDEX pictures_kept ON pictures (org_id, kept_at);

-- The forms in which Microsoft gives pictures, by the hash of those bytes.
CREATE TABLE picture_forms (
	org_id BIGINT NOT NULL,
	form   {{text}} NOT NULL,
	hash   {{text}} NOT NULL,
	PRIMARY KEY (org_id, form)
){{clustered}};
CREATE INDEX picture_forms_hash ON picture_forms (org_id, hash);

-- Pictures that are on their way to items, or of which nobody has seen yet what Exchange made of them.
CREATE TABLE picture_sendings (
	org_id  BIGINT NOT NULL,
	user_id BIGINT NOT NULL,
	item    {{text}} NOT NULL,
	hash    {{text}} NOT NULL,
	sent_at BIGINT NOT NULL,
	PRIMARY KEY (org_id, user_id, item)
){{clustered}};
