-- What earlier visits taught about adapters and cars. Everything here can be learnt again: the file may be deleted.

-- Cars are named by a digest keyed with this, so that no VIN stands in the file.
CREATE TABLE secret (
    bytes BLOB NOT NULL
) STRICT;

CREATE TABLE adapters (
    identity        TEXT PRIMARY KEY,
    chip            TEXT NOT NULL,
    counts_lines    INTEGER NOT NULL,
    pids_at_once    INTEGER NOT NULL,
    measures_supply INTEGER,
    last_car        TEXT NOT NULL,
    visits          INTEGER NOT NULL,
    adaptive_timing INTEGER NOT NULL,
    long_messages   INTEGER NOT NULL,
    lacks_defaults  INTEGER NOT NULL,
    seen_at         TEXT NOT NULL
) STRICT;

CREATE TABLE cars (
    key             TEXT PRIMARY KEY,
    protocol_number TEXT NOT NULL,
    protocol        TEXT NOT NULL,
    odometer_rows   TEXT NOT NULL,
    silent_rows     TEXT NOT NULL,
    seen_at         TEXT NOT NULL
) STRICT;

-- `pids` is a bit map in hexadecimal, bit n for PID n; `calibration_ids` is a JSON list of texts.
CREATE TABLE units (
    car               TEXT NOT NULL,
    address           TEXT NOT NULL,
    pids              TEXT NOT NULL,
    calibration_ids   TEXT NOT NULL,
    vin_bytes         INTEGER NOT NULL,
    calibration_bytes INTEGER NOT NULL,
    PRIMARY KEY (car, address)
) STRICT;
