-- Commands of the back office by their id: none is carried out twice. `answer` is empty while one is carried out.
-- `ntp_ms` is the wall time at which it came, where a synchronised clock said so, else 0.
CREATE TABLE commands (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    id     TEXT NOT NULL UNIQUE,
    kind   TEXT NOT NULL,
    ntp_ms INTEGER NOT NULL DEFAULT 0,
    answer TEXT NOT NULL DEFAULT ''
) STRICT;

-- What people know upstream about a car: services, voids, events, merges. `about` is the fact that is taken back.
CREATE TABLE facts (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    id     TEXT NOT NULL UNIQUE,
    vin    TEXT NOT NULL,
    kind   TEXT NOT NULL,
    about  TEXT NOT NULL DEFAULT '',
    fact   TEXT NOT NULL
) STRICT;

CREATE INDEX facts_by_vin ON facts (vin, number);
CREATE INDEX facts_by_kind ON facts (kind, number);
