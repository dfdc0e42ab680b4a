"""The verdict: impossible before suspicious before consistent, and consistent only when a mileage was compared."""

from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from evidence.due import DueState
from evidence.history import History, ServiceRecord, Visit
from evidence.snapshot import CheckPart, CountersPart, OdometerPart, Result, Snapshot
from evidence.verdict import judge, verdict_of
from protocols.readings import ItemStatus, Trust
from tests.evidence.cars import (
    KM,
    NOW,
    check,
    code,
    counters,
    history,
    judged,
    reason,
    rules,
    service,
    snapshot,
    visit,
    witness,
)


def _part(name: str, result: Result) -> CheckPart:
    return CheckPart(check=name, rule="r", result=result)


def test_all_ten_checks_are_made_in_order() -> None:
    assert [part.check for part in judged(visit(snapshot())).checks] == [f"K{n}" for n in range(1, 11)]


def test_the_worst_result_is_the_verdict() -> None:
    parts = [_part("K1", Result.CONSISTENT), _part("K4", Result.SUSPICIOUS), _part("K3", Result.IMPOSSIBLE)]

    assert verdict_of(tuple(parts)) is Result.IMPOSSIBLE
    assert verdict_of(tuple(parts[:2])) is Result.SUSPICIOUS
    assert verdict_of(tuple(parts[:1])) is Result.CONSISTENT


def test_without_a_mileage_check_there_is_no_verdict() -> None:
    assert verdict_of((_part("K5", Result.CONSISTENT),)) is Result.NOT_DETERMINABLE
    assert verdict_of(()) is Result.NOT_DETERMINABLE


def test_a_rolled_back_second_visit_contradicts_itself() -> None:
    before = visit(snapshot(60_000 * KM, id="a"), days_ago=60, dash_m=60_000 * KM)
    values = counters(distance_since_clear_m=48_000 * KM, warmups_since_clear=255)
    now = visit(snapshot(38_000 * KM, id="b", values=values), dash_m=38_000 * KM)

    judgement = judged(before, now)

    assert judged(before).verdict is Result.CONSISTENT
    assert judgement.verdict is Result.IMPOSSIBLE
    assert rules(judgement) == ["odometer.below_earlier", "odometer.counter_exceeds", "service.unknown"]
    assert judgement.current_odometer_m == 60_000 * KM


def test_an_overdue_service_does_not_touch_the_verdict() -> None:
    judgement = judged(visit(snapshot(), dash_m=68_000 * KM), services=(service(days_ago=400),))

    assert (judgement.verdict, rules(judgement)) == (Result.CONSISTENT, ["service.overdue"])
    assert judgement.due[0].state is DueState.OVERDUE


def test_a_dash_value_typed_later_completes_the_verdict() -> None:
    reading = snapshot(values=CountersPart())

    assert judged(visit(reading)).verdict is Result.NOT_DETERMINABLE
    assert judged(visit(reading, dash_m=68_000 * KM)).verdict is Result.CONSISTENT
    assert judged(visit(reading, dash_m=48_000 * KM)).verdict is Result.SUSPICIOUS


def test_a_silent_car_is_compared_with_its_next_visit() -> None:
    silent = Snapshot(id="a")
    judgement = judged(visit(silent, days_ago=90, dash_m=60_000 * KM), visit(Snapshot(id="b"), dash_m=40_000 * KM))

    assert check(judgement, "K8").result is Result.SUSPICIOUS


def test_an_empty_history_is_judged_without_a_word_too_many() -> None:
    judgement = judge(History("x", ()), now=NOW)

    assert (judgement.verdict, judgement.current, judgement.current_odometer_m) == (Result.NOT_DETERMINABLE, None, None)


def test_codes_of_the_visit_are_its_changes() -> None:
    judgement = judged(visit(snapshot(dtcs=(code("P0301"),))))

    assert [(change.change, change.code) for change in judgement.dtc_changes] == [("appeared", "P0301")]


_FUELS = st.sampled_from(["petrol", "diesel", "hybrid", "electric", ""])


