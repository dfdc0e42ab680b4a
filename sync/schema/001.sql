-- What the edge owes upstream. A stream is one life of this file; (stream, seq) is never given twice.
CREATE TABLE meta (
    key TEXT PRIMARY KEY,
    value TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE streams (
    number INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    last_seq INTEGER NOT NULL DEFAULT 0
);

-- turn 0 goes first (what people wait for), 1 are raw readings.
-- accounts_for, accounts_from: a tombstone answers for this stream from this seq on until it is itself acknowledged.
CREATE TABLE owed (
    stream INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    turn INTEGER NOT NULL,
    accounts_for INTEGER,
    accounts_from INTEGER,
    payload TEXT NOT NULL,
    PRIMARY KEY (stream, seq)
) WITHOUT ROWID;

CREATE INDEX owed_by_turn ON owed (stream, turn, seq);
CREATE INDEX owed_accounts ON owed (accounts_for, accounts_from) WHERE accounts_for IS NOT NULL;

-- What upstream will never take; kept for a person to look at, declared upstream by a tombstone.
CREATE TABLE quarantine (
    id INTEGER PRIMARY KEY,
    stream TEXT NOT NULL,
    seq INTEGER NOT NULL,
    reason TEXT NOT NULL,
    payload TEXT NOT NULL,
    UNIQUE (stream, seq)
);

-- Names of sets of records that may come only one time: whoever hands them over may not know that it did.
CREATE TABLE appended_once (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE
);
