"""K3: a counter above the odometer; impossible only within one control unit."""

import pytest

from evidence.history import Visit
from evidence.snapshot import CounterPart, CountersPart, EcuPart, OdometerPart, Result
from protocols.readings import ItemStatus, Trust
from tests.evidence.cars import KM, MILES_VIN, VIN, check, counters, judged, made_vin, reason, snapshot, visit, witness


def _k3(
    values: CountersPart,
    odometer: tuple[OdometerPart, ...] = (witness(68_000 * KM),),
    dash_km: int | None = None,
    **more: object,
) -> tuple[Result, str]:
    reading = snapshot(odometer=odometer, values=values, **more)  # type: ignore[arg-type]
    part = check(judged(visit(reading, dash_m=None if dash_km is None else dash_km * KM)), "K3")
    return part.result, reason(part)


@pytest.mark.parametrize("name", ["distance_since_clear_m", "distance_with_mil_m"])
def test_a_units_own_counter_above_its_own_odometer_may_come_with_a_used_unit(name: str) -> None:
    small = (witness(50_000 * KM),)

    assert _k3(counters(**{name: 61_000 * KM}), small)[0] is Result.SUSPICIOUS
    assert _k3(counters(**{name: 49_000 * KM}), small)[0] is Result.CONSISTENT


def test_two_counters_of_one_unit_above_its_own_odometer_are_impossible() -> None:
    both = counters(distance_since_clear_m=61_000 * KM, distance_since_reflash_m=64_000 * KM)

    assert _k3(both, (witness(50_000 * KM),))[0] is Result.IMPOSSIBLE
    assert _k3(both, (witness(50_000 * KM, ecu="714", source="row", trust=Trust.CONFIRMED),))[0] is Result.SUSPICIOUS


def _units(engine_km: int, gearbox_km: int) -> CountersPart:
    pairs = (("7E8", engine_km), ("7E9", gearbox_km))
    return CountersPart(distance_since_clear_m=tuple(CounterPart(ecu=ecu, value=km * KM) for ecu, km in pairs))


def test_two_units_above_the_odometer_are_impossible_and_one_that_fits_speaks_for_a_used_part() -> None:
    small = (witness(50_000 * KM),)

    assert _k3(_units(61_000, 61_000), small)[0] is Result.IMPOSSIBLE
    assert _k3(_units(61_000, 49_000), small)[0] is Result.SUSPICIOUS


@pytest.mark.parametrize(
    ("since_km", "status", "result"),
    [
        (10_000, ItemStatus.READ, Result.SUSPICIOUS),
        (50_000, ItemStatus.READ, Result.SUSPICIOUS),
        (50_001, ItemStatus.READ, Result.IMPOSSIBLE),
        (10_000, ItemStatus.CORRUPT, Result.IMPOSSIBLE),
    ],
)
def test_a_unit_that_was_programmed_within_this_cars_life_came_with_its_past(
    since_km: int, status: ItemStatus, result: Result
) -> None:
    since = CounterPart(ecu="7E8", value=since_km * KM, status=status)
    values = _units(61_000, 61_000).model_copy(update={"distance_since_reflash_m": (since,)})

    assert _k3(values, (witness(50_000 * KM),))[0] is result


def _seen(odometer_km: int, counted_km: int, name: str, days_ago: float, cvn: str = "11") -> Visit:
    unit = EcuPart(address="7E8", vin=VIN, cvns=(cvn,))
    values = counters(distance_since_clear_m=counted_km * KM)
    return visit(snapshot(odometer_km * KM, id=name, values=values, ecus=(unit,)), days_ago=days_ago)


def test_an_odometer_that_fell_while_its_units_counter_ran_on_is_impossible() -> None:
    before = _seen(138_000, 61_240, "a", 30)

    assert check(judged(before, _seen(58_000, 61_262, "b", 0)), "K3").result is Result.IMPOSSIBLE


@pytest.mark.parametrize(("before_km", "cvn"), [(61_240, "22"), (65_000, "11"), (4, "11")])
def test_another_unit_or_another_counter_since_is_no_proof(before_km: int, cvn: str) -> None:
    days = 1 if before_km == 4 else 30
    before = _seen(138_000, before_km, "a", days, cvn)

    assert check(judged(before, _seen(58_000, 61_262, "b", 0)), "K3").result is Result.SUSPICIOUS


@pytest.mark.parametrize("counter_km", [50_000, 50_049, 50_500])
def test_rounding_and_tyres_explain_a_little(counter_km: int) -> None:
    assert _k3(counters(distance_since_clear_m=counter_km * KM), (witness(50_000 * KM),))[0] is Result.CONSISTENT


def test_a_little_more_than_tyres_explain_needs_a_word_but_is_not_impossible() -> None:
    assert _k3(counters(distance_since_clear_m=51_000 * KM), (witness(50_000 * KM),))[0] is Result.SUSPICIOUS


