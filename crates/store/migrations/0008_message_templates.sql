-- The clinic's own texts of messages. Versions are kept: a row is never changed. Only adds.

CREATE TABLE message_template (
  clinic TEXT NOT NULL REFERENCES clinic (id),
  channel TEXT NOT NULL CHECK (channel IN ('sms', 'email')),
  language TEXT NOT NULL,
  purpose TEXT NOT NULL,
  -- From 1, without gaps; the highest is in use.
  version {int} NOT NULL CHECK (version > 0),
  -- None: emails only have one.
  subject TEXT,
  -- None: from this version on the standard text is used again.
  body TEXT,
  made_by TEXT NOT NULL,
  made_at {int} NOT NULL,
  PRIMARY KEY (clinic, channel, language, purpose, version)
) {strict};
