-- Patients: who changed a record last, duplicates that were merged, notes. Only adds: a node of the release before can go
-- on beside it.

ALTER TABLE patient ADD COLUMN version {int} NOT NULL DEFAULT 1;
ALTER TABLE patient ADD COLUMN updated_by TEXT NOT NULL DEFAULT '';
-- The record that this one was a duplicate of: what it held is there, and so does its address lead. Never a chain.
ALTER TABLE patient ADD COLUMN merged_into TEXT CHECK (merged_into <> id);
CREATE INDEX patient_merged ON patient (clinic, merged_into) WHERE merged_into IS NOT NULL;

-- What staff wrote down of a patient. Struck through, never deleted.
CREATE TABLE patient_note (
  clinic TEXT NOT NULL,
  id TEXT NOT NULL,
  patient TEXT NOT NULL,
  text TEXT NOT NULL,
  at {int} NOT NULL,
  written_by TEXT NOT NULL,
  struck_at {int},
  struck_by TEXT,
  PRIMARY KEY (clinic, id),
  FOREIGN KEY (clinic, patient) REFERENCES patient (clinic, id),
  CHECK ((struck_at IS NULL) = (struck_by IS NULL))
) {strict};
CREATE INDEX patient_note_patient ON patient_note (clinic, patient, id);

-- A number is found by its last four digits too.
INSERT INTO patient_term (clinic, term, patient)
  SELECT clinic, substr(phone, length(phone) - 3), id FROM patient WHERE length(phone) > 6
  ON CONFLICT (clinic, term, patient) DO NOTHING;