@st.composite
def honest_cars(draw: st.DrawFn) -> History:
    """A car whose counters follow from one life: driven, sometimes cleared long ago, read now and then."""
    odometer_m = draw(st.integers(500 * KM, 400_000 * KM))
    cleared_at_m = draw(st.integers(0, odometer_m))
    offset_m = draw(st.integers(-4_000, 4_000))
    speed_kmh = draw(st.integers(15, 80))
    with_a6 = draw(st.booleans())
    fuel = draw(_FUELS)
    visits: list[Visit] = []
    days_ago = 900.0
    for number in range(draw(st.integers(1, 4))):
        reading = _honest_reading(f"v{number}", odometer_m, cleared_at_m, speed_kmh, fuel, with_a6)
        dash_m = odometer_m + offset_m if draw(st.booleans()) or not with_a6 else None
        visits.append(visit(reading, days_ago=days_ago, dash_m=dash_m))
        days = draw(st.integers(1, 200))
        days_ago -= days
        odometer_m += draw(st.integers(0, 150 * KM)) * days
    return history(*visits)


def _honest_reading(
    name: str, odometer_m: int, cleared_at_m: int, speed_kmh: int, fuel: str, with_a6: bool
) -> Snapshot:
    since_m = odometer_m - cleared_at_m
    values = counters(
        distance_since_clear_m=min(since_m // KM, 65_535) * KM,
        warmups_since_clear=min(255, since_m // (40 * KM)),
        engine_run_time_s=odometer_m * 3_600 // (speed_kmh * KM),
    )
    witnesses: list[OdometerPart] = [
        witness(odometer_m // 100 * 100) if with_a6 else witness(None, status=ItemStatus.UNSUPPORTED),
        witness(odometer_m // KM * KM, source="row", ecu="714", trust=Trust.CONFIRMED),
    ]
    return snapshot(id=name, odometer=tuple(witnesses), values=values, fuel=fuel)


@settings(max_examples=50)
@given(honest_cars())
def test_a_car_whose_counters_follow_from_one_life_is_never_accused(car: History) -> None:
    judgement = judge(car, now=NOW)

    accused = [part.check for part in judgement.checks if part.result in (Result.SUSPICIOUS, Result.IMPOSSIBLE)]
    assert accused == []
    assert judgement.current is not None
    assert judgement.current.visit == len(car.visits) - 1


@settings(max_examples=50)
@given(honest_cars(), st.integers(5_000 * KM, 200_000 * KM))
def test_a_dashboard_turned_back_far_is_never_called_consistent_without_a_reason(car: History, less_m: int) -> None:
    last = car.visits[-1]
    read_m = max(part.odometer_m or 0 for part in last.snapshot.odometer)
    dash_m = read_m - less_m
    if dash_m <= 0 or less_m <= 0.01 * read_m:
        return
    turned = History(car.id, (*car.visits[:-1], Visit(last.at, last.snapshot, dash_m=dash_m)))

    part = check(judge(turned, now=NOW), "K1")

    assert part.result is Result.SUSPICIOUS or reason(part) in {"typing_slip", "unit_unclear"}


@settings(max_examples=25)
@given(
    st.lists(st.integers(0, 400_000 * KM), min_size=1, max_size=4),
    st.lists(st.tuples(st.integers(0, 900), st.integers(0, 400_000 * KM)), max_size=3),
)
def test_any_history_is_judged(values: list[int], services: list[tuple[int, int]]) -> None:
    visits = tuple(visit(snapshot(value, id=f"v{n}"), days_ago=n) for n, value in enumerate(values))
    done = tuple(ServiceRecord(f"w{n}", NOW - timedelta(days=d), m) for n, (d, m) in enumerate(services))

    judgement = judge(History("car", visits, done), now=NOW)

    assert len(judgement.checks) == 10
    assert all(part.text.en and part.text.zh for part in judgement.checks)
    assert all(finding.text.en and finding.text.zh for finding in judgement.findings)


def test_times_with_and_without_a_zone_meet_in_one_history() -> None:
    naive = NOW.replace(tzinfo=None)
    visits = (Visit(naive - timedelta(days=9), snapshot(id="a")), visit(snapshot(68_100 * KM, id="b")))
    car = History("car", visits, (ServiceRecord("w", naive - timedelta(days=3), 68_050 * KM), service(days_ago=5)))

    judgement = judge(car, now=NOW)

    assert (judgement.verdict, check(judgement, "K8").result) == (Result.CONSISTENT, Result.CONSISTENT)