def test_a_counter_of_another_unit_may_come_from_a_used_part() -> None:
    assert _k3(counters("7E9", distance_since_clear_m=65_000 * KM), (witness(50_000 * KM),))[0] is Result.SUSPICIOUS


def test_a_foreign_vin_in_the_unit_speaks_for_a_used_part() -> None:
    used = (EcuPart(address="7E8", vin=made_vin(serial=2)),)
    values = counters(distance_since_clear_m=65_000 * KM)

    assert _k3(values, (witness(50_000 * KM),), ecus=used, vin=VIN)[0] is Result.SUSPICIOUS


def test_a_unit_programmed_after_its_counter_began_speaks_for_a_used_part() -> None:
    values = counters(distance_since_clear_m=65_000 * KM, distance_since_reflash_m=2_000 * KM)

    assert _k3(values, (witness(50_000 * KM),))[0] is Result.SUSPICIOUS


def test_a_full_counter_says_at_least_and_is_still_evidence() -> None:
    full = counters(distance_since_clear_m=65_535 * KM)

    assert _k3(full, (witness(20_000 * KM),))[0] is Result.SUSPICIOUS
    part = check(judged(visit(snapshot(200_000 * KM, values=full))), "K3")
    assert part.result is Result.CONSISTENT
    assert "at least" in part.text.en
    assert "至少" in part.text.zh


def test_against_a_typed_value_alone_nothing_is_impossible() -> None:
    values = counters(distance_since_clear_m=60_000 * KM)

    assert _k3(values, (), dash_km=40_000)[0] is Result.SUSPICIOUS
    assert _k3(values, (), dash_km=70_000)[0] is Result.CONSISTENT


def test_a_dashboard_of_a_miles_market_may_show_miles() -> None:
    values = counters(distance_since_clear_m=60_000 * KM)

    assert _k3(values, (), dash_km=40_000, vin=MILES_VIN)[0] is Result.CONSISTENT
    assert _k3(values, (), dash_km=30_000, vin=MILES_VIN)[0] is Result.SUSPICIOUS


def test_the_units_own_odometer_goes_before_a_better_one_elsewhere() -> None:
    own = witness(80_000 * KM, source="row", ecu="7E0", trust=Trust.CONFIRMED)

    assert _k3(counters("7E0", distance_since_clear_m=60_000 * KM), (witness(50_000 * KM), own))[0] is Result.CONSISTENT


def test_without_counter_or_mileage_nothing_is_said() -> None:
    assert _k3(CountersPart()) == (Result.NOT_DETERMINABLE, "no_counter")
    assert _k3(counters(distance_since_clear_m=None)) == (Result.NOT_DETERMINABLE, "no_counter")
    assert _k3(counters(distance_since_clear_m=1), ()) == (Result.NOT_DETERMINABLE, "no_odometer")


def test_the_worst_of_all_units_is_told_with_its_evidence() -> None:
    parts = tuple(
        CounterPart(ecu=ecu, value=value, status=ItemStatus.READ)
        for ecu, value in (("7E9", 1_000 * KM), ("7E8", 65_000 * KM))
    )

    judgement = judged(visit(snapshot(50_000 * KM, values=CountersPart(distance_since_clear_m=parts))))
    part = check(judgement, "K3")

    assert part.evidence == ("s1/counters/distance_since_clear_m/1", "s1/odometer/0")
    assert (part.params["ecu"], part.params["gap_m"]) == ("7E8", 15_000 * KM)


def test_a_typed_mileage_below_a_counter_is_first_taken_for_a_slip() -> None:
    reading = snapshot(odometer=(), values=counters(distance_since_clear_m=60_000 * KM))

    part = check(judged(visit(reading, dash_m=40_000 * KM)), "K3")

    assert "typed from the dashboard" in part.text.en
    assert "录入失误" in part.text.zh


@pytest.mark.parametrize(
    ("vin", "now_km", "result"),
    [(VIN, 40_000, "not_determinable"), (VIN, 34_000, "suspicious"), (MILES_VIN, 40_000, "consistent")],
)
def test_a_dashboard_that_moves_as_miles_do_must_be_asked_for_its_unit(vin: str, now_km: int, result: str) -> None:
    """10,000 shown for 16,093 counted; 60,000 counted are more than 40,000 km and less than 40,000 miles."""

    def seen(dash_km: int, counted_km: int, name: str, days_ago: float) -> Visit:
        values = counters(distance_since_clear_m=counted_km * KM)
        return visit(snapshot(None, id=name, values=values, vin=vin), days_ago=days_ago, dash_m=dash_km * KM)

    visits = (
        seen(now_km - 20_000, 27_814, "a", 700),
        seen(now_km - 10_000, 43_907, "b", 350),
        seen(now_km, 60_000, "c", 0),
    )

    assert check(judged(*visits), "K3").result == result
