-- What a person is asked about a pair, and what the person has said; since when something is left to say (0: nothing is).
ALTER TABLE pairs ADD COLUMN ask {{text}} NOT NULL DEFAULT ''; -- JSON
ALTER TABLE pairs ADD COLUMN asking BIGINT NOT NULL DEFAULT 0;
CREATE INDEX pairs_asking ON pairs (link_id, id) WHERE asking > 0;
CREATE INDEX pairs_ask ON pairs (link_id, id) WHERE ask <> '';

-- A change of settings that the next run is to take in: the mapping that the pairs' bases were made with.
ALTER TABLE link_settings ADD COLUMN changed BIGINT NOT NULL DEFAULT 0;
ALTER TABLE link_settings ADD COLUMN before {{text}} NOT NULL DEFAULT ''; -- JSON
