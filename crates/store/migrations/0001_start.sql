-- Holes filled per engine: {int} 64-bit integer, {blob} bytes, {strict} STRICT on SQLite,
-- {text_c} text ordered by code point. Every primary and unique key starts with the clinic (design 4), so the same
-- schema shards by it. Times are UTC milliseconds, money is minor units, booleans are 0 or 1.

CREATE TABLE clinic (
  id TEXT NOT NULL PRIMARY KEY,
  route TEXT NOT NULL UNIQUE,
  name TEXT NOT NULL,
  strapline TEXT NOT NULL,
  address TEXT NOT NULL,
  phone TEXT NOT NULL,
  email TEXT NOT NULL,
  currency TEXT NOT NULL,
  country TEXT NOT NULL,
  zone TEXT NOT NULL,
  test_mode {int} NOT NULL CHECK (test_mode IN (0, 1)),
  show_services {int} NOT NULL CHECK (show_services IN (0, 1)),
  auto_refund {int} NOT NULL CHECK (auto_refund IN (0, 1)),
  created_at {int} NOT NULL
) {strict};

CREATE TABLE staff (
  clinic TEXT NOT NULL REFERENCES clinic (id),
  id TEXT NOT NULL,
  email TEXT NOT NULL,
  name TEXT NOT NULL,
  role TEXT NOT NULL CHECK (role IN ('viewer', 'reception', 'manager', 'owner')),
  password_hash TEXT NOT NULL,
  active {int} NOT NULL CHECK (active IN (0, 1)),
  created_at {int} NOT NULL,
  PRIMARY KEY (clinic, id)
) {strict};
-- People sign in with an address alone, so it names one person in the installation.
CREATE UNIQUE INDEX staff_email ON staff (email);

CREATE TABLE session (
  token_hash {blob} NOT NULL PRIMARY KEY,
  clinic TEXT NOT NULL,
  staff TEXT NOT NULL,
  created_at {int} NOT NULL,
  seen_at {int} NOT NULL,
  ends_at {int} NOT NULL,
  FOREIGN KEY (clinic, staff) REFERENCES staff (clinic, id)
) {strict};

CREATE TABLE api_key (
  clinic TEXT NOT NULL REFERENCES clinic (id),
  id TEXT NOT NULL,
  key_hash {blob} NOT NULL,
  name TEXT NOT NULL,
  role TEXT NOT NULL CHECK (role IN ('viewer', 'reception', 'manager', 'owner')),
  created_at {int} NOT NULL,
  revoked_at {int},
  PRIMARY KEY (clinic, id)
) {strict};
CREATE UNIQUE INDEX api_key_hash ON api_key (key_hash);

CREATE TABLE patient (
  clinic TEXT NOT NULL REFERENCES clinic (id),
  id TEXT NOT NULL,
  name TEXT NOT NULL,
  email TEXT,
  phone TEXT,
  locale TEXT NOT NULL,
  created_at {int} NOT NULL,
  updated_at {int} NOT NULL,
  PRIMARY KEY (clinic, id)
) {strict};

-- Lower-case words of the name, the phone's digits, the address: what a search starts with.
CREATE TABLE patient_term (
  clinic TEXT NOT NULL,
  term {text_c} NOT NULL,
  patient TEXT NOT NULL,
  PRIMARY KEY (clinic, term, patient),
  FOREIGN KEY (clinic, patient) REFERENCES patient (clinic, id)
) {strict};
CREATE INDEX patient_term_of ON patient_term (clinic, patient, term);

CREATE TABLE practitioner (
  clinic TEXT NOT NULL REFERENCES clinic (id),
  id TEXT NOT NULL,
  name TEXT NOT NULL,
  speciality TEXT NOT NULL,
  room TEXT NOT NULL,
  position {int} NOT NULL,
  active {int} NOT NULL CHECK (active IN (0, 1)),
  created_at {int} NOT NULL,
  PRIMARY KEY (clinic, id)
) {strict};

CREATE TABLE service (
  clinic TEXT NOT NULL REFERENCES clinic (id),
  id TEXT NOT NULL,
  name TEXT NOT NULL,
  duration_minutes {int} NOT NULL CHECK (duration_minutes > 0),
  price {int} NOT NULL CHECK (price >= 0),
  currency TEXT NOT NULL,
  deposit_kind TEXT NOT NULL CHECK (deposit_kind IN ('none', 'fixed', 'percent', 'full')),
  deposit_value {int} NOT NULL CHECK (deposit_value >= 0),
  active {int} NOT NULL CHECK (active IN (0, 1)),
  created_at {int} NOT NULL,
  PRIMARY KEY (clinic, id)
) {strict};

