-- What sync changed can be undone: the history remembers what was there before, and which run of the link it was.
ALTER TABLE history ADD COLUMN held {{text}} NOT NULL DEFAULT ''; -- JSON: the values before
ALTER TABLE history ADD COLUMN run BIGINT NOT NULL DEFAULT 0;     -- the link's fence; 0: older than this column
CREATE INDEX history_record ON history (crm_ref, id) WHERE crm_ref <> '';

-- What became of the undo of a line of history.
CREATE TABLE undone_lines (
	line    BIGINT PRIMARY KEY NOT NULL,
	org_id  BIGINT NOT NULL,
	undo_id {{text}} NOT NULL, -- '': of the line alone
	what    {{text}} NOT NULL,
	user_id BIGINT NOT NULL,
	at      BIGINT NOT NULL
);
CREATE INDEX undone_lines_undo ON undone_lines (undo_id) WHERE undo_id <> '';

-- Undos of whole runs.
CREATE TABLE undos (
	id      {{text}} PRIMARY KEY NOT NULL, -- random
	org_id  BIGINT NOT NULL,
	user_id BIGINT NOT NULL, -- who asked
	link_id BIGINT NOT NULL,
	run     BIGINT NOT NULL,
	asked   BIGINT NOT NULL,
	touched BIGINT NOT NULL, -- when somebody last worked at it
	ended   BIGINT NOT NULL, -- 0: it goes on
	next    BIGINT NOT NULL  -- lines below this one are still to be undone
);
CREATE UNIQUE INDEX undos_open ON undos (link_id, run) WHERE ended = 0;

-- What a link did in an hour, for charts.
CREATE TABLE sync_hours (
	link_id   BIGINT NOT NULL,
	hour      BIGINT NOT NULL, -- since 1970
	org_id    BIGINT NOT NULL,
	crm       BIGINT NOT NULL, -- writes to the CRM
	microsoft BIGINT NOT NULL,
	failed    BIGINT NOT NULL,
	slowest   BIGINT NOT NULL, -- the longest delay of a fresh change, microseconds
	delays    {{text}} NOT NULL, -- JSON: how many fresh changes came through in how long
	PRIMARY KEY (link_id, hour)
);
CREATE INDEX sync_hours_hour ON sync_hours (hour);
