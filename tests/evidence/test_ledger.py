"""The ledger keeps every value, believes the best trusted one, and says why it does not believe another."""

from hypothesis import given, settings
from hypothesis import strategies as st

from evidence.entry import AGREEMENT_RANK, RANK
from evidence.history import History, Visit
from evidence.ledger import Entry, build_ledger, current
from evidence.snapshot import ClockQuality, OdometerPart
from protocols.readings import ItemStatus, Trust
from tests.evidence.cars import KM, history, service, snapshot, visit, witness


def _hint(odometer_m: int, ecu: str = "714") -> OdometerPart:
    return witness(odometer_m, source="row-1", ecu=ecu, trust=Trust.HINT)


def _ledger(*visits: Visit) -> tuple[Entry, ...]:
    return build_ledger(history(*visits))


def _current_m(*visits: Visit) -> int | None:
    found = current(_ledger(*visits))
    return found.odometer_m if found else None


def test_every_value_is_kept_with_where_it_comes_from() -> None:
    car = visit(snapshot(68_000 * KM), dash_m=68_001 * KM, papers_m=60_000 * KM)

    entries = {entry.source: entry for entry in _ledger(car)}

    assert entries["01A6"].id == "s1/odometer/0"
    assert (entries["01A6"].ecu, entries["01A6"].trust) == ("7E8", Trust.STANDARD)
    assert (entries["dash"].id, entries["dash"].trust) == ("s1/dash", Trust.TYPED)
    assert (entries["papers"].id, entries["papers"].trust) == ("s1/papers", Trust.PAPER)


def test_what_was_not_read_is_no_entry() -> None:
    unread = (witness(None), witness(5 * KM, status=ItemStatus.CORRUPT))

    assert _ledger(visit(snapshot(odometer=unread))) == ()


def test_a_dash_value_in_the_snapshot_is_not_counted_twice() -> None:
    typed = witness(68_000 * KM, source="dash", ecu="", trust=Trust.TYPED)

    entries = _ledger(visit(snapshot(odometer=(typed,)), dash_m=68_000 * KM))

    assert [entry.id for entry in entries] == ["s1/odometer/0"]


def test_a_corrected_dash_value_withdraws_the_first_one() -> None:
    typed = witness(86_000 * KM, source="dash", ecu="", trust=Trust.TYPED)

    first, corrected = _ledger(visit(snapshot(odometer=(typed,)), dash_m=68_000 * KM))

    assert (first.voided, corrected.id) == ("corrected", "s1/dash")
    assert current((first, corrected)) is corrected


def test_current_is_the_most_trusted_not_the_largest() -> None:
    many = (_hint(900_000 * KM), witness(68_000 * KM), witness(68_020 * KM, source="vag", trust=Trust.CONFIRMED))

    assert _current_m(visit(snapshot(odometer=many), dash_m=99_000 * KM)) == 68_000 * KM


def test_the_most_recent_visit_goes_before_a_better_source() -> None:
    read_before = visit(snapshot(50_000 * KM, id="a"), days_ago=300)
    typed_now = visit(snapshot(None, id="b"), dash_m=60_000 * KM)

    assert _current_m(read_before, typed_now) == 60_000 * KM


def test_a_lone_hint_serves_only_while_nothing_better_was_ever_seen() -> None:
    hint_now = visit(snapshot(odometer=(_hint(610_000 * KM),), id="b"))

    assert _current_m(hint_now) == 610_000 * KM
    assert _current_m(visit(snapshot(50_000 * KM, id="a"), days_ago=300), hint_now) == 50_000 * KM


def test_two_hints_of_different_units_that_agree_stand_above_a_typed_value() -> None:
    two = (_hint(68_000 * KM, "714"), _hint(68_010 * KM, "77A"))

    assert _current_m(visit(snapshot(odometer=two), dash_m=86_000 * KM)) == 68_000 * KM


def test_one_unit_asked_twice_does_not_agree_with_itself() -> None:
    same = (_hint(610_000 * KM), _hint(610_000 * KM))

    assert _current_m(visit(snapshot(odometer=same), dash_m=61_000 * KM)) == 61_000 * KM


def test_zero_is_no_reading() -> None:
    (entry,) = _ledger(visit(snapshot(0)))

    assert (entry.quarantined, current((entry,))) == ("zero", None)


def test_a_misframed_answer_is_more_than_any_car_drives() -> None:
    (entry,) = _ledger(visit(snapshot(354_020_591 * KM)))

    assert entry.quarantined == "implausible"


def test_a_value_below_an_earlier_one_is_quarantined_and_never_current() -> None:
    before, now = visit(snapshot(180_000 * KM, id="a"), days_ago=90), visit(snapshot(68_000 * KM, id="b"))

    entries = _ledger(before, now)

    assert [entry.quarantined for entry in entries] == ["", "below_earlier"]
    assert _current_m(before, now) == 180_000 * KM