CREATE TABLE appointment (
  clinic TEXT NOT NULL REFERENCES clinic (id),
  id TEXT NOT NULL,
  patient TEXT NOT NULL,
  practitioner TEXT,
  title TEXT NOT NULL,
  starts_at {int} NOT NULL,
  ends_at {int} NOT NULL,
  status TEXT NOT NULL
    CHECK (status IN ('booked', 'confirmed', 'arrived', 'in_progress', 'completed', 'cancelled', 'no_show')),
  created_at {int} NOT NULL,
  created_by TEXT NOT NULL,
  PRIMARY KEY (clinic, id),
  FOREIGN KEY (clinic, patient) REFERENCES patient (clinic, id),
  FOREIGN KEY (clinic, practitioner) REFERENCES practitioner (clinic, id),
  CHECK (ends_at > starts_at)
) {strict};
CREATE INDEX appointment_when ON appointment (clinic, starts_at, id);
CREATE INDEX appointment_patient ON appointment (clinic, patient, starts_at, id);

CREATE TABLE charge (
  clinic TEXT NOT NULL,
  id TEXT NOT NULL,
  appt TEXT NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('service', 'extra', 'discount')),
  description TEXT NOT NULL,
  amount {int} NOT NULL,
  currency TEXT NOT NULL,
  service TEXT,
  created_at {int} NOT NULL,
  created_by TEXT NOT NULL,
  removed_at {int},
  PRIMARY KEY (clinic, id),
  FOREIGN KEY (clinic, appt) REFERENCES appointment (clinic, id)
) {strict};
CREATE INDEX charge_appt ON charge (clinic, appt);

-- The lock row of everything that money touches (hazards 7.2).
CREATE TABLE appointment_balance (
  clinic TEXT NOT NULL,
  appt TEXT NOT NULL,
  currency TEXT NOT NULL,
  total {int} NOT NULL CHECK (total >= 0),
  deposit {int} NOT NULL CHECK (deposit >= 0),
  paid {int} NOT NULL CHECK (paid >= 0),
  refunded {int} NOT NULL CHECK (refunded >= 0),
  due {int} NOT NULL CHECK (due >= 0),
  credit {int} NOT NULL CHECK (credit >= 0),
  version {int} NOT NULL,
  PRIMARY KEY (clinic, appt),
  FOREIGN KEY (clinic, appt) REFERENCES appointment (clinic, id)
) {strict};

CREATE TABLE payment_link (
  clinic TEXT NOT NULL,
  id TEXT NOT NULL,
  appt TEXT NOT NULL,
  patient TEXT NOT NULL,
  purpose TEXT NOT NULL CHECK (purpose IN ('deposit', 'balance', 'custom')),
  amount {int} NOT NULL CHECK (amount > 0),
  currency TEXT NOT NULL,
  token_hash {blob} NOT NULL,
  token_sealed {blob} NOT NULL,
  reference {text_c} NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('created', 'sent', 'accessed', 'expired', 'cancelled', 'paid')),
  why TEXT,
  late {int} NOT NULL CHECK (late IN (0, 1)),
  created_at {int} NOT NULL,
  created_by TEXT NOT NULL,
  expires_at {int} NOT NULL,
  sent_at {int},
  sent_by TEXT,
  accessed_at {int},
  paid_at {int},
  closed_at {int},
  asked_at {int},
  captured {int} NOT NULL CHECK (captured >= 0),
  refunded {int} NOT NULL CHECK (refunded >= 0),
  disputed {int} NOT NULL CHECK (disputed IN (0, 1)),
  delivery_failed {int} NOT NULL CHECK (delivery_failed IN (0, 1)),
  PRIMARY KEY (clinic, id),
  FOREIGN KEY (clinic, appt) REFERENCES appointment (clinic, id),
  CHECK ((state = 'paid') = (paid_at IS NOT NULL)),
  CHECK (expires_at = created_at + 172800000)
) {strict};
CREATE UNIQUE INDEX payment_link_token ON payment_link (clinic, token_hash);
-- One open link per appointment (hazard A3).
CREATE UNIQUE INDEX payment_link_one_open ON payment_link (clinic, appt)
  WHERE state IN ('created', 'sent', 'accessed');
