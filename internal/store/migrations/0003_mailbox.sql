-- Whose mailbox a link is with: its user may be tied to another Microsoft person later, and what lies in that one's mailbox
-- says nothing about this one's.

ALTER TABLE links ADD COLUMN mailbox {{text}} NOT NULL DEFAULT ''; -- tenant/person
UPDATE links SET mailbox = COALESCE((SELECT LOWER(u.tenant_id || '/' || u.object_id) FROM users u
	WHERE u.org_id = links.org_id AND u.id = links.user_id AND u.object_id <> ''), '')
WHERE state <> 'off';

-- Who gets what is read last of the mailbox of somebody whose records were handed over; 0: nobody.
ALTER TABLE links ADD COLUMN heir BIGINT NOT NULL DEFAULT 0;
