-- Disputes, refunds that wait for a second person, and refunds made in a provider's own dashboard.

-- What a payer's bank disputes, as its provider said last (hazard A23). Keyed by the provider's own id.
CREATE TABLE dispute (
  clinic TEXT NOT NULL,
  provider TEXT NOT NULL,
  account TEXT NOT NULL,
  dispute_id TEXT NOT NULL,
  payment TEXT NOT NULL,
  appt TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('needs_response', 'under_review', 'won', 'lost', 'withdrawn')),
  amount {int} NOT NULL,
  currency TEXT NOT NULL,
  withdrawn {int} NOT NULL,
  withdrawn_currency TEXT NOT NULL,
  reason TEXT NOT NULL,
  due_by {int},
  opened_at {int} NOT NULL,
  closed_at {int},
  looks {int} NOT NULL,
  postings {int} NOT NULL,
  PRIMARY KEY (clinic, provider, account, dispute_id),
  FOREIGN KEY (clinic, payment) REFERENCES payment (clinic, id),
  CHECK ((state IN ('needs_response', 'under_review')) = (closed_at IS NULL))
) {strict};
CREATE INDEX dispute_payment ON dispute (clinic, payment);
CREATE INDEX dispute_appt ON dispute (clinic, appt);
CREATE INDEX dispute_open ON dispute (clinic, provider, account) WHERE closed_at IS NULL;

ALTER TABLE payment ADD COLUMN disputes_open {int} NOT NULL DEFAULT 0 CHECK (disputes_open >= 0);
ALTER TABLE payment ADD COLUMN dispute_lost {int} NOT NULL DEFAULT 0 CHECK (dispute_lost >= 0);

ALTER TABLE refund ADD COLUMN approval TEXT CHECK (approval IN ('needed', 'approved', 'declined'));
-- Who asked, by id: the one who may not approve it (hazard D18). Empty: made elsewhere.
ALTER TABLE refund ADD COLUMN asker TEXT NOT NULL DEFAULT '';
ALTER TABLE refund ADD COLUMN decided_by TEXT;
-- One refund of the provider is one of ours, however it is heard of (hazard A6).
CREATE UNIQUE INDEX refund_provider_id ON refund (clinic, provider_refund_id) WHERE provider_refund_id IS NOT NULL;

ALTER TABLE webhook_inbox ADD COLUMN dispute_id TEXT;

-- Minor units; none: reception does not refund, and nobody needs a second person.
ALTER TABLE clinic ADD COLUMN refund_reception_max {int};
ALTER TABLE clinic ADD COLUMN refund_approval_above {int};
