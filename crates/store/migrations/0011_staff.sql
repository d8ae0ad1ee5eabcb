-- Staff and API keys as their settings show them. Only adds: a node of the release before can go on beside it.

ALTER TABLE staff ADD COLUMN signed_in_at {int};
-- `Chrome on Windows`: by which people recognise their own sessions.
ALTER TABLE session ADD COLUMN device TEXT NOT NULL DEFAULT '';
CREATE INDEX session_staff ON session (clinic, staff);

-- The link by which somebody sets their password: one at a time, kept as its SHA-256, gone once it was used.
CREATE TABLE staff_invitation (
  clinic TEXT NOT NULL,
  staff TEXT NOT NULL,
  token_hash {blob} NOT NULL,
  created_at {int} NOT NULL,
  expires_at {int} NOT NULL,
  PRIMARY KEY (clinic, staff),
  FOREIGN KEY (clinic, staff) REFERENCES staff (clinic, id)
) {strict};
CREATE UNIQUE INDEX staff_invitation_token ON staff_invitation (token_hash);

ALTER TABLE api_key ADD COLUMN created_by TEXT NOT NULL DEFAULT 'Remit';
-- The key's last characters, by which it is recognised.
ALTER TABLE api_key ADD COLUMN tail TEXT NOT NULL DEFAULT '';
ALTER TABLE api_key ADD COLUMN last_used_at {int};
ALTER TABLE api_key ADD COLUMN revoked_by TEXT;
