-- Whether payment providers are told the payer's email address (hazard E2): only where the clinic says so.
ALTER TABLE clinic ADD COLUMN shares_email {int} NOT NULL DEFAULT 0 CHECK (shares_email IN (0, 1));
