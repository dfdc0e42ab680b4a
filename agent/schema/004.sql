-- Counts the changes of an intake: a list tells by it which of its cars must be looked at again.
ALTER TABLE intakes ADD COLUMN version INTEGER NOT NULL DEFAULT 0;
