-- Times are whole microseconds since 1970 UTC, 0 for none. Flags are 0 or 1. Words in double braces differ between the
-- two databases: see migrate.go. Text compares byte for byte: Graph's ids differ by the case of letters alone.

CREATE TABLE counters (
	name  {{text}} NOT NULL PRIMARY KEY,
	value BIGINT NOT NULL
);
INSERT INTO counters (name, value) VALUES ('organization', 1000000), ('link', 0);

CREATE TABLE organizations (
	id        {{id}},
	name      {{text}} NOT NULL,
	tenant_id {{text}} NOT NULL,
	edition   {{text}} NOT NULL,
	zone      {{text}} NOT NULL,
	locale    {{text}} NOT NULL,
	created   BIGINT NOT NULL,
	seq       BIGINT NOT NULL DEFAULT 0
);
CREATE UNIQUE INDEX organizations_tenant ON organizations (tenant_id) WHERE tenant_id <> '';

CREATE TABLE users (
	id           {{id}},
	org_id       BIGINT NOT NULL REFERENCES organizations (id),
	email        {{text}} NOT NULL,
	email_key    {{text}} NOT NULL, -- in lower case
	first_name   {{text}} NOT NULL,
	last_name    {{text}} NOT NULL,
	name_key     {{text}} NOT NULL, -- folded, for sorting
	profile      {{text}} NOT NULL,
	state        {{text}} NOT NULL,
	zone         {{text}} NOT NULL,
	locale       {{text}} NOT NULL,
	created      BIGINT NOT NULL,
	last_sign_in BIGINT NOT NULL,
	tenant_id    {{text}} NOT NULL,
	object_id    {{text}} NOT NULL
);
CREATE UNIQUE INDEX users_email ON users (org_id, email_key);
CREATE UNIQUE INDEX users_identity ON users (tenant_id, object_id) WHERE object_id <> '';
CREATE INDEX users_address ON users (email_key);
CREATE INDEX users_name ON users (org_id, name_key, id);

CREATE TABLE tokens (
	hash    {{text}} NOT NULL PRIMARY KEY, -- hexadecimal SHA-256
	org_id  BIGINT NOT NULL,
	user_id BIGINT NOT NULL REFERENCES users (id),
	created BIGINT NOT NULL
);

CREATE TABLE grants (
	user_id       BIGINT NOT NULL PRIMARY KEY REFERENCES users (id),
	org_id        BIGINT NOT NULL,
	scopes        {{text}} NOT NULL, -- separated by spaces
	access        {{bytes}} NOT NULL, -- sealed
	expires       BIGINT NOT NULL,
	refresh       {{bytes}} NOT NULL, -- sealed
	broken        BIGINT NOT NULL,
	claimed_until BIGINT NOT NULL
);

-- A session exists before it is known whose it is: the one table without org_id.
CREATE TABLE sessions (
	token   {{text}} NOT NULL PRIMARY KEY, -- hexadecimal SHA-256
	data    {{bytes}} NOT NULL,
	expires BIGINT NOT NULL
);
CREATE INDEX sessions_expires ON sessions (expires);

-- id = org_id * 10^12 + the organization's sequence number at its creation.
CREATE TABLE contacts (
	id           {{id}},
	org_id       BIGINT NOT NULL,
	owner_id     BIGINT NOT NULL,
	version      BIGINT NOT NULL,
	seq          BIGINT NOT NULL,
	source       {{text}} NOT NULL,
	mass_updated BIGINT NOT NULL,
	token        {{text}} NOT NULL,
	created_at   BIGINT NOT NULL,
	created_by   BIGINT NOT NULL,
	modified_at  BIGINT NOT NULL,
	modified_by  BIGINT NOT NULL,
	deleted_at   BIGINT NOT NULL,
	deleted_by   BIGINT NOT NULL,
	name         {{text}} NOT NULL, -- folded, for sorting
	search       {{text}} NOT NULL, -- folded, for searching
	fields       {{text}} NOT NULL  -- JSON
);
CREATE UNIQUE INDEX contacts_token ON contacts (org_id, token) WHERE token <> '';
CREATE INDEX contacts_seq ON contacts (org_id, owner_id, seq);
CREATE INDEX contacts_name ON contacts (org_id, name, id) WHERE deleted_at = 0;
CREATE INDEX contacts_own_name ON contacts (org_id, owner_id, name, id) WHERE deleted_at = 0;
CREATE INDEX contacts_modified ON contacts (org_id, modified_at, id) WHERE deleted_at = 0;
CREATE INDEX contacts_own_modified ON contacts (org_id, owner_id, modified_at, id, source, mass_updated) WHERE deleted_at = 0;
CREATE INDEX contacts_own ON contacts (org_id, owner_id, id) WHERE deleted_at = 0;
CREATE INDEX contacts_deleted ON contacts (org_id, deleted_at) WHERE deleted_at > 0;

