-- What would happen to a link, shown before it does: kept for an hour.
CREATE TABLE previews (
	id       {{text}} PRIMARY KEY NOT NULL, -- random
	org_id   BIGINT NOT NULL,
	user_id  BIGINT NOT NULL,
	kind     {{text}} NOT NULL,
	link_id  BIGINT NOT NULL, -- 0: there is none yet
	occasion {{text}} NOT NULL,
	settings {{text}} NOT NULL, -- JSON: what a change would make them
	begun    BIGINT NOT NULL,
	touched  BIGINT NOT NULL, -- when somebody last worked at it
	state    {{text}} NOT NULL,
	reason   {{text}} NOT NULL, -- why it failed
	summary  {{text}} NOT NULL -- JSON
);
CREATE INDEX previews_user ON previews (org_id, user_id);
CREATE INDEX previews_begun ON previews (begun);

CREATE TABLE preview_lines (
	preview_id {{text}} NOT NULL,
	n          BIGINT NOT NULL,
	org_id     BIGINT NOT NULL,
	section   {{text}} NOT NULL,
	body       {{text}} NOT NULL, -- JSON
	PRIMARY KEY (preview_id, n)
);
CREATE INDEX preview_lines_section ON preview_lines (preview_id, section, n);

-- The last time that everything about a link was compared: when, how many records, how many of them differed, and how many
-- of those could not be repaired.
ALTER TABLE links ADD COLUMN proof_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE links ADD COLUMN proof_compared BIGINT NOT NULL DEFAULT 0;
ALTER TABLE links ADD COLUMN proof_drift BIGINT NOT NULL DEFAULT 0;
ALTER TABLE links ADD COLUMN proof_left BIGINT NOT NULL DEFAULT 0;
