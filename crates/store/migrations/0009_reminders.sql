-- Reminders and following up. Only adds: a node of the release before can go on beside it.

-- What leaves by itself; without a row nothing does. Milliseconds; the quiet hours are minutes of the day.
CREATE TABLE reminder_setting (
  clinic TEXT NOT NULL REFERENCES clinic (id),
  unopened_after {int},
  unpaid_after {int},
  before_expiry {int},
  quiet_from {int} NOT NULL,
  quiet_to {int} NOT NULL,
  PRIMARY KEY (clinic)
) {strict};

-- When to look next whether a message is due by itself. The statement that ends a link takes it away, so an ended link
-- brings none.
ALTER TABLE payment_link ADD COLUMN remind_at {int}
  CHECK (remind_at IS NULL OR state IN ('created', 'sent', 'accessed'));
CREATE INDEX payment_link_remind ON payment_link (remind_at) WHERE remind_at IS NOT NULL;

-- Why a message was sent.
ALTER TABLE delivery ADD COLUMN purpose TEXT NOT NULL DEFAULT 'link'
  CHECK (purpose IN ('link', 'unopened', 'unpaid', 'expiring'));
-- The first or the second that left by itself: there is no third.
ALTER TABLE delivery ADD COLUMN automatic {int}
  CHECK (automatic IS NULL OR (automatic IN (1, 2) AND purpose <> 'link'));
CREATE UNIQUE INDEX delivery_automatic ON delivery (clinic, link, automatic) WHERE automatic IS NOT NULL;

-- What staff did about a link that was not paid.
CREATE TABLE follow_up (
  clinic TEXT NOT NULL,
  link TEXT NOT NULL,
  note TEXT,
  noted_at {int},
  noted_by TEXT,
  called_at {int},
  called_by TEXT,
  PRIMARY KEY (clinic, link),
  FOREIGN KEY (clinic, link) REFERENCES payment_link (clinic, id)
) {strict};

-- The latest message failed, and nobody has opened the link another way.
CREATE INDEX payment_link_failed ON payment_link (clinic, created_at DESC, id DESC)
  WHERE delivery_failed = 1 AND state IN ('created', 'sent');
