-- The calendar that a person had before and that a link lives in. In no mailbox two links share one, whoever its users
-- were.

ALTER TABLE links ADD COLUMN chosen {{text}} NOT NULL DEFAULT '';
CREATE UNIQUE INDEX links_chosen ON links (mailbox, chosen) WHERE chosen <> '' AND state <> 'off';
