-- Which item a mark belongs to is known as long as the history is, also when the pair has ended.
ALTER TABLE history ADD COLUMN mark {{text}} NOT NULL DEFAULT ''; -- of the item at Microsoft; '': it has none
