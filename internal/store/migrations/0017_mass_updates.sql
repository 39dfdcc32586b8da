-- Updates of many records at once: the records that each names, and what became of them, until it can no longer be taken back.

CREATE TABLE mass_updates (
	id       {{text}} PRIMARY KEY NOT NULL, -- random
	org_id   BIGINT NOT NULL REFERENCES organizations (id),
	user_id  BIGINT NOT NULL,
	kind     {{text}} NOT NULL,
	field    {{text}} NOT NULL,
	value    {{text}} NOT NULL,
	state    {{text}} NOT NULL,
	reason   {{text}} NOT NULL, -- why it failed
	total    BIGINT NOT NULL,
	at_id    BIGINT NOT NULL, -- the last record looked at, in the same transaction as the change of it
	seen     BIGINT NOT NULL, -- records looked at
	counts   {{text}} NOT NULL, -- JSON
	begun    BIGINT NOT NULL,
	touched  BIGINT NOT NULL
);
CREATE INDEX mass_updates_user ON mass_updates (org_id, user_id, begun);
CREATE INDEX mass_updates_under_way ON mass_updates (touched) WHERE state IN ('running', 'undoing');
CREATE INDEX mass_updates_touched ON mass_updates (touched);

CREATE TABLE mass_lines (
	update_id {{text}} NOT NULL,
	record_id BIGINT NOT NULL,
	did       {{text}} NOT NULL,
	version   BIGINT NOT NULL, -- of the record afterwards
	body      {{text}} NOT NULL, -- JSON
	PRIMARY KEY (update_id, record_id)
){{clustered}};
CREATE INDEX mass_lines_failed ON mass_lines (update_id, record_id) WHERE did = 'failed';
