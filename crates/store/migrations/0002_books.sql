-- Books of provider accounts, and what the reports read. Only adds: a node of the release before can go on beside it.

-- The lines of the provider's own books, each read once. What is posted of them stands in the ledger, in the book of
-- the account: there ledger_txn.appt and ledger_entry.appt hold the id of the provider_account instead of an
-- appointment's, and its row is the lock of that chain.
CREATE TABLE movement (
  clinic TEXT NOT NULL,
  provider TEXT NOT NULL,
  account TEXT NOT NULL,
  id TEXT NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('payment', 'refund', 'refund_failure', 'dispute', 'dispute_reversal', 'fee',
    'payout', 'payout_failure', 'other')),
  source TEXT,
  gross {int} NOT NULL,
  -- What the provider kept: its fee, or the whole of a movement of the kind 'fee'.
  kept {int} NOT NULL,
  net {int} NOT NULL,
  currency TEXT NOT NULL,
  at {int} NOT NULL,
  read_at {int} NOT NULL,
  -- What was posted of it; none where there was nothing to post or nothing explains it.
  txn TEXT,
  PRIMARY KEY (clinic, provider, account, id)
) {strict};
CREATE INDEX movement_when ON movement (clinic, at, kind, currency, gross, kept);
CREATE INDEX movement_source ON movement (clinic, provider, account, source);

-- How far the account's movements were read; 0: not yet.
ALTER TABLE provider_account ADD COLUMN movements_since {int} NOT NULL DEFAULT 0;
-- When our books and the provider's were compared last, and when they agreed last.
ALTER TABLE provider_account ADD COLUMN compared_at {int};
ALTER TABLE provider_account ADD COLUMN agreed_at {int};
-- One node at a time reads an account's lists.
ALTER TABLE provider_account ADD COLUMN lists_until {int} NOT NULL DEFAULT 0;
ALTER TABLE provider_account ADD COLUMN lists_node TEXT NOT NULL DEFAULT '';

-- The sum of a clearing account, without walking the ledger.
CREATE INDEX ledger_entry_clearing ON ledger_entry (clinic, account, currency, amount)
  WHERE account LIKE 'psp_clearing:%';

-- Reports walk these for the days they show: every column they need is in them.
CREATE INDEX payment_online ON payment (clinic, received_at DESC, id DESC, method, currency, amount, provider)
  WHERE provider IS NOT NULL;
CREATE INDEX ledger_txn_back ON ledger_txn (clinic, at)
  WHERE kind NOT IN ('charge', 'uncharge', 'capture', 'desk', 'fee', 'payout', 'payout_failure');
CREATE INDEX payment_link_funnel ON payment_link (clinic, created_at, sent_at, accessed_at, paid_at);
CREATE INDEX payment_link_paid ON payment_link (clinic, paid_at, created_at) WHERE paid_at IS NOT NULL;

-- What a person wrote when they settled a finding.
ALTER TABLE finding ADD COLUMN note TEXT;
CREATE INDEX finding_closed ON finding (clinic, closed_at, id) WHERE closed_at IS NOT NULL;
CREATE INDEX appointment_balance_credit ON appointment_balance (clinic, appt) WHERE credit > 0;

-- What holds for the whole installation, such as a restored backup that has not caught up yet.
CREATE TABLE installation (
  name TEXT NOT NULL PRIMARY KEY,
  value TEXT NOT NULL,
  at {int} NOT NULL
) {strict};
