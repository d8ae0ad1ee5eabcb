-- Refunds that only undo what was written down by mistake. Only adds: a node of the release before can go on beside it.

ALTER TABLE refund ADD COLUMN correction {int} NOT NULL DEFAULT 0 CHECK (correction IN (0, 1));
