-- What is remembered can be learnt again, so tables of an earlier form are not carried over: they begin anew.
DROP TABLE IF EXISTS adapters;
DROP TABLE IF EXISTS cars;
DROP TABLE IF EXISTS units;

-- `stpx` is NULL until an STN chip was tried on it; `supply_falls` tells that the adapter's voltage was seen to come or to
-- go with a car.
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
    seen_at         TEXT NOT NULL,
    stpx            INTEGER,
    supply_falls    INTEGER NOT NULL
) STRICT;

-- `brief_visits` have believed the maps of PIDs since they were read.
CREATE TABLE cars (
    key             TEXT PRIMARY KEY,
    protocol_number TEXT NOT NULL,
    protocol        TEXT NOT NULL,
    odometer_rows   TEXT NOT NULL,
    silent_rows     TEXT NOT NULL,
    seen_at         TEXT NOT NULL,
    brief_visits    INTEGER NOT NULL
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