-- The patient is in it for searches, which look at who the newest links belong to.
CREATE INDEX payment_link_newest ON payment_link (clinic, created_at DESC, id DESC, patient);
CREATE INDEX payment_link_state ON payment_link (clinic, state, created_at DESC, id DESC);
CREATE INDEX payment_link_patient ON payment_link (clinic, patient, created_at DESC, id DESC);
CREATE INDEX payment_link_appt ON payment_link (clinic, appt, created_at DESC, id DESC);
CREATE INDEX payment_link_reference ON payment_link (clinic, reference);
CREATE INDEX payment_link_expiry ON payment_link (expires_at) WHERE state IN ('created', 'sent', 'accessed');
CREATE INDEX payment_link_asked ON payment_link (clinic, asked_at) WHERE asked_at IS NOT NULL;

-- Counts and sums of the Online Payments tabs, by day of creation (UTC) and state. Slots spread the writes.
CREATE TABLE link_tally (
  clinic TEXT NOT NULL,
  day {int} NOT NULL,
  state TEXT NOT NULL,
  slot {int} NOT NULL,
  links {int} NOT NULL,
  amount {int} NOT NULL,
  PRIMARY KEY (clinic, day, state, slot)
) {strict};

CREATE TABLE delivery (
  clinic TEXT NOT NULL,
  id TEXT NOT NULL,
  link TEXT NOT NULL,
  channel TEXT NOT NULL CHECK (channel IN ('sms', 'email', 'qr', 'copy')),
  address TEXT,
  status TEXT NOT NULL CHECK (status IN ('queued', 'sent', 'uncertain', 'delivered', 'failed')),
  reason TEXT,
  provider_message_id TEXT,
  created_at {int} NOT NULL,
  created_by TEXT NOT NULL,
  done_at {int},
  PRIMARY KEY (clinic, id),
  FOREIGN KEY (clinic, link) REFERENCES payment_link (clinic, id)
) {strict};
CREATE INDEX delivery_link ON delivery (clinic, link, created_at);
CREATE INDEX delivery_address ON delivery (clinic, address, created_at);

CREATE TABLE payment_attempt (
  clinic TEXT NOT NULL,
  id TEXT NOT NULL,
  appt TEXT NOT NULL,
  link TEXT,
  method TEXT NOT NULL,
  provider TEXT NOT NULL,
  account TEXT NOT NULL,
  request_body TEXT NOT NULL,
  request_sha {blob} NOT NULL,
  amount {int} NOT NULL CHECK (amount > 0),
  currency TEXT NOT NULL,
  state TEXT NOT NULL
    CHECK (state IN ('creating', 'unknown', 'open', 'processing', 'failed', 'expired', 'cancelled', 'succeeded')),
  session_id TEXT,
  url TEXT,
  payment_id TEXT,
  captured {int} NOT NULL CHECK (captured >= 0),
  session_expires_at {int} NOT NULL,
  created_at {int} NOT NULL,
  ended_at {int},
  next_check_at {int},
  checks {int} NOT NULL,
  last_error TEXT,
  PRIMARY KEY (clinic, id),
  FOREIGN KEY (clinic, appt) REFERENCES appointment (clinic, id),
  CHECK ((state = 'succeeded') = (captured > 0))
) {strict};
CREATE UNIQUE INDEX payment_attempt_session ON payment_attempt (clinic, provider, session_id);
CREATE UNIQUE INDEX payment_attempt_payment ON payment_attempt (clinic, provider, payment_id);
-- One live attempt per appointment (rule 3, hazard A1).
CREATE UNIQUE INDEX payment_attempt_one_live ON payment_attempt (clinic, appt)
  WHERE state IN ('creating', 'unknown', 'open', 'processing');
CREATE INDEX payment_attempt_check ON payment_attempt (next_check_at) WHERE next_check_at IS NOT NULL;
CREATE INDEX payment_attempt_link ON payment_attempt (clinic, link);

CREATE TABLE payment (
  clinic TEXT NOT NULL,
  id TEXT NOT NULL,
  appt TEXT NOT NULL,
  link TEXT,
  attempt TEXT,
  method TEXT NOT NULL,
  provider TEXT,
  account TEXT,
  provider_payment_id TEXT,
  amount {int} NOT NULL CHECK (amount > 0),
  currency TEXT NOT NULL,
  received_at {int} NOT NULL,
  received_by TEXT NOT NULL,
  reference TEXT,
  refund_reserved {int} NOT NULL,
  refunded {int} NOT NULL,
  PRIMARY KEY (clinic, id),
  FOREIGN KEY (clinic, appt) REFERENCES appointment (clinic, id),
  CHECK (0 <= refunded AND refunded <= refund_reserved AND refund_reserved <= amount)
) {strict};
CREATE UNIQUE INDEX payment_provider_id ON payment (clinic, provider, account, provider_payment_id);
CREATE INDEX payment_appt ON payment (clinic, appt, received_at, id);
CREATE INDEX payment_when ON payment (clinic, received_at DESC, id DESC);

