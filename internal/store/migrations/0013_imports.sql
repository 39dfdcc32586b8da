-- Files that people bring, until all their rows are taken; what became of each row, until it can no longer be taken back; and
-- what people said that columns are.

CREATE TABLE imports (
	id        {{text}} PRIMARY KEY NOT NULL, -- random
	org_id    BIGINT NOT NULL REFERENCES organizations (id),
	user_id   BIGINT NOT NULL,
	kind      {{text}} NOT NULL,
	file      {{text}} NOT NULL, -- its name
	size      BIGINT NOT NULL,
	settings  {{text}} NOT NULL, -- JSON
	state     {{text}} NOT NULL,
	reason    {{text}} NOT NULL, -- why it failed
	row_count BIGINT NOT NULL,
	at_row    BIGINT NOT NULL, -- rows taken, in the same transaction as their records; while it is taken back, the last line looked at
	counts    {{text}} NOT NULL, -- JSON
	begun     BIGINT NOT NULL,
	touched   BIGINT NOT NULL
);
CREATE INDEX imports_user ON imports (org_id, user_id, begun);
CREATE INDEX imports_under_way ON imports (touched) WHERE state IN ('running', 'undoing');
CREATE INDEX imports_touched ON imports (touched);

CREATE TABLE import_pieces (
	import_id {{text}} NOT NULL,
	n         BIGINT NOT NULL,
	bytes     {{bytes}} NOT NULL, -- 256 KiB; the last one less
	PRIMARY KEY (import_id, n)
);

CREATE TABLE import_lines (
	import_id {{text}} NOT NULL,
	n         BIGINT NOT NULL, -- the row's place in the file, from 1
	did       {{text}} NOT NULL,
	record_id BIGINT NOT NULL, -- 0: none
	version   BIGINT NOT NULL, -- of the record afterwards
	body      {{text}} NOT NULL, -- JSON
	PRIMARY KEY (import_id, n)
);
CREATE INDEX import_lines_record ON import_lines (import_id, record_id) WHERE record_id > 0;
CREATE INDEX import_lines_failed ON import_lines (import_id, n) WHERE did = 'failed';

CREATE TABLE import_columns (
	org_id  BIGINT NOT NULL,
	kind    {{text}} NOT NULL,
	name    {{text}} NOT NULL, -- in lower case, without accents
	user_id BIGINT NOT NULL,
	target  {{text}} NOT NULL, -- '' says: leave it out
	said_at BIGINT NOT NULL,
	PRIMARY KEY (org_id, kind, name, user_id)
);

-- What imported events call themselves in their files (UID, RFC 5545 §3.8.4.7).
CREATE TABLE event_uids (
	org_id    BIGINT NOT NULL,
	uid       {{text}} NOT NULL,
	record_id BIGINT NOT NULL,
	PRIMARY KEY (org_id, uid, record_id)
){{clustered}};
CREATE INDEX event_uids_record ON event_uids (record_id);

-- Who is there already is asked of the whole organization.
CREATE INDEX contact_keys_everybodys ON contact_keys (org_id, key);
