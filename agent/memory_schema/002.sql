-- Whether an STN chip was found to know STPX (NULL: not tried), and whether the adapter's voltage was seen to come or to
-- go with a car.
ALTER TABLE adapters ADD COLUMN stpx INTEGER;
ALTER TABLE adapters ADD COLUMN supply_falls INTEGER NOT NULL DEFAULT 0;

-- How many quick visits have believed the maps of PIDs since they were read.
ALTER TABLE cars ADD COLUMN brief_visits INTEGER NOT NULL DEFAULT 0;