CREATE TABLE refund (
  clinic TEXT NOT NULL,
  id TEXT NOT NULL,
  payment TEXT NOT NULL,
  appt TEXT NOT NULL,
  amount {int} NOT NULL CHECK (amount > 0),
  currency TEXT NOT NULL,
  reason TEXT,
  reopen {int} NOT NULL CHECK (reopen IN (0, 1)),
  state TEXT NOT NULL CHECK (state IN ('requested', 'unknown', 'pending', 'succeeded', 'failed')),
  request_body TEXT,
  provider_refund_id TEXT,
  requested_at {int} NOT NULL,
  requested_by TEXT NOT NULL,
  done_at {int},
  last_error TEXT,
  PRIMARY KEY (clinic, id),
  FOREIGN KEY (clinic, payment) REFERENCES payment (clinic, id)
) {strict};
CREATE INDEX refund_payment ON refund (clinic, payment);
CREATE INDEX refund_appt ON refund (clinic, appt, requested_at);

CREATE TABLE ledger_txn (
  clinic TEXT NOT NULL,
  id TEXT NOT NULL,
  appt TEXT NOT NULL,
  kind TEXT NOT NULL,
  source TEXT NOT NULL,
  at {int} NOT NULL,
  actor TEXT NOT NULL,
  reverses TEXT,
  position {int} NOT NULL,
  prev_hash {blob} NOT NULL,
  hash {blob} NOT NULL,
  PRIMARY KEY (clinic, id)
) {strict};
-- The natural key that makes posting idempotent (rule 2).
CREATE UNIQUE INDEX ledger_txn_source ON ledger_txn (clinic, kind, source);
-- The chain is kept per appointment, under its lock row: a fork cannot be written.
CREATE UNIQUE INDEX ledger_txn_chain ON ledger_txn (clinic, appt, position);

CREATE TABLE ledger_entry (
  clinic TEXT NOT NULL,
  txn TEXT NOT NULL,
  line {int} NOT NULL,
  account TEXT NOT NULL,
  appt TEXT NOT NULL,
  amount {int} NOT NULL CHECK (amount <> 0),
  currency TEXT NOT NULL,
  PRIMARY KEY (clinic, txn, line),
  FOREIGN KEY (clinic, txn) REFERENCES ledger_txn (clinic, id)
) {strict};
CREATE INDEX ledger_entry_appt ON ledger_entry (clinic, appt, account);

CREATE TABLE event (
  clinic TEXT NOT NULL,
  id TEXT NOT NULL,
  at {int} NOT NULL,
  kind TEXT NOT NULL,
  appt TEXT,
  link TEXT,
  actor TEXT NOT NULL,
  data TEXT NOT NULL,
  PRIMARY KEY (clinic, id)
) {strict};
CREATE INDEX event_appt ON event (clinic, appt, id);
CREATE INDEX event_link ON event (clinic, link, id);

CREATE TABLE outbox (
  clinic TEXT NOT NULL,
  id TEXT NOT NULL,
  kind TEXT NOT NULL,
  dedupe_key TEXT NOT NULL,
  appt TEXT,
  state TEXT NOT NULL CHECK (state IN ('pending', 'sending', 'done', 'uncertain', 'dead')),
  tries {int} NOT NULL,
  created_at {int} NOT NULL,
  due_at {int} NOT NULL,
  lease_owner TEXT,
  lease_until {int},
  fence {int} NOT NULL,
  last_error TEXT,
  PRIMARY KEY (clinic, id)
) {strict};
CREATE UNIQUE INDEX outbox_dedupe ON outbox (clinic, dedupe_key);
CREATE INDEX outbox_due ON outbox (due_at, id) WHERE state IN ('pending', 'sending');

