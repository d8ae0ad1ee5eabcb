-- Mailboxes that are read for emails that came back. Only adds: a node of the release before can go on beside it.

CREATE TABLE bounce_mailbox (
  clinic TEXT NOT NULL,
  -- The connection whose settings, sealed there, name the mailbox.
  channel TEXT NOT NULL,
  -- When it is read next. Whoever moves it on has claimed the reading.
  due_at {int} NOT NULL,
  -- How far it was read: the mailbox's count, and the last letter. None: not yet.
  validity {int},
  uid {int},
  -- When it was read last, and why it could not be.
  read_at {int},
  error TEXT,
  PRIMARY KEY (clinic, channel),
  FOREIGN KEY (clinic, channel) REFERENCES messaging_channel (clinic, id)
) {strict};
CREATE INDEX bounce_mailbox_due ON bounce_mailbox (due_at);
