-- What an event's record knows of the mails that writing it to Outlook brings (crm.Mailing): JSON, '' is nothing.

ALTER TABLE events ADD COLUMN mailing {{text}} NOT NULL DEFAULT '';
