-- Receipts, what staff have seen of the notifications, and the daily digest. Only adds.

-- How receipts look and leave. A clinic without a row has the defaults.
CREATE TABLE receipt_setting (
  clinic TEXT NOT NULL PRIMARY KEY REFERENCES clinic (id),
  legal_name TEXT NOT NULL,
  registered_address TEXT NOT NULL,
  company_number TEXT NOT NULL,
  vat_number TEXT NOT NULL,
  -- Hundredths of a percent; none: no VAT line.
  vat_rate {int} CHECK (vat_rate BETWEEN 1 AND 10000),
  by_sms {int} NOT NULL CHECK (by_sms IN (0, 1)),
  name_services {int} NOT NULL CHECK (name_services IN (0, 1))
) {strict};

-- One sending of a receipt, or of the word that a refund was made, with its own outcome.
CREATE TABLE receipt (
  clinic TEXT NOT NULL,
  id TEXT NOT NULL,
  payment TEXT NOT NULL,
  appt TEXT NOT NULL,
  -- It tells of this refund; none: it is the payment's receipt.
  refund TEXT,
  channel TEXT NOT NULL CHECK (channel IN ('sms', 'email')),
  address TEXT NOT NULL,
  status TEXT NOT NULL CHECK (status IN ('queued', 'sent', 'uncertain', 'delivered', 'failed')),
  reason TEXT,
  provider_message_id TEXT,
  -- The address that an SMS carries, kept as a link's is: hashed to be found, sealed to be written again.
  token_hash {blob},
  token_sealed {blob},
  created_at {int} NOT NULL,
  created_by TEXT NOT NULL,
  done_at {int},
  PRIMARY KEY (clinic, id),
  FOREIGN KEY (clinic, payment) REFERENCES payment (clinic, id)
) {strict};
CREATE INDEX receipt_payment ON receipt (clinic, payment, created_at, id);
CREATE UNIQUE INDEX receipt_token ON receipt (clinic, token_hash) WHERE token_hash IS NOT NULL;

-- Notifications are read from the timeline and the findings; only how far each person has read is kept.
CREATE TABLE staff_seen (
  clinic TEXT NOT NULL,
  staff TEXT NOT NULL,
  seen_until {int} NOT NULL,
  PRIMARY KEY (clinic, staff),
  FOREIGN KEY (clinic, staff) REFERENCES staff (clinic, id)
) {strict};
CREATE INDEX event_notable ON event (clinic, at, id) WHERE kind IN ('payment_link.paid', 'payment_link.asked_again',
  'delivery.failed', 'receipt.failed', 'payment.disputed', 'refund.failed');
CREATE INDEX finding_when ON finding (clinic, opened_at, id);

-- The daily digest to managers. A clinic without a row sends none.
CREATE TABLE digest_setting (
  clinic TEXT NOT NULL PRIMARY KEY REFERENCES clinic (id),
  enabled {int} NOT NULL CHECK (enabled IN (0, 1)),
  -- The hour of the clinic's day from which on it leaves.
  hour {int} NOT NULL CHECK (hour BETWEEN 0 AND 23),
  -- The last day (days since 1970-01-01 in the clinic's zone) that one was queued on: claimed once, by one node.
  last_day {int} NOT NULL
) {strict};
