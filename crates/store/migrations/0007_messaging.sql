-- Real messages: which carrier a clinic uses, and who was handed a delivery. Only adds: a node of the release before can
-- go on beside it.

-- One connection to a carrier of SMS or email. Another account of a carrier is another row, so that the receipts of what
-- was sent with the old one are still understood.
CREATE TABLE messaging_channel (
  clinic TEXT NOT NULL,
  -- Names the route of its delivery receipts.
  id TEXT NOT NULL,
  channel TEXT NOT NULL CHECK (channel IN ('sms', 'email')),
  provider TEXT NOT NULL,
  -- Everything that was entered (JSON), sealed.
  settings_sealed {blob} NOT NULL,
  -- Rises with every change: what a node keeps of it is good for one version.
  version {int} NOT NULL,
  created_at {int} NOT NULL,
  updated_at {int} NOT NULL,
  -- Another took its place in the settings, or it was disconnected.
  replaced_at {int},
  last_error TEXT,
  last_error_at {int},
  last_success_at {int},
  PRIMARY KEY (clinic, id),
  FOREIGN KEY (clinic) REFERENCES clinic (id)
) {strict};
CREATE UNIQUE INDEX messaging_channel_route ON messaging_channel (id);
CREATE UNIQUE INDEX messaging_channel_current ON messaging_channel (clinic, channel) WHERE replaced_at IS NULL;

-- Written before the carrier is called: from then on it may have the message (hazard A28).
ALTER TABLE delivery ADD COLUMN handed_at {int};
-- Whom it was handed to: a messaging channel's id, or the tray.
ALTER TABLE delivery ADD COLUMN carrier TEXT;
CREATE INDEX delivery_message ON delivery (clinic, provider_message_id) WHERE provider_message_id IS NOT NULL;
