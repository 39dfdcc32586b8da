-- People who are invited, ask, are deactivated; profiles of an organization's own; ways to sign in; letters; who did what.

ALTER TABLE organizations ADD COLUMN consented BIGINT NOT NULL DEFAULT 0;
ALTER TABLE organizations ADD COLUMN scopes {{text}} NOT NULL DEFAULT ''; -- separated by spaces

ALTER TABLE users ADD COLUMN terms BIGINT NOT NULL DEFAULT 0; -- when the person accepted them
UPDATE users SET terms = created WHERE state = 'active';

-- Whoever is deleted keeps the name in histories, and leaves the address to others.
DROP INDEX users_email;
CREATE UNIQUE INDEX users_email ON users (org_id, email_key) WHERE state <> 'deleted';
CREATE INDEX users_state ON users (org_id, state, name_key, id);
CREATE INDEX users_profile ON users (org_id, profile);
CREATE INDEX tokens_user ON tokens (org_id, user_id);

-- What an organization has said of a profile. Of the built-in ones only those that differ are here.
CREATE TABLE profiles (
	org_id      BIGINT NOT NULL REFERENCES organizations (id),
	name        {{text}} NOT NULL,
	permissions {{text}} NOT NULL, -- JSON
	PRIMARY KEY (org_id, name)
);

-- The browsers in which somebody is signed in.
CREATE TABLE signins (
	id      {{text}} NOT NULL PRIMARY KEY,
	org_id  BIGINT NOT NULL,
	user_id BIGINT NOT NULL REFERENCES users (id),
	created BIGINT NOT NULL,
	seen    BIGINT NOT NULL,
	agent   {{text}} NOT NULL,
	address {{text}} NOT NULL
);
CREATE INDEX signins_user ON signins (org_id, user_id, seen);
CREATE INDEX signins_seen ON signins (seen);

-- id is made as those of records are, here and of letters and the audit trail.
CREATE TABLE passes (
	id      {{id}},
	org_id  BIGINT NOT NULL,
	user_id BIGINT NOT NULL REFERENCES users (id),
	purpose {{text}} NOT NULL,
	by_id   BIGINT NOT NULL,
	created BIGINT NOT NULL,
	expires BIGINT NOT NULL,
	state   {{text}} NOT NULL
);
CREATE INDEX passes_open ON passes (user_id, purpose) WHERE state = 'open';

CREATE TABLE requests (
	org_id    BIGINT NOT NULL,
	tenant_id {{text}} NOT NULL,
	object_id {{text}} NOT NULL,
	user_id   BIGINT NOT NULL REFERENCES users (id),
	asked     BIGINT NOT NULL,
	told      BIGINT NOT NULL,
	state     {{text}} NOT NULL,
	by_id     BIGINT NOT NULL,
	decided   BIGINT NOT NULL,
	word      {{text}} NOT NULL,
	PRIMARY KEY (org_id, tenant_id, object_id)
);
CREATE INDEX requests_user ON requests (org_id, user_id);

CREATE TABLE passwords (
	user_id BIGINT NOT NULL PRIMARY KEY REFERENCES users (id),
	org_id  BIGINT NOT NULL,
	hash    {{text}} NOT NULL
);

CREATE TABLE passkeys (
	id        {{text}} NOT NULL PRIMARY KEY, -- credential id
	org_id    BIGINT NOT NULL,
	user_id   BIGINT NOT NULL REFERENCES users (id),
	name      {{text}} NOT NULL,
	created   BIGINT NOT NULL,
	last_used BIGINT NOT NULL,
	data      {{bytes}} NOT NULL
);
CREATE INDEX passkeys_user ON passkeys (org_id, user_id, created);

CREATE TABLE letters (
	id       {{id}},
	org_id   BIGINT NOT NULL,
	kind     {{text}} NOT NULL,
	to_id    BIGINT NOT NULL,
	about_id BIGINT NOT NULL,
	by_id    BIGINT NOT NULL,
	pass_id  BIGINT NOT NULL,
	word     {{text}} NOT NULL,
	state    {{text}} NOT NULL,
	reason   {{text}} NOT NULL,
	tries    BIGINT NOT NULL,
	made     BIGINT NOT NULL,
	sent     BIGINT NOT NULL,
	touched  BIGINT NOT NULL -- when it was last made, tried or settled
);
CREATE INDEX letters_about ON letters (org_id, about_id, id);
CREATE INDEX letters_queued ON letters (touched) WHERE state = 'queued';
CREATE INDEX letters_sent ON letters (sent) WHERE state = 'sent';

CREATE TABLE audit (
	id         {{id}},
	org_id     BIGINT NOT NULL,
	at         BIGINT NOT NULL,
	actor_id   BIGINT NOT NULL,
	action     {{text}} NOT NULL,
	subject_id BIGINT NOT NULL,
	detail     {{text}} NOT NULL -- JSON
);

-- Limits are neither users' nor organizations': they hold for whoever knocks.
CREATE TABLE limits (
	name    {{text}} NOT NULL PRIMARY KEY, -- hexadecimal SHA-256
	arrival BIGINT NOT NULL -- when the bucket is full again
);
CREATE INDEX limits_arrival ON limits (arrival);
