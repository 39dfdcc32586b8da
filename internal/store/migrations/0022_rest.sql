-- idle counts runs in a row that settled nothing, rest_until is before when notifications do not bring the next one: see
-- Notified. A person's wish ends both.
ALTER TABLE links ADD COLUMN idle BIGINT NOT NULL DEFAULT 0;
ALTER TABLE links ADD COLUMN rest_until BIGINT NOT NULL DEFAULT 0;