CREATE TABLE events (
	id           {{id}},
	org_id       BIGINT NOT NULL,
	owner_id     BIGINT NOT NULL,
	version      BIGINT NOT NULL,
	seq          BIGINT NOT NULL,
	source       {{text}} NOT NULL,
	mass_updated BIGINT NOT NULL,
	token        {{text}} NOT NULL,
	created_at   BIGINT NOT NULL,
	created_by   BIGINT NOT NULL,
	modified_at  BIGINT NOT NULL,
	modified_by  BIGINT NOT NULL,
	deleted_at   BIGINT NOT NULL,
	deleted_by   BIGINT NOT NULL,
	name         {{text}} NOT NULL,
	search       {{text}} NOT NULL,
	fields       {{text}} NOT NULL,
	start_at     BIGINT NOT NULL, -- of the first occurrence
	end_at       BIGINT NOT NULL  -- of the last occurrence; far in the future for an endless series
);
CREATE UNIQUE INDEX events_token ON events (org_id, token) WHERE token <> '';
CREATE INDEX events_seq ON events (org_id, owner_id, seq);
CREATE INDEX events_name ON events (org_id, name, id) WHERE deleted_at = 0;
CREATE INDEX events_modified ON events (org_id, modified_at, id) WHERE deleted_at = 0;
CREATE INDEX events_own ON events (org_id, owner_id, id) WHERE deleted_at = 0;
CREATE INDEX events_start ON events (org_id, start_at, end_at, id) WHERE deleted_at = 0;
CREATE INDEX events_own_start ON events (org_id, owner_id, start_at, end_at, id, source, mass_updated) WHERE deleted_at = 0;
CREATE INDEX events_own_end ON events (org_id, owner_id, end_at, start_at, id, source, mass_updated) WHERE deleted_at = 0;
CREATE INDEX events_deleted ON events (org_id, deleted_at) WHERE deleted_at > 0;

{{trigrams contacts}}
{{trigrams events}}

-- Who had a record and no longer has it, since when: for the sync of the former owner.
CREATE TABLE departures (
	org_id   BIGINT NOT NULL,
	kind     {{text}} NOT NULL,
	owner_id BIGINT NOT NULL,
	id       BIGINT NOT NULL,
	seq      BIGINT NOT NULL,
	PRIMARY KEY (org_id, kind, owner_id, id)
);
CREATE INDEX departures_seq ON departures (org_id, kind, owner_id, seq);

-- Records that were destroyed for good.
CREATE TABLE tombstones (
	id         {{id}},
	org_id     BIGINT NOT NULL,
	kind       {{text}} NOT NULL,
	owner_id   BIGINT NOT NULL,
	name       {{text}} NOT NULL,
	deleted_at BIGINT NOT NULL,
	deleted_by BIGINT NOT NULL,
	created_by BIGINT NOT NULL
);
CREATE INDEX tombstones_deleted ON tombstones (org_id, kind, deleted_at);

