-- Raw readings, the most by far, go last and are found by their key; the index holds only what goes before them.
DROP INDEX owed_by_turn;
CREATE INDEX owed_first ON owed (stream, turn, seq) WHERE turn != 2;
