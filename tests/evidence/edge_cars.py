"""Cars drawn at the edges of the rules: distances, days and counters just at, below and beyond what a rule asks."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random

from evidence.history import EventKind, History, MileageRecord, OdometerEvent, ServiceRecord, Visit, Void
from evidence.snapshot import (
    ClockQuality,
    CounterPart,
    CountersPart,
    DtcPart,
    EcuPart,
    InspectionPart,
    ItemPart,
    OdometerPart,
    RoadTestPart,
    Snapshot,
    VehiclePart,
    VinStatus,
    Wear,
)
from protocols.readings import DtcClass, ItemStatus, Monitor, Trust
from tests.evidence.cars import ASKED, KM, MILES_VIN, VIN, made_vin

NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
BEGAN_M = (
    0,
    1_000,
    99_000,
    999_000,
    1_000_000,
    6_000_000,
    30_000_000,
    61_000_000,
    68_000_000,
    123_456_000,
    299_990_000,
)
DRIVEN_M: tuple[int, ...] = (
    0,
    4_000,
    5_000,
    6_000,
    29_000,
    30_000,
    31_000,
    99_000,
    100_000,
    101_000,
    322_000,
    323_000,
    999_000,
)
DRIVEN_M += (
    1_000_000,
    1_500_000,
    3_000_000,
    4_828_000,
    4_829_000,
    5_000_000,
    9_000_000,
    20_000_000,
    33_796_000,
    70_000_000,
)
DAYS = (0, 0.25, 1, 2, 7, 8, 30, 31, 32, 60, 89, 90, 91, 179, 180, 365, 730)
APART_M = (0, 0, 0, 4_000, 15_000, 16_000, 29_000, 30_000, 31_000, 99_000, 100_000, 101_000, 900_000)
BACK_M = (29_000, 31_000, 100_000, 101_000, 1_000_000, 5_000_000, 20_000_000, 60_000_000)
BATTERY_V = (None, 5.9, 6.0, 11.7, 11.8, 11.9, 12.0, 12.3, 12.4, 12.6, 13.1, 13.2, 14.2)
WARMUPS = (0, 1, 2, 3, 14, 15, 16, 39, 40, 41, 254, 255)
MEAN_KMH = (9, 10, 11, 19, 20, 21, 33, 89, 90, 91)
ENGINE, CLUSTER = "7E8", "720"
CODES = (("P0301", "7E8"), ("P0420", "7E8"), ("P0171", "7E9"), ("U0121", "720"))
STATES = (Monitor.COMPLETE, Monitor.INCOMPLETE, Monitor.UNSUPPORTED)
WORK = ("oil_and_filter", "repair", "battery", "spark_plugs", "brake_fluid")


@dataclass
class _Life:
    """A car between two visits."""

    random: Random
    life_m: int
    at: datetime
    shown_less_m: int = 0
    since_clear_m: int = 0
    unit: str = "A"
    in_miles: bool = False
    visits: list[Visit] = field(default_factory=list)
    events: list[OdometerEvent] = field(default_factory=list)
    services: list[ServiceRecord] = field(default_factory=list)

    def may(self, chance: float) -> bool:
        return self.random.random() < chance

    @property
    def shown_m(self) -> int:
        shown_m = max(self.life_m - self.shown_less_m, 0)
        return round(shown_m / 1.609344 / KM) * KM if self.in_miles else shown_m


def edge_car(seed: int) -> History:
    """The car of this number; always the same."""
    random = Random(seed)
    life = _Life(random, random.choice(BEGAN_M), NOW - timedelta(days=random.choice((200, 900, 1500))))
    vin, fuel = (
        random.choice((VIN, VIN, VIN, MILES_VIN, "")),
        random.choice(("petrol", "petrol", "diesel", "hybrid", "")),
    )
    for number in range(random.choice((1, 2, 3, 3, 4, 5, 6))):
        if number:
            _goes_on(life, number)
        life.visits.append(_visit(life, number, vin, fuel))
    return History(
        f"car-{seed}",
        tuple(life.visits),
        tuple(life.services),
        market=random.choice(("CN", "CN", "US")),
        mileages=tuple(_mileage(life, number) for number in range(random.choice((0, 0, 1, 2)))),
        events=tuple(life.events),
        voids=_voids(life),
    )


def _goes_on(life: _Life, number: int) -> None:
    """What happens until the next visit: it is driven, perhaps repaired, cleared, set back, or given another part."""
    random, driven_m = life.random, life.random.choice(DRIVEN_M)
    life.at += timedelta(days=random.choice(DAYS))
    life.life_m += driven_m
    life.since_clear_m += driven_m
    if life.may(0.2):
        life.since_clear_m = random.choice((0, 40_000, 50_000, 51_000, 321_000, 322_000, 323_000, driven_m))
    if life.may(0.15):
        life.shown_less_m += min(random.choice(BACK_M), life.life_m)
    if life.may(0.1):
        life.unit += "A"
    if life.may(0.3):
        items = tuple(random.sample(WORK, random.choice((1, 2))))
        done_at = life.at - timedelta(days=random.choice((-1, 0, 0.4, 1, 31, 32, 33)))
        life.services.append(ServiceRecord(f"w{number}", done_at, life.shown_m if life.may(0.7) else None, items))
    if life.may(0.12):
        _event(life, number)


def _event(life: _Life, number: int) -> None:
    at, kind = life.at - timedelta(days=life.random.choice((0, 0.5, 2, 31, 40))), life.random.choice(list(EventKind))
    if kind is EventKind.CLUSTER_REPLACED:
        before_m, after_m = (
            life.shown_m,
            life.random.choice((0, 5_000_000, life.shown_m // 2, life.shown_m + 20_000_000)),
        )
        life.shown_less_m += before_m - after_m
        life.events.append(OdometerEvent(f"e{number}", at, kind, "LW", before_m, after_m))
        return
    life.in_miles = kind is EventKind.SHOWS_MILES
    life.events.append(OdometerEvent(f"e{number}", at, kind, "LW"))


def _visit(life: _Life, number: int, vin: str, fuel: str) -> Visit:
    random = life.random
    snapshot = Snapshot(
        id="" if life.may(0.05) else f"v{number}",
        odometer=_witnesses(life),
        counters=_counters(life),
        dtcs=_codes(life),
        items=ASKED if life.may(0.85) else (ItemPart(item="03", status=random.choice(list(ItemStatus))),),
        readiness={} if life.may(0.15) else _readiness(life),
        vehicle=_vehicle(life, vin, fuel),
        ecus=tuple(
            EcuPart(address=address, vin=_told_vin(life, vin), calibration_ids=() if life.may(0.1) else (life.unit,))
            for address in (ENGINE, CLUSTER)
            if life.may(0.8)
        ),
        battery_v=random.choice(BATTERY_V),
        mil=random.choice((True, False, None)),
        operator=random.choice(("", "LW")),
        **({} if life.may(0.5) else {"clock": random.choice(list(ClockQuality))}),
        **({"road_test": _road_test(life)} if life.may(0.1) else {}),
        **({"inspection": _inspection(life)} if life.may(0.1) else {}),
    )
    dash_m = _typed_m(life) if life.may(0.8) else None
    papers_m = max(life.life_m - random.choice((-101_000, -100_000, 0, 4_000_000, 5_000_000, 5_001_000)), 0)
    return Visit(None if life.may(0.05) else life.at, snapshot, dash_m, papers_m if life.may(0.2) else None)


def _vehicle(life: _Life, vin: str, fuel: str) -> VehiclePart:
    told = (VinStatus.READ, VinStatus.READ, VinStatus.TYPED, VinStatus.CONFLICTING)
    own = made_vin(serial=3) if vin and life.may(0.03) else vin
    year = life.random.choice((None, 2019, 2023))
    return VehiclePart(vin=own, vin_status=life.random.choice(told), fuel=fuel, model_year=year)


def _told_vin(life: _Life, vin: str) -> str:
    return life.random.choice((vin, vin, vin, "", made_vin(serial=2)))


def _typed_m(life: _Life) -> int:
    """What a person read off the dashboard, at times with a slip, in miles or in ten thousands."""
    shown_m, random = life.shown_m + life.random.choice((1, -1)) * life.random.choice(APART_M), life.random
    digits = str(max(shown_m, 0) // KM)
    place = random.randrange(len(digits))
    slips: tuple[str, ...] = (digits[:place] + digits[place + 1 :], digits[:place] + digits[place] + digits[place:])
    slips += (digits[:place] + digits[place:][1:2] + digits[place : place + 1] + digits[place + 2 :],)
    slips += (digits[:place] + str((int(digits[place]) + random.choice((1, 2))) % 10) + digits[place + 1 :],)
    if life.may(0.15):
        return int(random.choice(slips) or 0) * KM
    if life.may(0.06):
        return round(shown_m / 1.609344 / KM) * KM
    return max(shown_m, 0) // 1_000_000 * 100 if life.may(0.03) else max(shown_m, 0)


def _witnesses(life: _Life) -> tuple[OdometerPart, ...]:
    random, found = life.random, []
    for source, ecu, trusts in (
        ("01A6", ENGINE, (Trust.STANDARD,)),
        ("row", CLUSTER, (Trust.HINT, Trust.CONFIRMED)),
        ("other", "740", (Trust.HINT,)),
    ):
        if life.may(0.6):
            base_m = life.life_m if life.may(0.7) else max(life.life_m - life.shown_less_m, 0)
            value_m = max(base_m + random.choice((1, -1)) * random.choice(APART_M), 0)
            value_m = random.choice((0, value_m * 10, 6_000_000_000)) if life.may(0.03) else value_m
            value_m = round(value_m / 1.609344) if ecu == CLUSTER and life.may(0.08) else value_m
            status = ItemStatus.READ if life.may(0.95) else ItemStatus.CORRUPT
            part = OdometerPart(source=source, ecu=ecu, odometer_m=value_m, trust=random.choice(trusts), status=status)
            found.append(part)
    return tuple(found)


def _counters(life: _Life) -> CountersPart:
    random = life.random
    since_m = min(life.since_clear_m if life.may(0.6) else life.life_m, 65_535_000)
    read = {
        "distance_since_clear_m": random.choice((since_m, since_m + 5_000, since_m + 6_000)),
        "warmups_since_clear": random.choice(WARMUPS),
        "time_since_clear_s": random.choice((0, 39_540, 39_600, 39_660, 900_000)),
        "engine_run_time_s": round(life.life_m / random.choice(MEAN_KMH) * 3.6),
        "distance_since_reflash_m": random.choice((0, since_m, life.life_m + 50_000, life.life_m + 51_000)),
        "distance_with_mil_m": random.choice((0, life.shown_m, life.shown_m + 101_000, 65_535_000)),
    }
    return CountersPart.model_validate(
        {name: (_counter(life, value),) for name, value in read.items() if life.may(0.6)}
    )


def _counter(life: _Life, value: int) -> CounterPart:
    ecu = ENGINE if life.may(0.85) else "7E9"
    status = ItemStatus.READ if life.may(0.93) else ItemStatus.TIMEOUT
    return CounterPart(ecu=ecu, value=value if life.may(0.97) else None, status=status, saturated=life.may(0.03))


def _codes(life: _Life) -> tuple[DtcPart, ...]:
    classes = list(DtcClass)
    return tuple(DtcPart(code=name, dtc_class=one, ecu=ecu) for name, ecu in CODES for one in classes if life.may(0.12))


def _readiness(life: _Life) -> dict[str, Monitor]:
    names = ("misfire", "components", "catalyst", "oxygen_sensor", "evap")
    if life.may(0.4):
        return dict.fromkeys(names, Monitor.COMPLETE)
    return {name: life.random.choice(STATES) for name in names if life.may(0.8)}


def _road_test(life: _Life) -> RoadTestPart:
    random, driven_m = life.random, life.random.choice((1_900, 2_000, 5_000))
    moved_m = driven_m + random.choice((0, 1, -1)) * random.choice((0, driven_m // 10 + 100, driven_m // 10 + 200))
    start_m = random.choice((None, life.shown_m, life.shown_m, life.shown_m))
    return RoadTestPart(
        source=random.choice(("01A6", "dash")),
        odometer_start_m=start_m,
        odometer_end_m=random.choice((None, *[(start_m or 0) + moved_m] * 4)),
        speed_distance_m=random.choice((None, driven_m, driven_m, driven_m)),
        counter_start_m=random.choice((None, 0, 5_000)),
        counter_end_m=random.choice((None, 4_000, 5_000, 7_000)),
    )


def _inspection(life: _Life) -> InspectionPart:
    random = life.random
    wear = (None, Wear.NONE, Wear.LIGHT, Wear.HEAVY, Wear.HEAVY)
    return InspectionPart(
        tyre_dots=random.choice(((), ("2623",), ("0125", "0125"), ("abcd",), ("5227",))),
        pedals=random.choice(wear),
        steering_wheel=random.choice(wear),
        driver_seat=random.choice(wear),
        sticker_odometer_m=random.choice((None, 0, life.shown_m, life.shown_m + 30_000, life.shown_m + 901_000)),
    )


def _mileage(life: _Life, number: int) -> MileageRecord:
    random, source = life.random, life.random.choice(("manual", "photo", "upstream", "01A6"))
    at = NOW - timedelta(days=random.choice((-2, -1, 0, 30, 400, 1600)))
    metres = max(life.shown_m - random.choice((-101_000, 0, 31_000, 3_000_000, 40_000_000)), 0)
    trust = random.choice((Trust.TYPED, Trust.PHOTO, Trust.UPSTREAM, Trust.STANDARD, Trust.PAPER))
    clock = random.choice(list(ClockQuality))
    return MileageRecord(f"m{number}", None if life.may(0.1) else at, metres, source, trust, clock=clock)


def _voids(life: _Life) -> tuple[Void, ...]:
    if not life.may(0.1):
        return ()
    name = life.visits[life.random.randrange(len(life.visits))].snapshot.id
    return (Void(f"{name}/{life.random.choice(('dash', 'papers', 'odometer/0'))}", "misread", "LW", NOW),)
