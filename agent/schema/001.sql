-- The edge ledger: cars, their visits, and the records that visits owe to the outbox.

CREATE TABLE vehicles (
    id           TEXT PRIMARY KEY,
    vin          TEXT NOT NULL UNIQUE,
    plate        TEXT NOT NULL DEFAULT '',
    stock_number TEXT NOT NULL DEFAULT '',
    stock_state  TEXT NOT NULL DEFAULT 'in_stock' CHECK (stock_state IN ('in_stock', 'sold'))
) STRICT;

-- One plug-in. `snapshot` is NULL while nothing complete was read; `answers` is what people typed so far.
CREATE TABLE intakes (
    seq         INTEGER PRIMARY KEY AUTOINCREMENT,
    id          TEXT NOT NULL UNIQUE,
    bay         TEXT NOT NULL,
    vin         TEXT NOT NULL DEFAULT '',
    status      TEXT NOT NULL CHECK (status IN
                    ('open', 'awaiting_identity', 'awaiting_dash', 'complete', 'merged', 'withdrawn')),
    purpose     TEXT NOT NULL DEFAULT 'intake',
    begun_at    TEXT NOT NULL,
    answers     TEXT NOT NULL DEFAULT '{}',
    revision    INTEGER NOT NULL DEFAULT 0,
    snapshot    TEXT,
    merged_into TEXT NOT NULL DEFAULT ''
) STRICT;

CREATE INDEX intakes_by_vin ON intakes (vin, seq);
CREATE INDEX intakes_by_status ON intakes (status, seq);

-- A set of record bodies belongs to one change of one intake; it is handed to the outbox exactly once, in order of `id`.
CREATE TABLE record_sets (
    id      INTEGER PRIMARY KEY AUTOINCREMENT,
    key     TEXT NOT NULL UNIQUE,
    bodies  TEXT NOT NULL,
    emitted INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE INDEX record_sets_owed ON record_sets (id) WHERE emitted = 0;

-- A model that a person picked once, by the first eight characters of the VIN.
CREATE TABLE learned_models (
    vin_head TEXT PRIMARY KEY,
    model    TEXT NOT NULL
) STRICT;

CREATE TABLE operators (
    name TEXT PRIMARY KEY,
    used INTEGER NOT NULL
) STRICT;
