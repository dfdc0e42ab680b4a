"""What earlier visits taught, behind one seam: adapters by their identity, cars by a key made of their VIN.

Memory only saves questions. No value of a reading ever comes from it: what a car or an adapter says now is held
against it, and where they differ the car is read again as if nobody had ever met it.
"""

import hashlib
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Skills:
    """What one adapter was seen to do; the defaults are what a fresh one is given credit for.

    ``pids_at_once`` is 6, 2 or 1, and 0 until it was tried. ``measures_supply`` is None until a plausible voltage (or
    a car that answered at none) was seen. ``last_car`` is the key of the car it read last, ``visits`` how many it read.
    One that ``lacks_defaults`` does not know AT D or never answers it, and is reset in its place. ``stpx`` is None
    until an STN chip was tried on it; ``supply_falls`` says that its voltage was seen to come or to go with a car.
    """

    chip: str = ""
    counts_lines: bool = True
    pids_at_once: int = 0
    measures_supply: bool | None = None
    last_car: str = ""
    visits: int = 0
    adaptive_timing: bool = False
    long_messages: bool = False
    lacks_defaults: bool = False
    stpx: bool | None = None
    supply_falls: bool = False


NO_SKILLS = Skills()


@dataclass(frozen=True, slots=True)
class KnownUnit:
    """One control unit as it was: its PIDs, its software, and how long its 49 02 and 49 04 messages were (0: none)."""

    address: str
    pids: frozenset[int]
    calibration_ids: tuple[str, ...]
    vin_bytes: int
    calibration_bytes: int


@dataclass(frozen=True, slots=True)
class KnownCar:
    """What a car's last whole visit taught. ``protocol_number`` is AT DPN's digit without its ``A``.

    Of the profile rows that were asked, ``odometer_rows`` held a value and ``silent_rows`` did not. ``brief_visits``
    have believed the maps of PIDs since they were read.
    """

    key: str
    protocol_number: str
    protocol: str
    units: tuple[KnownUnit, ...]
    odometer_rows: tuple[str, ...] = ()
    silent_rows: tuple[str, ...] = ()
    brief_visits: int = 0

    @property
    def support(self) -> dict[str, frozenset[int]]:
        """Which PIDs each unit had."""
        return {unit.address: unit.pids for unit in self.units}

    @property
    def calibration_ids(self) -> dict[str, tuple[str, ...]]:
        """The software of each unit that told it."""
        return {unit.address: unit.calibration_ids for unit in self.units if unit.calibration_ids}


class Memory(Protocol):
    """Where it is kept. Nothing here raises: a memory that cannot be read or written is a memory that is empty."""

    def key_of(self, vin: str) -> str:
        """The name under which a car is remembered; it does not show the VIN."""

    async def skills(self, adapter: str) -> Skills | None:
        """What the adapter of this identity could do, None if it was never met."""

    async def keep_skills(self, adapter: str, skills: Skills) -> None:
        """Remember this of the adapter instead of whatever was known."""

    async def car(self, key: str) -> KnownCar | None:
        """What the car of this key taught, None if it is not known."""

    async def keep_car(self, car: KnownCar) -> None:
        """Remember this of the car instead of whatever was known."""


class ShortMemory:
    """A memory that ends with the process; what it holds may be looked at."""

    def __init__(self) -> None:
        self.adapters: dict[str, Skills] = {}
        self.cars: dict[str, KnownCar] = {}

    def key_of(self, vin: str) -> str:
        return car_key(vin, b"")

    async def skills(self, adapter: str) -> Skills | None:
        return self.adapters.get(adapter)

    async def keep_skills(self, adapter: str, skills: Skills) -> None:
        self.adapters[adapter] = skills

    async def car(self, key: str) -> KnownCar | None:
        return self.cars.get(key)

    async def keep_car(self, car: KnownCar) -> None:
        self.cars[car.key] = car


def car_key(vin: str, secret: bytes) -> str:
    """A keyed digest of ``vin``: whoever has no ``secret`` cannot try VINs against it."""
    return hashlib.blake2b(vin.encode(), key=secret, digest_size=16).hexdigest()


def adapter_key(url: str, reported: str) -> str:
    """The identity of an adapter: where it hangs and what it calls itself."""
    return f"{url} {reported}"
