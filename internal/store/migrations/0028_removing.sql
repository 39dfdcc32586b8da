-- When a link's container was last asked to go: what the user's next link finds there may still go.
ALTER TABLE links ADD COLUMN removing_at BIGINT NOT NULL DEFAULT 0;
