"""A replaced cluster or a switched unit joins two lives of a car by an offset; what was shown stays as it was."""

from dataclasses import replace

import pytest

from evidence.entry import Entry
from evidence.followers import breaks_by
from evidence.history import EventKind, History, MileageRecord, OdometerEvent, Visit, Void
from evidence.ledger import build_ledger, current
from evidence.snapshot import ClockQuality, OdometerPart, Snapshot
from evidence.verdict import judge
from protocols.readings import Trust
from tests.evidence.cars import KM, NOW, check, counters, snapshot, visit, witness


def _swap(days_ago: float, before_km: int, after_km: int) -> OdometerEvent:
    at = visit(snapshot(), days_ago=days_ago).at or NOW
    return OdometerEvent("e", at, EventKind.CLUSTER_REPLACED, "LW", before_km * KM, after_km * KM)


def _switch(days_ago: float, kind: EventKind) -> OdometerEvent:
    return OdometerEvent("u", visit(snapshot(), days_ago=days_ago).at or NOW, kind, "LW")


def _typed(km: int, name: str, days_ago: float, *parts: OdometerPart, clock: ClockQuality | None = None) -> Visit:
    reading = snapshot(id=name, odometer=parts or (), **({} if parts else {"odometer_m": None}))  # type: ignore[arg-type]
    told = reading if clock is None else reading.model_copy(update={"clock": clock})
    return visit(told, days_ago=days_ago, dash_m=km * KM)


def _row(km: int, ecu: str) -> OdometerPart:
    return witness(km * KM, source=f"row-{ecu}", ecu=ecu, trust=Trust.CONFIRMED)


