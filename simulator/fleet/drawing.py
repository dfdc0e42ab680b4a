"""Draws one car of a fleet: its identity, its control units, and how it is used."""

from dataclasses import dataclass, field
from random import Random

from simulator.car import Car, Counters, Ecu, MakerRead
from simulator.links import LINKS
from simulator.pids import PID_SETS
from simulator.scenario import monitors_of

FUELS = ("petrol",) * 12 + ("diesel",) * 3 + ("hybrid", "plug-in", "plug-in", "electric", "electric")
WMIS = ("LSV", "LFM", "LHG", "LBE", "LGB", "LVS")
IMPORTED_WMIS = ("1FA", "5YJ", "SAL")
YEAR_CODES = "ABCDEFGHJKLMNPRSTVWXY123456789"

_LETTERS = "ABCDEFGHJKLMNPRSTUVWXYZ"
_VALUES = {letter: int(value) for letter, value in zip(_LETTERS, "12345678123457923456789", strict=True)}
_VALUES |= {str(digit): digit for digit in range(10)}
_WEIGHTS = (8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2)


@dataclass(slots=True)
class Habits:
    """How a car is used: everything a day needs."""

    daily_m: float
    mean_kmh: float
    idle_share: float
    engine_share: float
    warmups_a_day: float
    engine_counts: bool


@dataclass(slots=True)
class Drawn:
    """A new car on its first day, and what of it a reader can see."""

    car: Car
    habits: Habits
    model_year: int
    dash_in_miles: bool
    noise: set[str]
    trusts: dict[str, str] = field(default_factory=dict)

    def ecu(self, role: str) -> Ecu | None:
        """One of its control units."""
        return next((ecu for ecu in self.car.ecus if ecu.role == role), None)


def draw(random: Random, index: int, model_year: int) -> Drawn:
    """A car built in ``model_year``; ``index`` makes its VIN unlike any other of the fleet."""
    fuel = random.choice(FUELS)
    imported = random.random() < 0.06
    vin = vin_of(random.choice(IMPORTED_WMIS if imported else WMIS), index, model_year)
    noise: set[str] = set()
    ecus = _ecus(random, vin, fuel, model_year, noise)
    link = LINKS["can11-500"]
    car = Car(link=link, vin=vin, fuel=fuel, ecus=ecus, odometer_m=12_000.0, battery_v=14.1)
    car.monitors = monitors_of(fuel)
    trusts = {ecu.role: "confirmed" if random.random() < 0.6 else "hint" for ecu in ecus if ecu.reads}
    if imported:
        noise.add("dash_in_miles")
    return Drawn(car, _habits(random, fuel), model_year, imported, noise, trusts)


def _habits(random: Random, fuel: str) -> Habits:
    mean_kmh = random.uniform(24.0, 58.0)
    share = {"electric": 0.0, "plug-in": random.uniform(0.15, 0.7), "hybrid": random.uniform(0.5, 0.8)}.get(fuel, 1.0)
    return Habits(
        daily_m=min(random.lognormvariate(10.42, 0.5), 200_000.0),
        mean_kmh=mean_kmh,
        idle_share=random.uniform(0.08, 0.3),
        engine_share=share,
        warmups_a_day=random.uniform(0.7, 2.2),
        engine_counts=fuel != "electric",
    )


def _ecus(random: Random, vin: str, fuel: str, model_year: int, noise: set[str]) -> list[Ecu]:
    ecus: list[Ecu] = []
    if fuel == "electric" and random.random() < 0.4:
        noise.add("no_service_01")
    else:
        ecus.append(_main_unit(random, vin, fuel, model_year, noise))
        if fuel != "electric" and random.random() < 0.6:
            pids = PID_SETS["gearbox"]
            ecus.append(Ecu("gearbox", "", 0x7E1, 0x7E9, calibration_ids=("TCU-08",), pids=pids))
    read = (MakerRead(bytes.fromhex("222203"), 3, 1000),) if random.random() < 0.5 else ()
    ecus.append(Ecu("cluster", "", 0x714, 0x77E, functional=False, obd=False, reads=read))
    if read and random.random() < 0.3:
        body = (MakerRead(bytes.fromhex("22B921"), 3, 1000),)
        ecus.append(Ecu("body", "", 0x710, 0x718, functional=False, obd=False, reads=body))
    for ecu in ecus:
        _honest_difference(random, ecu, noise)
    return ecus


def _main_unit(random: Random, vin: str, fuel: str, model_year: int, noise: set[str]) -> Ecu:
    pids = set(_pids(fuel, model_year))
    if random.random() > (0.8 if model_year >= 2019 else 0.03):
        pids.discard(0xA6)
    if fuel != "electric" and model_year >= 2016 and random.random() < 0.3:
        pids.add(0xC7)
    if random.random() > 0.4:
        pids.discard(0x7F)
    if 0xA6 not in pids:
        noise.add("no_01A6")
    cvn = f"{random.getrandbits(32):08X}"
    role = "drive" if fuel == "electric" else "engine"
    return Ecu(role, "", 0x7E0, 0x7E8, vin=vin, calibration_ids=(f"ECU-{cvn[:4]}",), cvns=(cvn,), pids=frozenset(pids))


def _pids(fuel: str, model_year: int) -> frozenset[int]:
    if fuel == "electric":
        return PID_SETS["electric"]
    if model_year < 2008:
        return PID_SETS["engine-2005"]
    return PID_SETS["engine-diesel" if fuel == "diesel" else "engine"]


def _honest_difference(random: Random, ecu: Ecu, noise: set[str]) -> None:
    """Copies of the odometer differ by a few km from the line, and by scale between speed sources."""
    if random.random() < 0.5:
        ecu.odometer_offset_m = round(random.gauss(0.0, 3_000.0))
        noise.add("module_offset")
    if ecu.role != "cluster" and random.random() < 0.15:
        ecu.odometer_scale = 1.0 + random.gauss(0.0, 0.002)
        noise.add("scale")


def vin_of(wmi: str, index: int, model_year: int) -> str:
    """A generated VIN with its check digit (ISO 3779, GB 16735), serial number below one thousand."""
    number, serial = divmod(index, 1000)
    middle = ""
    for _ in range(4):
        number, place = divmod(number, len(_LETTERS))
        middle += _LETTERS[place]
    year = YEAR_CODES[(model_year - 1980) % 30]
    draft = f"{wmi}A{middle}0{year}J{serial:06d}"
    total = sum(_VALUES[letter] * weight for letter, weight in zip(draft, _WEIGHTS, strict=True))
    return draft[:8] + "0123456789X"[total % 11] + draft[9:]


def donor(random: Random, car: Car) -> Counters:
    """What a used unit from a breaker's yard has counted in its earlier life."""
    lived_km = random.uniform(5_000.0, 220_000.0)
    return Counters(
        distance_since_clear_km=lived_km * random.random(),
        warmups_since_clear=random.randint(20, 4000),
        minutes_since_clear=lived_km * 1.5,
        engine_run_s=lived_km * 90.0 if car.has_engine else 0.0,
        distance_since_reflash_km=lived_km,
    )