CREATE TABLE links (
	id                {{id}},
	org_id            BIGINT NOT NULL,
	user_id           BIGINT NOT NULL REFERENCES users (id),
	kind              {{text}} NOT NULL,
	state             {{text}} NOT NULL,
	reason            {{text}} NOT NULL,
	container         {{text}} NOT NULL,
	container_name    {{text}} NOT NULL,
	microsoft_cursor  {{text}} NOT NULL,
	crm_cursor        {{text}} NOT NULL,
	settled           BIGINT NOT NULL,
	subscription      {{text}} NOT NULL,
	subscription_ends BIGINT NOT NULL,
	wanted            BIGINT NOT NULL, -- wake-ups asked for
	done              BIGINT NOT NULL, -- and served
	queued_at         BIGINT NOT NULL, -- since when a job for the link is on its way; 0: none is
	fence             BIGINT NOT NULL,
	lease_until       BIGINT NOT NULL,
	opened_state      {{text}} NOT NULL, -- as the run found it: what a person changes meanwhile stands
	opened_deletes_ok BIGINT NOT NULL,
	deletes_ok        BIGINT NOT NULL,
	last_run          BIGINT NOT NULL,
	last_error        {{text}} NOT NULL,
	since             BIGINT NOT NULL,
	first_total       BIGINT NOT NULL,
	first_done        BIGINT NOT NULL,
	known             BIGINT NOT NULL,
	synced            BIGINT NOT NULL,
	waiting           BIGINT NOT NULL,
	failing           BIGINT NOT NULL,
	excluded          BIGINT NOT NULL,
	seq               BIGINT NOT NULL -- the link's last number for a pair, a line of history or a batch of intents
);
CREATE UNIQUE INDEX links_user ON links (org_id, user_id, kind) WHERE state <> 'off';
CREATE INDEX links_due ON links (last_run) WHERE state IN ('on', 'held', 'switching');
CREATE INDEX links_unserved ON links (id) WHERE wanted > done;

-- What seldom changes stands apart, so that a run rewrites a short row.
CREATE TABLE link_settings (
	link_id {{id}},
	org_id  BIGINT NOT NULL,
	policy  {{text}} NOT NULL, -- JSON
	mapping {{text}} NOT NULL  -- JSON
);

-- id = link_id * 10^10 + the link's number, here, in history and in intents: a link's rows lie side by side.
CREATE TABLE pairs (
	id                {{id}},
	org_id            BIGINT NOT NULL,
	link_id           BIGINT NOT NULL,
	crm_ref           {{text}} NOT NULL,
	crm_version       {{text}} NOT NULL,
	microsoft_ref     {{text}} NOT NULL,
	microsoft_version {{text}} NOT NULL,
	base              {{text}} NOT NULL, -- JSON
	token             {{text}} NOT NULL,
	state             {{text}} NOT NULL,
	reason            {{text}} NOT NULL,
	detail            {{text}} NOT NULL,
	attempts          BIGINT NOT NULL,
	retry_at          BIGINT NOT NULL,
	missing_side      {{text}} NOT NULL,
	name              {{text}} NOT NULL, -- of a record that has not reached the CRM
	since             BIGINT NOT NULL
);
CREATE UNIQUE INDEX pairs_crm ON pairs (link_id, crm_ref) WHERE crm_ref <> '';
CREATE UNIQUE INDEX pairs_microsoft ON pairs (link_id, microsoft_ref) WHERE microsoft_ref <> '';
CREATE INDEX pairs_unsettled ON pairs (link_id, state, id) WHERE state <> 'synced';

CREATE TABLE history (
	id            {{id}},
	org_id        BIGINT NOT NULL,
	at            BIGINT NOT NULL,
	crm_ref       {{text}} NOT NULL,
	microsoft_ref {{text}} NOT NULL,
	side          {{text}} NOT NULL,
	action        {{text}} NOT NULL,
	reason        {{text}} NOT NULL,
	fields        {{text}} NOT NULL, -- JSON
	lost          {{text}} NOT NULL  -- JSON
);

-- Batches of creates that are on their way.
CREATE TABLE intents (
	id     {{id}},
	org_id BIGINT NOT NULL,
	body   {{text}} NOT NULL -- JSON
);
