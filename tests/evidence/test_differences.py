"""How a visit differs from the one before: codes by their fate, units by what they tell, the battery's trend."""

import pytest

from evidence.differences import CodeFate, Difference, UnitDifference, battery_trend, difference
from evidence.history import Visit
from evidence.snapshot import DtcPart, EcuPart, Snapshot
from protocols.readings import DtcClass
from tests.evidence.cars import KM, VIN, code, counters, snapshot, visit


def _seen(name: str, days_ago: float, *codes: DtcPart, since_km: int = 9_000) -> Visit:
    values = counters(distance_since_clear_m=since_km * KM)
    return visit(snapshot(id=name, dtcs=codes, values=values), days_ago=days_ago)


def _fates(*visits: Visit) -> list[tuple[CodeFate, str]] | None:
    told = difference(visits).codes
    return None if told is None else [(one.fate, one.code) for one in told]


def test_a_code_appears_heals_and_comes_back() -> None:
    clean, ill = _seen("a", 90), _seen("b", 60, code("P0420"))
    healed, again = _seen("c", 30), _seen("d", 0, code("P0420"))

    assert _fates(clean, ill) == [(CodeFate.APPEARED, "P0420")]
    assert _fates(clean, ill, healed) == [(CodeFate.HEALED, "P0420")]
    assert _fates(clean, ill, healed, again) == [(CodeFate.CAME_BACK, "P0420")]
    assert _fates(clean, healed) == []


def test_a_code_that_went_with_the_counters_was_cleared() -> None:
    assert _fates(_seen("a", 30, code("P0420")), _seen("b", 0, since_km=12)) == [(CodeFate.CLEARED, "P0420")]


def test_a_permanent_leftover_does_not_stand() -> None:
    left = code("P0420", DtcClass.PERMANENT)

    assert _fates(_seen("a", 30, code("P0420"), left), _seen("b", 0, left, since_km=12)) == [
        (CodeFate.CLEARED, "P0420")
    ]


def test_lists_that_were_not_read_tell_nothing() -> None:
    silent = visit(Snapshot(id="c"))

    assert _fates(_seen("a", 30, code("P0420"))) is None
    assert _fates(_seen("a", 30, code("P0420")), silent) is None
    assert difference(()) == Difference(None, ())


def _unit(name: str, days_ago: float, **told: object) -> Visit:
    return visit(snapshot(id=name, ecus=(EcuPart.model_validate({"address": "7E8", **told}),)), days_ago=days_ago)


@pytest.mark.parametrize(
    ("what", "before", "now"), [("vin", VIN, "X"), ("calibration_ids", ("A",), ("B",)), ("cvns", ("11",), ("22",))]
)
def test_a_unit_that_tells_another_thing_is_named(what: str, before: object, now: object) -> None:
    told = difference((_unit("a", 60, **{what: before}), _unit("b", 30), _unit("c", 0, **{what: now}))).units

    assert [(one.ecu, one.what) for one in told] == [("7E8", what)]
    assert all(isinstance(one, UnitDifference) and one.before != one.now for one in told)


def test_silence_of_a_unit_is_no_difference() -> None:
    assert difference((_unit("a", 30, cvns=("11",)), _unit("b", 0))).units == ()
    assert difference((_unit("a", 30), _unit("b", 0, cvns=("11",)))).units == ()


def _volts(*volts: float | None) -> list[Visit]:
    return [visit(snapshot(battery_v=v), days_ago=30.44 * (len(volts) - place)) for place, v in enumerate(volts)]


def test_the_batterys_trend_is_in_volts_a_month_and_leaves_charging_out() -> None:
    assert battery_trend(_volts(12.6, 12.5, 14.1, 12.3)) == pytest.approx(-0.1)
    assert battery_trend(_volts(12.5, 12.5, 12.5)) == pytest.approx(0)
    assert battery_trend(_volts(12.6, 14.1, None, 12.3)) is None
