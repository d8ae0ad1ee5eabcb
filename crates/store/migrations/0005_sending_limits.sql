-- Limits of sending. Only adds: a node of the release before can go on beside it.

-- What a clinic allows to be sent in a day; without a row the defaults hold (hazard D13).
CREATE TABLE sending_limits (
  clinic TEXT NOT NULL REFERENCES clinic (id),
  per_number {int} NOT NULL CHECK (per_number > 0),
  per_address {int} NOT NULL CHECK (per_address > 0),
  per_staff {int} NOT NULL CHECK (per_staff > 0),
  per_clinic {int} NOT NULL CHECK (per_clinic > 0),
  money {int} NOT NULL CHECK (money >= 0),
  segment_cost {int} NOT NULL CHECK (segment_cost >= 0),
  -- Codes with a space between; empty: the clinic's own country.
  countries TEXT NOT NULL,
  PRIMARY KEY (clinic)
) {strict};

-- What was sent in a day, counted in the transaction that sends: the row is the lock, so that two at once cannot pass a
-- cap. `day` is its first moment. The installation's own row stands under the clinic ''.
CREATE TABLE sending_count (
  clinic TEXT NOT NULL,
  day {int} NOT NULL,
  scope TEXT NOT NULL CHECK (scope IN ('address', 'staff', 'clinic', 'installation')),
  who TEXT NOT NULL,
  messages {int} NOT NULL,
  cost {int} NOT NULL,
  PRIMARY KEY (clinic, day, scope, who)
) {strict};
CREATE INDEX sending_count_day ON sending_count (day);
