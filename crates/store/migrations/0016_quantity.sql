-- How many a charge is for; its amount is that of all of them. Only adds: a node of the release before can go on beside it.

ALTER TABLE charge ADD COLUMN quantity {int} NOT NULL DEFAULT 1 CHECK (quantity BETWEEN 1 AND 999);
