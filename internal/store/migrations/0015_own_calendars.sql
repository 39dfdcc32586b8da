-- The calendar that a person had before and that a link lives in. In no mailbox two links share one, in whichever
-- organizations they are.

ALTER TABLE links ADD COLUMN chosen {{text}} NOT NULL DEFAULT '';
CREATE UNIQUE INDEX links_chosen ON links (mailbox, chosen) WHERE chosen <> '' AND state <> 'off';
