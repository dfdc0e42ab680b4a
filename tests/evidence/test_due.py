"""Due by distance or months, whichever comes first; every edge is where it should be."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.plans import PlanItem, default_plans, plan_for
from evidence.due import CarUse, DueItem, DueState, Meters, add_months, due_of, last_service_of, plan_status
from evidence.history import History, ServiceRecord, Visit
from evidence.snapshot import CounterPart, CountersPart
from protocols.readings import ItemStatus
from tests.evidence.cars import HOUR_S, KM, NOW, snapshot, visit

PLAN = plan_for(default_plans(), market="CN", fuel="petrol")[0]
DONE = datetime(2026, 1, 15, 10, 0, tzinfo=UTC)
DUE = datetime(2026, 7, 15, 10, 0, tzinfo=UTC)


def _status(odometer_m: int | None, now: datetime = DONE, done_m: int | None = 60_000 * KM) -> DueItem:
    return plan_status(PLAN, ServiceRecord("w1", DONE, done_m), odometer_m, now)


@pytest.mark.parametrize(
    ("driven_m", "state"),
    [
        (0, DueState.OK),
        (4_000 * KM - 1, DueState.OK),
        (4_000 * KM, DueState.DUE_SOON_30),
        (4_500 * KM - 1, DueState.DUE_SOON_30),
        (4_500 * KM, DueState.DUE_SOON_14),
        (5_000 * KM - 1, DueState.DUE_SOON_14),
        (5_000 * KM, DueState.DUE),
        (5_000 * KM + 1, DueState.OVERDUE),
    ],
)
def test_distance_stages_begin_exactly_where_they_say(driven_m: int, state: DueState) -> None:
    assert _status(60_000 * KM + driven_m).state is state


@pytest.mark.parametrize(
    ("days_before", "state"),
    [
        (31, DueState.OK),
        (30, DueState.DUE_SOON_30),
        (15, DueState.DUE_SOON_30),
        (14, DueState.DUE_SOON_14),
        (1, DueState.DUE_SOON_14),
        (0, DueState.DUE),
        (-1, DueState.OVERDUE),
    ],
)
def test_time_stages_begin_exactly_where_they_say(days_before: int, state: DueState) -> None:
    status = _status(60_000 * KM, DUE - timedelta(days=days_before))

    assert (status.state, status.remaining_days) == (state, days_before)


def test_whichever_comes_first_decides() -> None:
    assert _status(66_000 * KM, DONE).state is DueState.OVERDUE
    assert _status(60_000 * KM, DUE + timedelta(days=40)).state is DueState.OVERDUE


def test_overdue_remains_are_negative() -> None:
    status = _status(66_000 * KM, DUE + timedelta(days=3))

    assert (status.remaining_m, status.remaining_days) == (-1_000 * KM, -3)
    assert (status.due_m, status.due_date, status.last_m) == (65_000 * KM, date(2026, 7, 15), 60_000 * KM)


def test_a_service_nobody_knows_is_its_own_state() -> None:
    unknown = DueItem("oil_and_filter", DueState.UNKNOWN, plan_id=PLAN.id, source=PLAN.source)

    assert plan_status(PLAN, None, 60_000 * KM, NOW) == unknown


@pytest.mark.parametrize(("odometer_m", "done_m"), [(None, 60_000 * KM), (60_000 * KM, None), (None, None)])
def test_without_a_mileage_the_calendar_decides_alone(odometer_m: int | None, done_m: int | None) -> None:
    status = _status(odometer_m, DUE, done_m)

    assert (status.state, status.remaining_m) == (DueState.DUE, None)


def test_a_plan_by_distance_alone_ignores_the_calendar() -> None:
    plan = PlanItem("x", "CN", "petrol", "normal", "oil_and_filter", 5_000 * KM, None, (2, 1), (2, 1), "a book")

    status = plan_status(plan, ServiceRecord("w", DONE, 0), 5_000 * KM, DUE + timedelta(days=999))

    assert (status.state, status.remaining_days, status.due_date) == (DueState.DUE, None, None)


@pytest.mark.parametrize(
    ("start", "months", "end"),
    [
        (date(2026, 8, 31), 6, date(2027, 2, 28)),
        (date(2027, 8, 31), 6, date(2028, 2, 29)),
        (date(2024, 2, 29), 12, date(2025, 2, 28)),
        (date(2024, 2, 29), 48, date(2028, 2, 29)),
        (date(2026, 12, 31), 2, date(2027, 2, 28)),
        (date(2026, 6, 30), 6, date(2026, 12, 30)),
    ],
)
def test_short_months_end_on_their_last_day(start: date, months: int, end: date) -> None:
    assert add_months(start, months) == end


@given(st.dates(date(1990, 1, 1), date(2090, 1, 1)), st.integers(1, 240))
def test_months_later_is_in_that_month_and_never_after_the_same_day(start: date, months: int) -> None:
    end = add_months(start, months)

    assert (end.year * 12 + end.month) - (start.year * 12 + start.month) == months
    assert end.day <= start.day
    assert end.day == start.day or (end + timedelta(days=1)).day == 1


_ORDER = list(DueState)


@given(
    st.integers(0, 20_000 * KM),
    st.integers(0, 20_000 * KM),
    st.integers(0, 900),
    st.integers(0, 900),
)
def test_more_distance_or_time_never_makes_a_service_less_due(less_m: int, more_m: int, early: int, late: int) -> None:
    less_m, more_m = sorted((less_m, more_m))
    early, late = sorted((early, late))

    before = _status(60_000 * KM + less_m, DONE + timedelta(days=early))
    after = _status(60_000 * KM + more_m, DONE + timedelta(days=late))

    assert _ORDER.index(before.state) <= _ORDER.index(after.state)


@given(st.integers(-10_000 * KM, 20_000 * KM), st.integers(0, 900))
def test_overdue_means_a_negative_remain(driven_m: int, days: int) -> None:
    status = _status(60_000 * KM + driven_m, DONE + timedelta(days=days))

    assert status.remaining_m is not None
    assert status.remaining_days is not None
    assert (status.state is DueState.OVERDUE) == (min(status.remaining_m, status.remaining_days) < 0)


def test_the_newest_record_of_the_item_counts() -> None:
    old, new = ServiceRecord("a", DONE, 1), ServiceRecord("b", DUE, 2)
    other = ServiceRecord("c", NOW, 3, items=("brake_fluid",))

    assert last_service_of((new, old, other), "oil_and_filter") is new
    assert last_service_of((other,), "oil_and_filter") is None


def plan(**axes: object) -> PlanItem:
    """A plan row with the axes a test names, and leads of 10 and 5 of everything."""
    bare = PlanItem("x", "CN", "petrol", "normal", "oil_and_filter", None, None, (10, 5), (10, 5), "a book")
    return replace(bare, lead_hours=(10, 5), **axes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("driven_h", "state"),
    [(239, DueState.OK), (240, DueState.DUE_SOON_30), (245, DueState.DUE_SOON_14), (250, DueState.DUE)],
)
def test_engine_hours_are_a_meter_of_their_own(driven_h: int, state: DueState) -> None:
    done = ServiceRecord("w", DONE, None, engine_run_s=1_000 * HOUR_S)

    status = plan_status(plan(repeat_hours=250), done, Meters(engine_run_s=(1_000 + driven_h) * HOUR_S), NOW)

    assert (status.state, status.remaining_hours) == (state, 250 - driven_h)


def test_hours_are_overdue_by_the_second() -> None:
    done = ServiceRecord("w", DONE, None, engine_run_s=0)

    assert plan_status(plan(repeat_hours=1), done, Meters(engine_run_s=HOUR_S + 1), NOW).state is DueState.OVERDUE


def test_kilometres_in_hybrid_mode_are_a_meter_of_their_own() -> None:
    done = ServiceRecord("w", DONE, 50_000 * KM, hev_m=20_000 * KM)
    row = plan(repeat_hev_m=7_500 * KM)

    assert plan_status(row, done, Meters(90_000 * KM, hev_m=27_500 * KM), NOW).state is DueState.DUE
    assert plan_status(row, done, Meters(90_000 * KM), NOW).state is DueState.UNKNOWN


def test_a_young_car_is_judged_by_its_first_interval_and_an_older_one_is_unknown() -> None:
    row = plan(first_m=5_000 * KM, repeat_m=10_000 * KM, lead_m=(1_000 * KM, 500 * KM))

    assert plan_status(row, None, 3_000 * KM, NOW).state is DueState.OK
    assert plan_status(row, None, 4_600 * KM, NOW).state is DueState.DUE_SOON_14
    assert plan_status(row, None, 5_000 * KM, NOW).state is DueState.DUE
    assert plan_status(row, None, 5_001 * KM, NOW).state is DueState.UNKNOWN
    assert plan_status(row, None, None, NOW).state is DueState.UNKNOWN


def test_after_a_service_the_repeat_interval_counts() -> None:
    row = plan(first_m=210_000 * KM, repeat_m=30_000 * KM)

    assert plan_status(row, ServiceRecord("w", DONE, 200_000 * KM), 231_000 * KM, DONE).state is DueState.OVERDUE


def test_all_items_of_a_cars_plan_have_a_state_of_their_own() -> None:
    hours = CountersPart(engine_run_time_s=(CounterPart(ecu="7E8", value=900 * HOUR_S),))
    services = (ServiceRecord("w", NOW, 67_000 * KM), ServiceRecord("b", NOW, 20_000 * KM, items=("brake_fluid",)))
    history = History("car", (visit(snapshot(values=hours)),), services)

    states = {item.item: item.state for item in due_of(history, 68_000 * KM, NOW, default_plans())}

    assert states["oil_and_filter"] is DueState.OK
    assert states["brake_fluid"] is DueState.OVERDUE
    assert states["spark_plugs"] is DueState.UNKNOWN


def test_severe_use_and_the_oil_select_their_rows() -> None:
    history = History("car", (visit(snapshot()),), (ServiceRecord("w", DONE, 60_000 * KM),))
    found = {
        use: due_of(history, 62_000 * KM, DONE, default_plans(), use)[0].plan_id
        for use in (CarUse(), CarUse(severity="severe"), CarUse(oil="full_synthetic"), CarUse(oil="castor"))
    }

    assert list(found.values()) == ["cn-petrol-oil", "cn-petrol-oil-severe", "cn-petrol-oil-full", "cn-petrol-oil"]


def test_a_car_no_row_knows_gets_the_labelled_default() -> None:
    history = History("car", (visit(snapshot(fuel="lpg")),), market="DE")

    assert due_of(history, None, NOW, default_plans())[0].is_default


def test_work_dated_after_today_was_not_done_yet() -> None:
    typed_wrong = ServiceRecord("w2", datetime(9999, 12, 1, tzinfo=UTC), 60_000 * KM, ("oil_and_filter", "brake_fluid"))
    done = ServiceRecord("w1", NOW - timedelta(days=3), 60_000 * KM, ("oil_and_filter",))
    tomorrow = ServiceRecord("w3", NOW + timedelta(hours=20), 60_000 * KM, ("oil_and_filter",))

    def dates(*services: ServiceRecord) -> dict[str, date | None]:
        found = due_of(History("car", (), services), 60_000 * KM, NOW, default_plans())
        return {item.item: item.last_date for item in found}

    assert dates(done, typed_wrong)["oil_and_filter"] == done.done_at.date()
    assert dates(typed_wrong)["brake_fluid"] is None
    assert dates(done, tomorrow)["oil_and_filter"] == tomorrow.done_at.date()


def test_the_make_a_person_named_goes_before_the_one_that_was_read() -> None:
    reading = snapshot()
    car = reading.model_copy(update={"vehicle": reading.vehicle.model_copy(update={"make": "Read"})})
    rows = tuple(plan(id=make, make=make, repeat_m=5_000 * KM) for make in ("Read", "Named"))

    def chosen(use: CarUse) -> list[str]:
        return [item.plan_id for item in due_of(History("car", (visit(car),)), 1_000 * KM, NOW, rows, use)]

    assert (chosen(CarUse()), chosen(CarUse(make="Named"))) == (["Read"], ["Named"])


def test_hours_nobody_could_read_are_those_of_the_visit_before() -> None:
    def seen(name: str, days_ago: float, *parts: CounterPart) -> Visit:
        return visit(snapshot(id=name, values=CountersPart(engine_run_time_s=parts)), days_ago=days_ago)

    unread = CounterPart(ecu="7E8", value=None), CounterPart(ecu="7E9", value=5, status=ItemStatus.CORRUPT)
    visits = (
        seen("a", 9, CounterPart(ecu="7E9", value=1), CounterPart(ecu="7E8", value=260 * HOUR_S)),
        seen("b", 0, *unread),
    )
    done = (ServiceRecord("w", DONE, None, engine_run_s=0),)

    (item,) = due_of(History("car", visits, done), None, NOW, (plan(repeat_hours=250),))

    assert item.remaining_hours == -10


@pytest.mark.parametrize(("ahead_s", "known"), [(86_400, True), (86_401, False)])
def test_work_dated_more_than_a_day_ahead_was_not_done_yet(ahead_s: int, known: bool) -> None:
    done = ServiceRecord("w", NOW + timedelta(seconds=ahead_s), 60_000 * KM)
    found = due_of(History("car", (), (done,)), 60_000 * KM, NOW, default_plans())

    assert (found[0].last_date is not None) is known
