-- turn: 0 findings and code changes with their visit, 1 what else people wait for, 2 raw readings.
-- car: whom a snapshot is of. spare: it may be given up once a later snapshot of the same car is owed too.
-- crc: CRC-32 of the payload, so that one damaged record is found before it spoils its batch.
ALTER TABLE owed ADD COLUMN car TEXT NOT NULL DEFAULT '';
ALTER TABLE owed ADD COLUMN spare INTEGER NOT NULL DEFAULT 0;
ALTER TABLE owed ADD COLUMN crc INTEGER;
UPDATE owed SET turn = turn + 1;
CREATE INDEX owed_cars ON owed (car, stream, seq) WHERE car != '';

-- What upstream has confirmed, kept a while: a hole that is found upstream later can be refilled from here.
CREATE TABLE kept (
    id INTEGER PRIMARY KEY,
    stream INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    turn INTEGER NOT NULL,
    acked_at INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    payload TEXT NOT NULL,
    UNIQUE (stream, seq)
);
