-- When practitioners work, and who moved what. Only adds: a node of the release before can go on beside it.

-- None: by the place in the diary.
ALTER TABLE practitioner ADD COLUMN hue TEXT;

-- Minutes of the day on the clinic's wall clock. A weekday without a row: not at work; 1 is Monday.
CREATE TABLE practitioner_hours (
  clinic TEXT NOT NULL,
  practitioner TEXT NOT NULL,
  weekday {int} NOT NULL CHECK (weekday BETWEEN 1 AND 7),
  from_minute {int} NOT NULL CHECK (from_minute >= 0),
  to_minute {int} NOT NULL CHECK (to_minute > from_minute AND to_minute <= 1440),
  lunch_from {int},
  lunch_to {int},
  PRIMARY KEY (clinic, practitioner, weekday),
  FOREIGN KEY (clinic, practitioner) REFERENCES practitioner (clinic, id),
  CHECK ((lunch_from IS NULL) = (lunch_to IS NULL)),
  CHECK (lunch_from IS NULL OR (from_minute <= lunch_from AND lunch_from < lunch_to AND lunch_to <= to_minute))
) {strict};

CREATE TABLE practitioner_absence (
  clinic TEXT NOT NULL,
  id TEXT NOT NULL,
  practitioner TEXT NOT NULL,
  starts_at {int} NOT NULL,
  ends_at {int} NOT NULL,
  reason TEXT NOT NULL,
  created_at {int} NOT NULL,
  created_by TEXT NOT NULL,
  PRIMARY KEY (clinic, id),
  FOREIGN KEY (clinic, practitioner) REFERENCES practitioner (clinic, id),
  CHECK (ends_at > starts_at)
) {strict};
CREATE INDEX practitioner_absence_ends ON practitioner_absence (clinic, ends_at);

-- Counts moves and changes of status, so that nobody undoes what they have not seen.
ALTER TABLE appointment ADD COLUMN revision {int} NOT NULL DEFAULT 0;
CREATE INDEX appointment_practitioner ON appointment (clinic, practitioner, starts_at);
