-- How a clinic looks to its patients. Only adds: a node of the release before can go on beside it.

-- A clinic without a row has Remit's own colour and its initials.
CREATE TABLE branding (
  clinic TEXT NOT NULL PRIMARY KEY REFERENCES clinic (id),
  website TEXT NOT NULL,
  -- `#0b6464`, readable under white text; none: Remit's own.
  accent TEXT
) {strict};

-- One picture a clinic, under the hash of its bytes, by which it is asked for.
CREATE TABLE logo (
  clinic TEXT NOT NULL PRIMARY KEY REFERENCES clinic (id),
  hash TEXT NOT NULL,
  content_type TEXT NOT NULL CHECK (content_type IN ('image/png', 'image/jpeg')),
  width {int} NOT NULL CHECK (width > 0),
  height {int} NOT NULL CHECK (height > 0),
  bytes {blob} NOT NULL,
  created_at {int} NOT NULL
) {strict};
