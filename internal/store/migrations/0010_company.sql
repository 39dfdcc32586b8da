-- What an organization has decided: whose telephone numbers are written without their country (ISO 3166-1), and whether imported
-- records are synced.
ALTER TABLE organizations ADD COLUMN region {{text}} NOT NULL DEFAULT 'BR';
ALTER TABLE organizations ADD COLUMN admit_contacts BIGINT NOT NULL DEFAULT 0;
ALTER TABLE organizations ADD COLUMN admit_events BIGINT NOT NULL DEFAULT 0;

-- Whether imported records were let in when the link last ran.
ALTER TABLE link_settings ADD COLUMN admitted BIGINT NOT NULL DEFAULT 0;

-- What sync made and deleted lately, by hour, and until when a person lets it make more than is plausible.
ALTER TABLE links ADD COLUMN recent {{text}} NOT NULL DEFAULT ''; -- JSON
ALTER TABLE links ADD COLUMN growth_until BIGINT NOT NULL DEFAULT 0;

-- No key depends on the region any more (crm.ContactKeys): contactkeys.go makes them anew.
DELETE FROM contact_keys;