CREATE TABLE webhook_inbox (
  clinic TEXT NOT NULL,
  provider TEXT NOT NULL,
  account TEXT NOT NULL,
  event_id TEXT NOT NULL,
  kind TEXT NOT NULL,
  session_id TEXT,
  reference TEXT,
  refund_id TEXT,
  payload TEXT NOT NULL,
  received_at {int} NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('received', 'done', 'ignored', 'dead')),
  tries {int} NOT NULL,
  due_at {int} NOT NULL,
  lease_until {int},
  last_error TEXT,
  PRIMARY KEY (clinic, provider, account, event_id)
) {strict};
CREATE INDEX webhook_inbox_due ON webhook_inbox (due_at) WHERE state = 'received';

CREATE TABLE finding (
  clinic TEXT NOT NULL,
  id TEXT NOT NULL,
  kind TEXT NOT NULL,
  about TEXT NOT NULL,
  appt TEXT,
  amount {int},
  currency TEXT,
  detail TEXT NOT NULL,
  opened_at {int} NOT NULL,
  closed_at {int},
  closed_by TEXT,
  PRIMARY KEY (clinic, id)
) {strict};
CREATE UNIQUE INDEX finding_once ON finding (clinic, kind, about);
CREATE INDEX finding_open ON finding (clinic, opened_at, id) WHERE closed_at IS NULL;

CREATE TABLE idempotency (
  clinic TEXT NOT NULL,
  actor TEXT NOT NULL,
  method_path TEXT NOT NULL,
  key TEXT NOT NULL,
  request_sha {blob} NOT NULL,
  status {int},
  body TEXT,
  created_at {int} NOT NULL,
  lease_until {int} NOT NULL,
  PRIMARY KEY (clinic, actor, method_path, key)
) {strict};
CREATE INDEX idempotency_age ON idempotency (created_at);

CREATE TABLE method_setting (
  clinic TEXT NOT NULL REFERENCES clinic (id),
  method TEXT NOT NULL,
  enabled {int} NOT NULL CHECK (enabled IN (0, 1)),
  for_deposit {int} NOT NULL CHECK (for_deposit IN (0, 1)),
  for_balance {int} NOT NULL CHECK (for_balance IN (0, 1)),
  min_amount {int},
  max_amount {int},
  PRIMARY KEY (clinic, method)
) {strict};

-- A clinic's account with a provider; its id names the webhook route. Old ones stay while attempts need them.
CREATE TABLE provider_account (
  clinic TEXT NOT NULL REFERENCES clinic (id),
  id TEXT NOT NULL,
  provider TEXT NOT NULL,
  account TEXT NOT NULL,
  api_base TEXT NOT NULL,
  secrets_sealed {blob} NOT NULL,
  livemode {int} NOT NULL CHECK (livemode IN (0, 1)),
  enabled {int} NOT NULL CHECK (enabled IN (0, 1)),
  events_since {int} NOT NULL,
  created_at {int} NOT NULL,
  PRIMARY KEY (clinic, id)
) {strict};
CREATE UNIQUE INDEX provider_account_endpoint ON provider_account (id);
CREATE UNIQUE INDEX provider_account_enabled ON provider_account (clinic) WHERE enabled = 1;

CREATE TABLE tray_message (
  clinic TEXT NOT NULL,
  id TEXT NOT NULL,
  reference TEXT NOT NULL,
  channel TEXT NOT NULL,
  address TEXT NOT NULL,
  subject TEXT,
  text TEXT NOT NULL,
  at {int} NOT NULL,
  PRIMARY KEY (clinic, id)
) {strict};
CREATE UNIQUE INDEX tray_message_reference ON tray_message (clinic, reference);

-- The sandbox company's own books. Not the clinic's: nothing else reads them.
CREATE TABLE sandbox_object (
  kind TEXT NOT NULL,
  id {text_c} NOT NULL,
  version {int} NOT NULL,
  body TEXT NOT NULL,
  due_at {int},
  PRIMARY KEY (kind, id)
) {strict};
CREATE INDEX sandbox_object_due ON sandbox_object (kind, due_at) WHERE due_at IS NOT NULL;

-- Counting caps that hold over all nodes: sign-in tries, guessed tokens.
CREATE TABLE throttle (
  bucket TEXT NOT NULL,
  window_start {int} NOT NULL,
  hits {int} NOT NULL,
  PRIMARY KEY (bucket, window_start)
) {strict};

CREATE TABLE audit_log (
  clinic TEXT NOT NULL,
  seq {int} NOT NULL,
  at {int} NOT NULL,
  actor TEXT NOT NULL,
  action TEXT NOT NULL,
  object TEXT NOT NULL,
  prev_hash {blob} NOT NULL,
  hash {blob} NOT NULL,
  PRIMARY KEY (clinic, seq)
) {strict};
