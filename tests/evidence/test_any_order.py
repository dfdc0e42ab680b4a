"""The order in which facts arrive changes nothing: not the ledger, not the judgement, not what is due."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from evidence.chronology import by_time
from evidence.history import EventKind, History, MileageRecord, OdometerEvent, ServiceRecord, Visit, Void
from evidence.ledger import build_ledger
from evidence.snapshot import ClockQuality
from evidence.verdict import judge
from protocols.readings import Trust
from tests.evidence.cars import KM, counters, snapshot

BEGAN = datetime(2024, 1, 31, 8, 0, tzinfo=UTC)
NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
_DAYS = st.lists(st.integers(0, 1_000), min_size=1, max_size=6, unique=True)
_KM = st.integers(1, 300_000)


def _visit(day: int, km: int, *, clock: ClockQuality, dash_km: int | None, counted_km: int) -> Visit:
    reading = snapshot(km * KM, id=f"v{day}", values=counters(distance_since_clear_m=counted_km * KM))
    at = BEGAN + timedelta(days=day)
    told = reading.model_copy(update={"clock": clock, "taken_at": at})
    return Visit(at, told, dash_m=None if dash_km is None else dash_km * KM, papers_m=km * KM if day % 3 == 0 else None)


@st.composite
def _histories(draw: st.DrawFn) -> History:
    visits = tuple(
        _visit(
            day,
            draw(_KM),
            clock=draw(st.sampled_from([ClockQuality.NTP, ClockQuality.RTC])),
            dash_km=draw(st.none() | _KM),
            counted_km=draw(st.integers(0, 65_535)),
        )
        for day in draw(_DAYS)
    )
    services = tuple(
        ServiceRecord(f"w{n}", BEGAN + timedelta(days=day), draw(_KM) * KM) for n, day in enumerate(draw(_DAYS))
    )
    mileages = tuple(
        MileageRecord(f"m{n}", BEGAN + timedelta(days=day), draw(_KM) * KM, "photo", Trust.PHOTO)
        for n, day in enumerate(draw(_DAYS))
    )
    at = BEGAN + timedelta(days=draw(st.integers(0, 1_000)))
    events = (
        OdometerEvent("e1", at, EventKind.CLUSTER_REPLACED, "LW", draw(_KM) * KM, draw(_KM) * KM),
        OdometerEvent("e2", at + timedelta(days=90), EventKind.SHOWS_MILES, "LW"),
    )
    voids = (Void("m0", "of another car", "LW", NOW), Void("w0/odometer", "misread", "LW", NOW))
    return History("car", visits, services, mileages=mileages, events=events, voids=voids)


def _shuffled(history: History, random: Random) -> History:
    return replace(
        history,
        visits=tuple(random.sample(history.visits, len(history.visits))),
        services=tuple(random.sample(history.services, len(history.services))),
        mileages=tuple(random.sample(history.mileages, len(history.mileages))),
        events=tuple(random.sample(history.events, len(history.events))),
        voids=tuple(random.sample(history.voids, len(history.voids))),
    )


def _ordered(history: History) -> History:
    return replace(history, visits=by_time(history.visits, NOW))


@settings(max_examples=25)
@given(_histories(), st.randoms(use_true_random=False))
def test_whatever_order_facts_arrive_in_they_say_the_same(history: History, random: Random) -> None:
    one, other = _ordered(history), _ordered(_shuffled(history, random))

    assert build_ledger(one, NOW) == build_ledger(other, NOW)
    assert judge(one, now=NOW) == judge(other, now=NOW)


@settings(max_examples=15)
@given(_histories(), st.integers(0, 5))
def test_nothing_that_was_given_is_lost_or_changed(history: History, more: int) -> None:
    entries = build_ledger(_ordered(history), NOW)
    given_m = [visit.snapshot.odometer[0].odometer_m for visit in history.visits]
    given_m += [visit.dash_m for visit in history.visits if visit.dash_m is not None]
    given_m += [visit.papers_m for visit in history.visits if visit.papers_m is not None]
    given_m += [record.odometer_m for record in history.services]
    given_m += [record.odometer_m for record in history.mileages]

    assert sorted(entry.odometer_m for entry in entries) == sorted(value for value in given_m if value is not None)


@settings(max_examples=15)
@given(_histories(), st.integers(1, 3_650))
def test_a_clock_set_back_loses_no_value_and_never_raises(history: History, back_days: int) -> None:
    """Records dated after a clock that was set back are ahead of it: kept, and where they have no visit, doubted."""
    then = NOW - timedelta(days=back_days)
    entries = build_ledger(replace(history, visits=by_time(history.visits, then)), then)

    assert {entry.id for entry in entries} == {entry.id for entry in build_ledger(_ordered(history), NOW)}
    ahead = [
        entry for entry in entries if entry.visit < 0 and entry.at is not None and entry.at > then + timedelta(days=1)
    ]
    assert {entry.quarantined for entry in ahead} <= {"future"}


_WILD_M = st.sampled_from((-(2**63), -(2**31), -1, 0, 1, 2**32 * 100, 2**63, 10**30)) | st.integers(-(10**12), 10**12)


@settings(max_examples=25)
@given(st.lists(st.tuples(_WILD_M, st.none() | _WILD_M, st.none() | _WILD_M), min_size=1, max_size=4), _WILD_M)
def test_no_number_breaks_a_judgement_and_none_that_no_car_drives_is_believed(
    seen: list[tuple[int, int | None, int | None]], noted_m: int
) -> None:
    """Negative, overflown, beyond all bounds: kept as given, and never current."""
    visits = tuple(
        Visit(BEGAN + timedelta(days=90 * place), snapshot(read_m, id=f"v{place}"), dash_m=dash_m, papers_m=papers_m)
        for place, (read_m, dash_m, papers_m) in enumerate(seen)
    )
    services = (ServiceRecord("w", BEGAN, noted_m),)
    mileages = (MileageRecord("m", BEGAN, noted_m, "photo", Trust.PHOTO),)

    judgement = judge(History("car", visits, services, mileages=mileages), now=NOW)

    assert judgement.current_odometer_m is None or 0 < judgement.current_odometer_m <= 5_000_000_000