def test_copies_of_one_car_may_lag_a_little() -> None:
    before, now = visit(snapshot(68_010 * KM, id="a"), days_ago=1), visit(snapshot(68_000 * KM, id="b"))

    assert _current_m(before, now) == 68_000 * KM


def test_more_than_a_car_drives_in_a_day_is_quarantined() -> None:
    before, now = visit(snapshot(50_000 * KM, id="a"), days_ago=1), visit(snapshot(60_000 * KM, id="b"))

    assert _ledger(before, now)[1].quarantined == "too_fast"


def test_a_clock_that_was_never_set_proves_no_haste() -> None:
    unset = snapshot(60_000 * KM, id="b").model_copy(update={"clock": ClockQuality.NONE})
    before = visit(snapshot(50_000 * KM, id="a"), days_ago=1)

    assert _ledger(before, visit(unset))[1].quarantined == ""


def test_a_typed_slip_does_not_poison_what_is_read_later() -> None:
    slip = visit(snapshot(None, id="a"), days_ago=30, dash_m=680_000 * KM)
    now = visit(snapshot(68_500 * KM, id="b"))

    typed, read = _ledger(slip, now)

    assert (typed.quarantined, read.quarantined) == ("above_later", "")
    assert _current_m(slip, now) == 68_500 * KM


def test_a_typed_value_that_may_be_true_is_left_to_the_checks() -> None:
    before = visit(snapshot(None, id="a"), days_ago=30, dash_m=135_000 * KM)

    assert [entry.quarantined for entry in _ledger(before, visit(snapshot(68_000 * KM, id="b")))] == ["", ""]


def test_services_stand_where_their_date_puts_them() -> None:
    car = history(
        visit(snapshot(50_000 * KM, id="a"), days_ago=100),
        visit(snapshot(60_000 * KM, id="b")),
        services=(service(days_ago=50, odometer_m=55_000 * KM),),
    )

    assert [entry.source for entry in build_ledger(car)] == ["01A6", "service", "01A6"]


def test_a_service_typed_later_is_current_until_the_next_reading() -> None:
    car = history(visit(snapshot(50_000 * KM), days_ago=100), services=(service(days_ago=5, odometer_m=55_000 * KM),))

    found = current(build_ledger(car))

    assert found is not None
    assert (found.source, found.odometer_m) == ("service", 55_000 * KM)


def test_a_car_without_visits_has_an_empty_ledger() -> None:
    assert build_ledger(History("x", ())) == ()
    assert current(()) is None


_STEPS = st.lists(st.tuples(st.integers(1, 400), st.integers(0, 200 * KM)), min_size=1, max_size=8)


@settings(max_examples=40)
@given(st.integers(1 * KM, 300_000 * KM), _STEPS)
def test_a_car_that_only_drives_on_is_never_quarantined(start_m: int, steps: list[tuple[int, int]]) -> None:
    visits, days, odometer_m = [], sum(day for day, _ in steps), start_m
    for number, (day, per_day_m) in enumerate(steps):
        visits.append(visit(snapshot(odometer_m, id=f"v{number}"), days_ago=days, dash_m=odometer_m))
        days -= day
        odometer_m += day * per_day_m

    entries = _ledger(*visits)

    assert {entry.quarantined for entry in entries} == {""}
    assert entries[-1].odometer_m == _current_m(*visits)


@settings(max_examples=40)
@given(
    st.lists(
        st.tuples(st.integers(-1, 900_000_000), st.sampled_from(list(Trust)), st.sampled_from(["7E8", "714", ""])),
        max_size=8,
    )
)
def test_current_is_always_a_usable_entry_of_the_ledger(values: list[tuple[int, Trust, str]]) -> None:
    visits = [
        visit(snapshot(odometer=(witness(value, trust=trust, ecu=ecu),), id=f"v{n}"), days_ago=len(values) - n)
        for n, (value, trust, ecu) in enumerate(values)
    ]

    entries = _ledger(*visits)
    found = current(entries)

    assert len(entries) == len(values)
    assert found is None or (found in entries and found.usable)
    assert (found is None) == (not any(entry.usable for entry in entries))


def test_a_service_of_the_same_moment_stands_after_the_visit() -> None:
    car = history(visit(snapshot(50_000 * KM)), services=(service(days_ago=0, odometer_m=50_000 * KM),))

    assert [entry.source for entry in build_ledger(car)] == ["01A6", "service"]


def test_the_ranks_follow_the_rule() -> None:
    ordered = (Trust.STANDARD, Trust.CONFIRMED, Trust.PHOTO, Trust.TYPED, Trust.UPSTREAM, Trust.PAPER, Trust.HINT)

    assert sorted(Trust, key=RANK.__getitem__) == list(ordered)
    assert RANK[Trust.CONFIRMED] < AGREEMENT_RANK < RANK[Trust.PHOTO]
