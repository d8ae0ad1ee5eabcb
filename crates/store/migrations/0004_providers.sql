-- Connecting a provider in the settings. Only adds: a node of the release before can go on beside it.

-- The provider's own id of the account, once it is known. `account` is the name that attempts and ledger keep: it
-- never changes, whatever becomes known later.
ALTER TABLE provider_account ADD COLUMN merchant TEXT;
-- Rises with every change of key, secrets or address: what a node keeps of an account is good for one version.
ALTER TABLE provider_account ADD COLUMN version {int} NOT NULL DEFAULT 1;
ALTER TABLE provider_account ADD COLUMN updated_at {int} NOT NULL DEFAULT 0;
-- Another account took its place in the settings; attempts made with it go on with it.
ALTER TABLE provider_account ADD COLUMN replaced_at {int};
-- What the account is and can, as the provider said last (JSON); none until it was asked.
ALTER TABLE provider_account ADD COLUMN facts TEXT;
-- The last test of the connection, line by line (JSON).
ALTER TABLE provider_account ADD COLUMN test TEXT;
ALTER TABLE provider_account ADD COLUMN tested_at {int};
-- Scheme, host and port of the provider's payment pages, as its last session had them.
ALTER TABLE provider_account ADD COLUMN page_origin TEXT;
-- When an authentic webhook came last, within a minute.
ALTER TABLE provider_account ADD COLUMN webhook_at {int};
-- Webhooks whose signature did not fit, since the last one that did.
ALTER TABLE provider_account ADD COLUMN refused {int} NOT NULL DEFAULT 0;
ALTER TABLE provider_account ADD COLUMN refused_since {int};
ALTER TABLE provider_account ADD COLUMN refused_at {int};

CREATE UNIQUE INDEX provider_account_name ON provider_account (clinic, provider, account);
-- One account of each provider stands in the settings.
CREATE UNIQUE INDEX provider_account_current ON provider_account (clinic, provider) WHERE replaced_at IS NULL;
