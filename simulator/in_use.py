"""In-use performance (service 09, info types 08 and 0B): how often each monitor has run where it could have.

Drawn from the distance alone, with ratios of an ordinary car; the standard wants at least 0.1 to 0.5.
"""

from simulator.car import METRES_PER_KM, Car

# Items of two bytes after the number of general conditions and of ignition cycles: completions and conditions of
# each monitor in the order of SAE J1979.
SPARK_MONITORS = (
    "catalyst bank 1", "catalyst bank 2", "oxygen sensor bank 1", "oxygen sensor bank 2", "egr", "secondary air",
    "evap", "secondary oxygen sensor bank 1", "secondary oxygen sensor bank 2",
)  # fmt: skip
COMPRESSION_MONITORS = (
    "nmhc catalyst", "nox catalyst", "nox adsorber", "pm filter", "exhaust gas sensor", "egr", "boost", "fuel",
)  # fmt: skip
ABSENT = frozenset(("catalyst bank 2", "oxygen sensor bank 2", "secondary oxygen sensor bank 2", "secondary air",
                    "nox adsorber"))  # fmt: skip

CYCLES_PER_KM = 0.11
CONDITIONS_PER_CYCLE = 0.6
COMPLETED = 0.8
MOST = 0xFFFF


def info_type(car: Car) -> int:
    """Which info type tells it: 08 for spark, 0B for compression ignition."""
    return 0x0B if car.fuel == "diesel" else 0x08


def performance(car: Car) -> list[bytes]:
    """The items, two bytes each."""
    cycles = car.odometer_m / METRES_PER_KM * CYCLES_PER_KM
    conditions = cycles * CONDITIONS_PER_CYCLE
    monitors = COMPRESSION_MONITORS if car.fuel == "diesel" else SPARK_MONITORS
    counts = [conditions, cycles]
    for monitor in monitors:
        counts += [0.0, 0.0] if monitor in ABSENT else [conditions * COMPLETED, conditions]
    return [min(int(count), MOST).to_bytes(2, "big") for count in counts]