def _lives(entries: tuple[Entry, ...]) -> dict[str, tuple[int, int]]:
    return {entry.id: (entry.odometer_m // KM, entry.life_m // KM) for entry in entries}


def test_what_was_shown_stays_and_what_was_covered_goes_on() -> None:
    car = History("car", (_typed(80_000, "a", 90), _typed(5_123, "b", 0)), events=(_swap(30, 85_000, 0),))

    entries = build_ledger(car)
    found = current(entries)

    assert _lives(entries) == {"a/dash": (80_000, 80_000), "b/dash": (5_123, 90_123)}
    assert found is not None
    assert found.life_m == 90_123 * KM
    assert {entry.quarantined for entry in entries} == {""}
    assert str(check(judge(car, now=NOW), "K8").result) == "consistent"
    assert judge(car, now=NOW).current_odometer_m == 90_123 * KM


def test_a_negative_number_beside_a_replaced_cluster_breaks_nothing() -> None:
    seen = (_typed(80_000, "a", 90, _row(80_000, "720")), _typed(-5, "b", 0, _row(85_500, "720")))
    judgement = judge(History("car", seen, events=(_swap(30, 85_000, 0),)), now=NOW)

    assert judgement.current_odometer_m == 85_500 * KM


def test_a_second_cluster_adds_to_the_first() -> None:
    events = (_swap(60, 85_000, 0), _swap(20, 9_000, 150_000))
    car = History("car", (_typed(80_000, "a", 90), _typed(7_000, "b", 40), _typed(151_000, "c", 0)), events=events)

    assert _lives(build_ledger(car)) == {
        "a/dash": (80_000, 80_000),
        "b/dash": (7_000, 92_000),
        "c/dash": (151_000, 95_000),
    }


def test_a_unit_goes_with_the_cluster_when_it_says_what_the_cluster_says() -> None:
    before = _typed(80_000, "a", 90, _row(80_000, "714"), _row(80_010, "710"))
    after = _typed(6_000, "b", 0, _row(6_000, "714"), _row(91_010, "710"))
    car = History("car", (before, after), events=(_swap(30, 85_000, 0),))

    lives = _lives(build_ledger(car))

    assert lives["b/odometer/0"] == (6_000, 91_000)
    assert lives["b/odometer/1"] == (91_010, 91_010)
    assert {str(check(judge(car, now=NOW), name).result) for name in ("K1", "K2", "K8")} == {"consistent"}


@pytest.mark.parametrize(("after_km", "shown_km", "moved"), [(0, 6_000, True), (150_000, 156_000, True)])
def test_without_a_dashboard_a_unit_shows_by_its_jump_that_it_went_along(
    after_km: int, shown_km: int, moved: bool
) -> None:
    before = visit(snapshot(id="a", odometer=(_row(80_000, "714"),)), days_ago=90)
    after = visit(snapshot(id="b", odometer=(_row(shown_km, "714"),)))
    car = History("car", (before, after), events=(_swap(30, 85_000, after_km),))

    assert (_lives(build_ledger(car))["b/odometer/0"][1] == 91_000) is moved


def test_miles_are_joined_from_the_switch_on_and_back() -> None:
    events = (_switch(60, EventKind.SHOWS_MILES), _switch(20, EventKind.SHOWS_KM))
    car = History("car", (_typed(80_467, "a", 90), _typed(52_000, "b", 40), _typed(85_000, "c", 0)), events=events)

    lives = _lives(build_ledger(car))

    assert [lives[name][1] for name in ("a/dash", "b/dash", "c/dash")] == [80_467, 83_685, 85_000]


def test_a_visit_that_nobody_dated_comes_after_the_event_when_only_that_explains_it() -> None:
    undated = _typed(6_000, "b", 9_000, clock=ClockQuality.NONE)
    car = History("car", (_typed(80_000, "a", 90), undated), events=(_swap(30, 85_000, 0),))
    before = _typed(83_000, "b", 9_000, clock=ClockQuality.NONE)
    other = History("car", (_typed(80_000, "a", 90), before), events=(_swap(30, 85_000, 0),))

    assert _lives(build_ledger(car))["b/dash"] == (6_000, 91_000)
    assert _lives(build_ledger(other))["b/dash"] == (83_000, 83_000)


def test_every_kind_of_witness_has_its_place_and_keeps_what_it_said() -> None:
    said = (
        MileageRecord("p1", visit(snapshot(), days_ago=50).at, 70_000 * KM, "photo", Trust.PHOTO, raw="sha256:1"),
        MileageRecord("u1", visit(snapshot(), days_ago=70).at, 60_000 * KM, "upstream", Trust.UPSTREAM, unit="km"),
        MileageRecord("m1", visit(snapshot(), days_ago=10).at, 79_000 * KM, "manual", Trust.TYPED, person="LW"),
    )
    lifetime = witness(80_000 * KM, source="0917")
    car = History("car", (visit(snapshot(id="v", odometer=(lifetime,))),), mileages=said)

    entries = build_ledger(car, NOW)

    assert [entry.source for entry in entries] == ["upstream", "photo", "manual", "0917"]
    assert [entry.person for entry in entries] == ["", "", "LW", ""]
    assert (entries[1].raw, entries[1].trust, entries[0].unit) == ("sha256:1", Trust.PHOTO, "km")
    assert build_ledger(History("car", car.visits, mileages=said[::-1]), NOW) == entries


def test_a_record_dated_in_the_future_is_kept_and_not_believed() -> None:
    ahead = MileageRecord("m1", NOW.replace(year=2099), 900_000 * KM, "manual", Trust.TYPED)
    car = History("car", (visit(snapshot(80_000 * KM)),), mileages=(ahead,))

    entries = build_ledger(car, NOW)

    assert {entry.id: entry.quarantined for entry in entries}["m1"] == "future"
    assert judge(car, now=NOW).current_odometer_m == 80_000 * KM


def test_far_more_than_this_car_ever_drives_is_a_deviation() -> None:
    seen = tuple(_typed(10_000 + 1_000 * n, f"v{n}", 700 - 70 * n) for n in range(10))
    typed = MileageRecord("m1", NOW, 99_000 * KM, "manual", Trust.TYPED)

    entries = build_ledger(History("car", seen, mileages=(typed,)), NOW)

    assert entries[-1].quarantined == "deviates"


def test_a_voided_value_is_shown_with_its_reason_and_never_current() -> None:
    car = (_typed(80_000, "a", 90), _typed(61_234, "b", 0))
    voids = (Void("a/dash", "read off another car", "LW", NOW),)

    entries = build_ledger(History("car", car, voids=voids))

    assert entries[0].voided == "read off another car"
    assert judge(History("car", car, voids=voids), now=NOW).current_odometer_m == 61_234 * KM
    assert (
        check(judge(History("car", car), now=NOW), "K8").result
        != check(judge(History("car", car, voids=voids), now=NOW), "K8").result
    )


def test_a_maker_row_that_agreed_at_two_mileages_is_an_odometer_from_then_on() -> None:
    def seen(km: int, dash_km: int, name: str, days_ago: float) -> Visit:
        hint = witness(km * KM, source="row-9", ecu="714", trust=Trust.HINT)
        return visit(snapshot(id=name, odometer=(hint,)), days_ago=days_ago, dash_m=dash_km * KM)

    first, second, now = seen(50_000, 50_000, "a", 300), seen(60_000, 60_001, "b", 200), seen(70_000, 55_432, "c", 0)

    assert str(check(judge(History("car", (first, second, now)), now=NOW), "K1").result) == "suspicious"
    assert str(check(judge(History("car", (second, now)), now=NOW), "K1").result) == "not_determinable"


def test_a_cluster_unit_that_shows_the_dashboards_number_goes_with_it_whatever_was_driven() -> None:
    """The distance counted since a clear on the way says too little."""
    before = visit(_counting(60_918, "a", 2_438), days_ago=300, dash_m=60_918 * KM)
    after = visit(_counting(62_183, "b", 3_402), dash_m=62_183 * KM)
    car = History("car", (before, after), events=(_swap(150, 66_933, 61_067),))

    assert _lives(build_ledger(car))["b/odometer/0"] == (62_183, 68_049)


def test_a_slip_on_the_dashboard_still_shows_which_unit_went_along() -> None:
    before, after = _typed(82_894, "a", 300, _row(82_894, "77E")), _typed(69_943, "b", 0, _row(96_943, "77E"))
    car = History("car", (before, after), events=(_swap(150, 92_915, 86_167),))

    entries = build_ledger(car)

    assert _lives(entries)["b/odometer/0"] == (96_943, 103_691)
    assert {entry.id: entry.quarantined for entry in entries}["b/dash"] == "slip"


def test_a_unit_read_on_the_day_of_the_bill_tells_the_new_cluster_where_a_slip_does_not() -> None:
    same_day = _typed(8_601, "a", 30, _row(78_601, "77E"), _row(10_522, "718"))
    later = _typed(90_955, "b", 0, _row(90_955, "77E"), _row(22_876, "718"))
    car = History("car", (same_day, later), events=(_swap(30, 10_520, 78_601),))

    lives = _lives(build_ledger(car))

    assert lives["a/odometer/0"] == (78_601, 10_520)
    assert lives["b/odometer/0"] == (90_955, 22_874)


def _counting(km: int, name: str, counted_km: int, clock: ClockQuality = ClockQuality.NTP) -> Snapshot:
    values = counters(distance_since_clear_m=counted_km * KM)
    return snapshot(id=name, odometer=(_row(km, "77E"),), values=values).model_copy(update={"clock": clock})


@pytest.mark.parametrize(("counted_km", "life_km"), [(34_726, 98_583), (45_000, 43_834)])
def test_the_distance_counted_to_the_next_visit_places_one_that_nobody_dated(counted_km: int, life_km: int) -> None:
    undated = _counting(43_834, "b", 15_456, ClockQuality.NONE)
    visits = (
        visit(_counting(29_767, "a", 29_754), days_ago=900, dash_m=29_767 * KM),
        visit(undated, days_ago=9_000, dash_m=43_834 * KM),
        visit(_counting(63_105, "c", counted_km), days_ago=0, dash_m=63_105 * KM),
    )
    car = History("car", visits, events=(_swap(700, 64_621, 9_872),))

    assert _lives(build_ledger(car))["b/dash"] == (43_834, life_km)


def test_a_slip_above_the_next_value_does_not_tell_that_a_visit_came_after_the_event() -> None:
    visits = (
        _typed(16_433, "a", 900),
        _typed(250_061, "b", 9_000, clock=ClockQuality.NONE),
        _typed(41_331, "c", 300),
        _typed(58_875, "d", 0),
    )
    entries = build_ledger(History("car", visits, events=(_swap(600, 25_478, 35_480),)))

    assert _lives(entries)["b/dash"] == (250_061, 250_061)
    assert entries[1].quarantined != ""
    assert entries[-1].quarantined == ""


def test_a_dashboard_that_falls_only_at_the_next_visit_was_seen_before_the_cluster_was_replaced() -> None:
    """The clock ran ahead by a month: its visit is dated five days after the bill."""
    visits = (
        _typed(40_093, "a", 1_000),
        _typed(81_415, "b", 495, clock=ClockQuality.RTC),
        _typed(15_025, "c", 300),
        _typed(43_912, "d", 0),
    )
    lives = _lives(build_ledger(History("car", visits, events=(_swap(500, 82_778, 2_655),))))

    assert lives["b/dash"] == (81_415, 81_415)
    assert lives["c/dash"] == (15_025, 95_148)


def test_a_paper_beyond_the_old_cluster_was_written_after_the_new_one_came() -> None:
    def seen(papers_km: int) -> tuple[int, int]:
        undated = _typed(129_165, "b", 9_000, clock=ClockQuality.NONE)
        visits = _typed(24_945, "a", 900), replace(undated, papers_m=papers_km * KM), _typed(121_331, "c", 0)
        return _lives(build_ledger(History("car", visits, events=(_swap(700, 27_333, 121_424),))))["b/dash"]

    assert seen(32_345) == (129_165, 35_074)
    assert seen(26_345) == (129_165, 129_165)


def test_a_unit_in_step_with_the_old_cluster_went_with_it_when_it_stands_below_its_end() -> None:
    """36,684 and then 44,181 rose, but the old cluster had come to 68,264 in between."""
    before = _typed(36_684, "a", 900, _row(36_684, "77E"))
    apart = _typed(26_684, "a", 900, _row(36_684, "77E"))
    after = visit(snapshot(id="b", odometer=(_row(44_181, "77E"),)))

    def life_km(*visits: Visit) -> int:
        return _lives(build_ledger(History("car", visits, events=(_swap(300, 68_264, 35_243),))))["b/odometer/0"][1]

    assert life_km(before, after) == 77_202
    assert life_km(apart, after) == 44_181


def test_a_paper_of_the_visit_tells_which_unit_went_with_the_cluster() -> None:
    first = visit(snapshot(id="a", odometer=(_row(36_684, "77E"),)), days_ago=900)
    after = visit(snapshot(id="b", odometer=(_row(44_181, "77E"),)), papers_m=76_290 * KM)
    car = History("car", (first, after), events=(_swap(300, 68_264, 35_243),))

    assert _lives(build_ledger(car))["b/odometer/0"] == (44_181, 77_202)


def test_a_paper_of_the_visit_tells_the_new_cluster_where_both_could_show_its_number() -> None:
    """63,457 lies between what the old cluster showed before and at its end; the service book says 93,098."""

    def seen(papers_km: int) -> tuple[int, int]:
        undated = _typed(63_457, "b", 9_000, clock=ClockQuality.NONE)
        visits = _typed(53_971, "a", 2_000), replace(undated, papers_m=papers_km * KM)
        return _lives(build_ledger(History("car", visits, events=(_swap(700, 93_875, 62_149),))))["b/dash"]

    assert seen(93_098) == (63_457, 95_183)
    assert seen(62_098) == (63_457, 63_457)


def test_a_unit_that_fell_tells_of_the_new_cluster_and_one_first_seen_tells_nothing() -> None:
    """Nobody dated the visit, and the dashboard was not typed: 64,621 became 9,872."""
    before = visit(snapshot(id="a", odometer=(_row(60_000, "714"),)), days_ago=900)

    def life_km(ecu: str, km: int) -> int:
        reading = snapshot(id="b", odometer=(_row(km, ecu),)).model_copy(update={"clock": ClockQuality.NONE})
        car = History("car", (before, visit(reading, days_ago=9_000)), events=(_swap(700, 64_621, 9_872),))
        return _lives(build_ledger(car))["b/odometer/0"][1]

    assert life_km("714", 13_834) == 68_583
    assert life_km("710", 13_834) == 13_834
    assert life_km("714", 9_000) == 9_000


def test_a_dashboard_that_neither_fits_is_asked_for_a_slip_only_then() -> None:
    """96,943 went with the cluster though the dashboard's slip is nearer to what it would show had it gone on."""
    before = _typed(82_894, "a", 300, _row(82_894, "77E"))

    def car_of(dash_km: int) -> History:
        after = _typed(dash_km, "b", 0, _row(96_943, "77E"))
        return History("car", (before, after), events=(_swap(150, 92_915, 86_167),))

    assert _lives(build_ledger(car_of(96_943)))["b/odometer/0"] == (96_943, 103_691)
    assert _lives(build_ledger(car_of(90_195)))["b/odometer/0"] == (96_943, 96_943)
    assert _lives(build_ledger(car_of(90_915)))["b/odometer/0"] == (96_943, 96_943)


def test_a_slip_between_the_old_cluster_and_the_new_one_tells_nothing_against_the_date() -> None:
    """57,414 miles were meant: 56,414 is less than the new cluster began with, but more than the old one showed."""
    switched = _switch(2_000, EventKind.SHOWS_MILES)
    visits = (
        _typed(21_509, "a", 1_300),
        _typed(33_305, "b", 520),
        _typed(56_414, "c", 5, clock=ClockQuality.RTC),
        _typed(59_866, "d", 0),
    )
    lives = _lives(build_ledger(History("car", visits, events=(switched, _swap(18, 64_482, 92_101)))))

    assert lives["c/dash"] == (56_414, 63_170)
    assert lives["d/dash"] == (59_866, 68_725)


def test_a_visit_that_shows_a_later_cluster_came_after_all_events_before_that_one() -> None:
    """Nobody dated it, and its dashboard is a slip; but the cluster's unit says what only the new one can."""
    row = _row(47_459, "77E")
    undated = _typed(19_489, "a", 9_000, row, _row(22_689, "718"), clock=ClockQuality.NONE)
    later = _typed(36_229, "b", 100, _row(58_306, "77E"), _row(33_536, "718"))
    events = (_switch(900, EventKind.SHOWS_MILES), _swap(500, 18_963, 43_733))

    lives = _lives(build_ledger(History("car", (undated, later), events=events)))

    assert lives["a/odometer/0"] == (47_459, 22_689)
    assert lives["b/dash"] == (36_229, 33_534)


@pytest.mark.parametrize(("km", "counted_km", "life_km"), [(91_000, 12_000, 91_000), (6_000, 12_000, 91_000)])
def test_without_a_dashboard_the_distance_counted_tells_whether_a_unit_went_along(
    km: int, counted_km: int, life_km: int
) -> None:
    before = visit(_counting(80_000, "a", 1_000), days_ago=90)
    car = History("car", (before, visit(_counting(km, "b", counted_km))), events=(_swap(30, 85_000, 0),))

    assert _lives(build_ledger(car))["b/odometer/0"] == (km, life_km)


@pytest.mark.parametrize(
    ("last_km", "shown_km", "before"), [(45_000, 49_000, True), (45_000, 51_000, False), (49_500, 49_000, False)]
)
def test_what_only_the_old_cluster_can_have_shown_was_seen_before_it_was_replaced(
    last_km: int, shown_km: int, before: bool
) -> None:
    """Dated five days after the bill, by a clock that may be a month off; the new cluster began with 95,000."""
    visits = _typed(last_km, "a", 900), _typed(shown_km, "b", 495, clock=ClockQuality.RTC)
    lives = _lives(build_ledger(History("car", visits, events=(_swap(500, 50_000, 95_000),))))

    assert lives["b/dash"] == (shown_km, shown_km if before else shown_km - 45_000)


def test_a_unit_that_shows_the_new_clusters_number_puts_its_visit_after_whatever_was_typed() -> None:
    visits = (
        _typed(45_000, "a", 900, _row(45_000, "77E")),
        _typed(49_000, "b", 505, _row(96_000, "77E"), clock=ClockQuality.RTC),
    )
    lives = _lives(build_ledger(History("car", visits, events=(_swap(500, 50_000, 95_000),))))

    assert lives["b/odometer/0"] == (96_000, 51_000)


def test_a_paper_of_the_visit_tells_also_that_a_unit_went_on() -> None:
    first = visit(snapshot(None, id="a"), days_ago=90, dash_m=80_000 * KM)
    after = visit(snapshot(id="b", odometer=(_row(91_000, "714"),)), papers_m=90_000 * KM)

    assert _lives(build_ledger(History("car", (first, after), events=(_swap(30, 85_000, 0),))))["b/odometer/0"] == (
        91_000,
        91_000,
    )


def test_a_unit_that_rose_by_what_was_driven_did_not_go_along_though_the_new_cluster_shows_more() -> None:
    before = visit(_counting(80_000, "a", 1_000), days_ago=90)
    car = History("car", (before, visit(_counting(95_000, "b", 16_000))), events=(_swap(30, 85_000, 90_000),))

    assert _lives(build_ledger(car))["b/odometer/0"] == (95_000, 95_000)


@pytest.mark.parametrize(
    ("by_m", "value_m", "last_m", "breaks"),
    [
        (20_000_000, 60_000_000, 80_000_000, True),
        (20_000_000, 79_760_000, 80_000_000, False),
        (20_000_000, 79_759_999, 80_000_000, True),
        (20_000_000, 80_000_000, 80_000_000, False),
        (-20_000_000, 100_000_000, 80_000_000, True),
        (-20_000_000, 99_999_999, 80_000_000, False),
    ],
)
def test_a_unit_breaks_with_the_cluster_when_it_falls_or_rises_by_all_of_it(
    by_m: int, value_m: int, last_m: int, breaks: bool
) -> None:
    assert breaks_by(by_m, value_m, last_m) is breaks


@pytest.mark.parametrize(("counted_km", "life_km"), [(26_000, 105_000), (None, 85_000)])
def test_a_unit_that_rose_as_far_as_the_counter_ran_did_not_go_with_a_cluster_that_shows_more(
    counted_km: int | None, life_km: int
) -> None:
    def seen(km: int, name: str, days_ago: float, since_km: int | None) -> Visit:
        told = None if since_km is None else since_km * KM
        reading = snapshot(id=name, odometer=(_row(km, "720"),), values=counters(distance_since_clear_m=told))
        return visit(reading, days_ago=days_ago)

    visits = (seen(80_000, "a", 400, 1_000), seen(105_000, "b", 0, counted_km))
    entries = build_ledger(History("car", visits, events=(_swap(390, 80_500, 100_500),)))

    assert _lives(entries)["b/odometer/0"] == (105_000, life_km)
