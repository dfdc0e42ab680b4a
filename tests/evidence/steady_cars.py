"""Cars whose counters, hours and papers tell one life, and one number that does not fit: a slip, miles, a new cluster.

Where cars at the edges contradict themselves everywhere, here all that is known of a place is known for a reason.
"""

from datetime import timedelta
from random import Random

from evidence.history import EventKind, History, OdometerEvent, Visit
from evidence.snapshot import ClockQuality, CounterPart, CountersPart, EcuPart, OdometerPart, Snapshot, VehiclePart
from protocols.readings import Trust
from tests.evidence.cars import KM, MILES_VIN, NOW, VIN

BEGAN_KM = (3_000, 12_345, 54_321, 98_765, 108_940, 145_123)
PACE_KM = (900, 2_400, 9_000, 10_000)
STRAY = (0.7, 0.85, 0.99, 1.0, 1.01, 1.1, 1.26, 3.0)
DAYS = (20, 89, 91, 180, 180, 180, 365)
PAPER_LAG_KM = (0, 1, 200, 4_999, 5_000, 5_001)
MILE = 1.609344
ODD = ("slip", "slip", "miles", "back", "cluster", "cluster", "miles_on", "miles_off", "tenth", "")


def steady_car(seed: int) -> History:
    """The car of this number; always the same."""
    random = Random(seed)
    places = _places(random)
    odd, where = random.choice(ODD), random.randrange(len(places))
    told = frozenset(one for one in ("read", "row", "counter", "hours", "papers") if random.random() < 0.45)
    unit = random.choice((1.0, 1.0, 1.0, MILE))
    off_m = random.choice((5_000, 20_000, 60_000)) * KM if odd == "cluster" else 0
    shown = [_shown(random, km, off_m // KM if number >= where else 0, unit) for number, (km, _) in enumerate(places)]
    if odd in ("miles_on", "miles_off"):
        shown = [
            round(km / MILE) if (number >= where) is (odd == "miles_on") else km for number, km in enumerate(shown)
        ]
    shown = [_odd(random, km, odd) if number == where else km for number, km in enumerate(shown)]
    visits = tuple(
        _visit(random, number, place, shown[number], told, goes_back_m=off_m if number >= where else 0, unit=unit)
        for number, place in enumerate(places)
    )
    return History(f"steady-{seed}", visits, events=_events(random, odd, where, places, shown, off_m))


def _places(random: Random) -> list[tuple[int, float]]:
    """True km and days of each visit, at a pace that strays a little."""
    km, day, pace = random.choice(BEGAN_KM), 0.0, random.choice(PACE_KM)
    places = [(km, day)]
    for _ in range(random.choice((2, 3, 4, 5))):
        days = random.choice(DAYS)
        km, day = km + max(round(pace * days / 180 * random.choice(STRAY)), 1), day + days
        places.append((km, day))
    return places


def _shown(random: Random, km: int, less_km: int, unit: float) -> int:
    return max(round((km - less_km + random.choice((0, 0, 3, 5, 6))) / unit), 1)


def _odd(random: Random, km: int, odd: str) -> int:
    """The one number that does not fit."""
    digits, place = str(km), random.randrange(max(len(str(km)) - 1, 1))
    following = digits[place + 1 : place + 2]
    slips = (
        digits[:place] + following + digits[place] + digits[place + 2 :],
        digits[:place] + digits[place] + digits[place:],
        digits[:place] + digits[place + 1 :],
        digits[:place] + str((int(digits[place]) + random.choice((1, 9))) % 10) + digits[place + 1 :],
        digits[1:].lstrip("0"),
    )
    if odd == "slip":
        return int(random.choice(slips) or 1)
    if odd == "back":
        return max(km - random.choice((90, 110, 900, 2_900, 3_100, 10_000, 30_000)), 1)
    return {"miles": round(km / MILE), "tenth": km // 10}.get(odd, km)


def _visit(
    random: Random,
    number: int,
    place: tuple[int, float],
    shown_km: int,
    told: frozenset[str],
    *,
    goes_back_m: int,
    unit: float,
) -> Visit:
    km, day = place
    witnesses = [OdometerPart(source="01A6", ecu="7E8", odometer_m=(km + 2) * KM, trust=Trust.STANDARD)]
    row_m = km * KM - (goes_back_m if number % 2 else 0)
    witnesses.append(OdometerPart(source="row", ecu="720", odometer_m=max(row_m, 1), trust=Trust.CONFIRMED))
    snapshot = Snapshot(
        id=f"v{number}",
        odometer=tuple(one for one, name in zip(witnesses, ("read", "row"), strict=True) if name in told),
        counters=_counters(random, km, told),
        ecus=(EcuPart(address="7E8", calibration_ids=("B" if random.random() < 0.03 else "A",)),),
        vehicle=VehiclePart(vin=VIN if unit == 1.0 and random.random() < 0.9 else MILES_VIN),
        clock=random.choice((ClockQuality.NTP,) * 5 + (ClockQuality.RTC, ClockQuality.NONE)),
    )
    at = NOW - timedelta(days=2_000 - day)
    papers_m = max(km - random.choice(PAPER_LAG_KM), 0) * KM if "papers" in told and random.random() < 0.6 else None
    return Visit(at, snapshot, max(shown_km, 1) * KM if random.random() < 0.95 else None, papers_m)


def _counters(random: Random, km: int, told: frozenset[str]) -> CountersPart:
    since_m = (km % 60_000) * KM + random.choice((0, 0, 4_000, 6_000))
    cleared = random.random() < 0.06
    clear_m = random.choice((40, 322, 323, 2_000)) * KM if cleared else since_m
    run_s = round(km * 100 * random.choice((1.0, 1.0, 1.02)))
    return CountersPart(
        distance_since_clear_m=(CounterPart(ecu="7E8", value=clear_m),) if "counter" in told else (),
        engine_run_time_s=(CounterPart(ecu="7E8", value=run_s),) if "hours" in told else (),
    )


def _events(
    random: Random, odd: str, where: int, places: list[tuple[int, float]], shown: list[int], off_m: int
) -> tuple[OdometerEvent, ...]:
    """The event as somebody tells it: on the day, a little off, or not at all."""
    at = NOW - timedelta(days=2_000 - places[where][1] + random.choice((-0.4, 0, 0.4, 0.9, 1.1, 20, 40)))
    if odd == "cluster" and random.random() < 0.8:
        before_m = (places[where][0] - random.choice((0, 100, 3_000))) * KM
        return (OdometerEvent("e", at, EventKind.CLUSTER_REPLACED, "LW", max(before_m, 0), max(before_m - off_m, 0)),)
    if odd in ("miles_on", "miles_off") and random.random() < 0.7:
        kind = EventKind.SHOWS_MILES if odd == "miles_on" else EventKind.SHOWS_KM
        first = (OdometerEvent("f", NOW - timedelta(days=3_000), EventKind.SHOWS_MILES, "LW"),)
        return (*(first if odd == "miles_off" else ()), OdometerEvent("e", at, kind, "LW"))
    return ()
