-- Where a clinic says how it treats personal data, and its terms. Only adds: a node of the release before can go on
-- beside it.

ALTER TABLE branding ADD COLUMN privacy TEXT NOT NULL DEFAULT '';
ALTER TABLE branding ADD COLUMN terms TEXT NOT NULL DEFAULT '';
