"""K4 and K5: recently cleared memory; a battery change and a workshop look the same and are said to."""

from dataclasses import replace

import pytest

from evidence.checks.sureness import SURE
from evidence.history import ServiceRecord
from evidence.snapshot import CounterPart, CountersPart, DtcPart, ItemPart, Result, Snapshot
from protocols.readings import DtcClass, ItemStatus, Monitor
from tests.evidence.cars import (
    ASKED,
    HOUR_S,
    KM,
    NOT_READY,
    READY,
    check,
    code,
    counters,
    judged,
    reason,
    service,
    snapshot,
    visit,
)

RECENT = counters(distance_since_clear_m=20 * KM, warmups_since_clear=2, time_since_clear_s=HOUR_S)
LONG_AGO = counters(distance_since_clear_m=9_000 * KM, warmups_since_clear=255)


def _k4(reading: Snapshot) -> tuple[Result, str]:
    part = check(judged(visit(reading)), "K4")
    return part.result, reason(part)


def _repair(*, days_ago: float) -> ServiceRecord:
    return replace(service(days_ago=days_ago), items=("oil_and_filter", "repair"))


def test_small_counters_and_open_monitors_need_an_explanation() -> None:
    part = check(judged(visit(snapshot(values=RECENT, readiness=NOT_READY))), "K4")

    assert (part.result, part.confidence) == (Result.SUSPICIOUS, SURE["K4.suspicious"])
    assert "battery" in part.text.en
    assert "蓄电池" in part.text.zh
    assert "s1/readiness/catalyst" in part.evidence


def test_small_counters_with_all_monitors_complete_are_ordinary() -> None:
    assert _k4(snapshot(values=RECENT, readiness=READY))[0] is Result.CONSISTENT


def test_open_monitors_long_after_a_clear_are_ordinary() -> None:
    assert _k4(snapshot(values=LONG_AGO, readiness=NOT_READY))[0] is Result.CONSISTENT


def test_one_large_counter_is_enough_to_be_long_ago() -> None:
    mixed = counters(distance_since_clear_m=900 * KM, warmups_since_clear=3)

    assert _k4(snapshot(values=mixed, readiness=NOT_READY))[0] is Result.CONSISTENT


def test_a_lone_tank_vapour_monitor_is_open_on_many_honest_cars() -> None:
    lone = {**READY, "evaporative_system": Monitor.INCOMPLETE}

    assert _k4(snapshot(values=RECENT, readiness=lone))[0] is Result.CONSISTENT


def test_a_new_car_was_never_cleared() -> None:
    new = counters(distance_since_clear_m=40 * KM, warmups_since_clear=5)

    assert _k4(snapshot(60 * KM, values=new, readiness=NOT_READY)) == (Result.NOT_DETERMINABLE, "new_car")


def test_recorded_work_explains_the_clear() -> None:
    reading = snapshot(values=RECENT, readiness=NOT_READY)

    part = check(judged(visit(reading), services=(_repair(days_ago=3),)), "K4")

    assert (part.result, part.assumption) == (Result.CONSISTENT, "workshop_clear")
    assert "a repair recorded on 2026-11-18" in part.text.en
    assert "维修" in part.text.zh
    assert "w1" in part.evidence


@pytest.mark.parametrize(
    ("days_ago", "result"), [(31.9, "consistent"), (32, "suspicious"), (-0.9, "consistent"), (-1.1, "suspicious")]
)
def test_work_explains_a_clear_for_a_month_and_a_day_dated_alone_may_be_the_visits_own(
    days_ago: float, result: str
) -> None:
    reading = snapshot(values=RECENT, readiness=NOT_READY)
    work = _repair(days_ago=days_ago)
    by_day = replace(work, done_at=work.done_at.replace(minute=0, second=0, microsecond=0))

    assert check(judged(visit(reading), services=(by_day,)), "K4").result == result


@pytest.mark.parametrize("minutes", [7, 8.5, 16])
def test_work_whose_minute_is_known_explains_nothing_before_it(minutes: float) -> None:
    reading = snapshot(values=RECENT, readiness=NOT_READY)
    after = _repair(days_ago=-minutes / 1440)

    assert check(judged(visit(reading), services=(after,)), "K4").result is Result.SUSPICIOUS
    at_a_quarter = _repair(days_ago=-15 / 1440)
    assert check(judged(visit(reading), services=(at_a_quarter,)), "K4").result is Result.CONSISTENT


def test_codes_that_are_gone_tell_of_a_clear_where_no_monitor_was_read() -> None:
    before = visit(snapshot(60_000 * KM, id="a", dtcs=(code("P0420"),)), days_ago=20)
    left = (code("P0420", DtcClass.PERMANENT),)
    gone, alone = snapshot(values=RECENT, readiness={}), snapshot(values=RECENT, readiness={}, dtcs=left)

    assert check(judged(before, visit(gone)), "K4").result is Result.SUSPICIOUS
    assert check(judged(visit(alone)), "K4").result is Result.SUSPICIOUS
    assert "未知" in check(judged(visit(alone)), "K4").text.zh
    assert reason(check(judged(visit(gone)), "K4")) == "no_readiness"
    assert check(judged(before, visit(gone), services=(_repair(days_ago=3),)), "K4").result is Result.CONSISTENT


def test_an_oil_change_clears_no_codes() -> None:
    reading = snapshot(values=RECENT, readiness=NOT_READY)

    assert check(judged(visit(reading), services=(service(days_ago=3),)), "K4").result is Result.SUSPICIOUS


def test_a_weak_battery_before_explains_a_clear_after_which_nothing_has_vanished() -> None:
    before = visit(snapshot(id="a", battery_v=11.6), days_ago=20)
    now = visit(snapshot(id="b", values=RECENT, readiness=NOT_READY, battery_v=12.7))

    part = check(judged(before, now), "K4")

    assert (part.result, part.assumption) == (Result.CONSISTENT, "battery_changed")
    assert "11.6 V" in part.text.en


@pytest.mark.parametrize(("before_v", "now_v"), [(12.5, 12.7), (11.6, 11.7), (11.6, None), (None, 12.7), (3.0, 12.7)])
def test_any_other_battery_explains_nothing(before_v: float | None, now_v: float | None) -> None:
    before = visit(snapshot(id="a", battery_v=before_v), days_ago=20)
    now = visit(snapshot(id="b", values=RECENT, readiness=NOT_READY, battery_v=now_v))

    assert check(judged(before, now), "K4").result is Result.SUSPICIOUS


def test_a_weak_battery_does_not_explain_codes_that_are_gone() -> None:
    before = visit(snapshot(id="a", battery_v=11.6, dtcs=(code("P0420"),)), days_ago=20)
    now = visit(snapshot(id="b", values=RECENT, readiness=NOT_READY, battery_v=12.7))

    assert check(judged(before, now), "K4").result is Result.SUSPICIOUS


def test_recorded_work_explains_permanent_codes_too() -> None:
    left = snapshot(dtcs=(code("P0420", DtcClass.PERMANENT),))

    part = check(judged(visit(left), services=(_repair(days_ago=3),)), "K5")

    assert (part.result, part.assumption) == (Result.CONSISTENT, "workshop_clear")
    assert check(judged(visit(left), services=(service(days_ago=3),)), "K5").result is Result.SUSPICIOUS


def test_work_of_last_year_explains_nothing() -> None:
    reading = snapshot(values=RECENT, readiness=NOT_READY)

    assert check(judged(visit(reading), services=(_repair(days_ago=300),)), "K4").result is Result.SUSPICIOUS


def test_codes_that_vanished_with_the_clear_make_it_surer() -> None:
    before = visit(snapshot(id="a", dtcs=(code("P0420"),)), days_ago=20)
    now = visit(snapshot(id="b", values=RECENT, readiness=NOT_READY))

    part = check(judged(before, now), "K4")

    assert (part.sentence, part.params["vanished"]) == ("check.K4.suspicious_vanished", "P0420")
    assert "P0420" in part.text.zh


def test_codes_that_stayed_did_not_vanish() -> None:
    before = visit(snapshot(id="a", dtcs=(code("P0420"),)), days_ago=20)
    now = visit(snapshot(id="b", values=RECENT, readiness=NOT_READY, dtcs=(code("P0420", DtcClass.PENDING),)))

    assert "vanished" not in check(judged(before, now), "K4").params


def test_without_counters_or_monitors_nothing_is_said() -> None:
    assert _k4(snapshot(values=CountersPart())) == (Result.NOT_DETERMINABLE, "no_counter")
    assert _k4(snapshot(values=RECENT, readiness={})) == (Result.NOT_DETERMINABLE, "no_readiness")


def test_what_one_counter_does_not_say_is_called_unknown() -> None:
    part = check(judged(visit(snapshot(values=counters(warmups_since_clear=1), readiness=NOT_READY))), "K4")

    assert part.result is Result.SUSPICIOUS
    assert "not known" in part.text.en


def _k5(dtcs: tuple[DtcPart, ...], items: tuple[ItemPart, ...] = ASKED) -> tuple[Result, str]:
    part = check(judged(visit(snapshot(dtcs=dtcs, items=items))), "K5")
    return part.result, reason(part)


def test_a_permanent_code_alone_was_cleared_not_healed() -> None:
    part = check(judged(visit(snapshot(dtcs=(code("P0171"), code("P0420", DtcClass.PERMANENT))))), "K5")

    assert (part.result, part.params["codes"], part.evidence) == (Result.SUSPICIOUS, "P0420", ("s1/dtcs/1",))


def test_a_permanent_code_that_is_also_stored_hides_nothing() -> None:
    both = (code("P0420"), code("P0420", DtcClass.PERMANENT))

    assert _k5(both)[0] is Result.CONSISTENT


def test_a_permanent_code_that_is_pending_again_hides_nothing() -> None:
    both = (code("P0420", DtcClass.PENDING), code("P0420", DtcClass.PERMANENT))

    assert _k5(both)[0] is Result.CONSISTENT


def test_no_codes_at_all_is_consistent() -> None:
    assert _k5(())[0] is Result.CONSISTENT


@pytest.mark.parametrize("status", [ItemStatus.TIMEOUT, ItemStatus.UNSUPPORTED, ItemStatus.CORRUPT])
@pytest.mark.parametrize("unread", ["dtcs.stored", "dtcs.permanent"])
def test_a_list_that_could_not_be_asked_is_not_an_empty_list(unread: str, status: ItemStatus) -> None:
    items = tuple(ItemPart(item=one.item, status=status if one.item == unread else one.status) for one in ASKED)

    assert _k5((code("P0420", DtcClass.PERMANENT),), items) == (Result.NOT_DETERMINABLE, "codes_not_read")


def test_a_snapshot_from_elsewhere_without_codes_says_nothing() -> None:
    assert reason(check(judged(visit(Snapshot(id="s1"))), "K5")) == "codes_not_read"


def test_a_gearbox_cleared_alone_hides_nothing_of_the_engine() -> None:
    units = (("7E8", 9_000 * KM, 255), ("7E9", 20 * KM, 2))
    values = CountersPart(
        distance_since_clear_m=tuple(CounterPart(ecu=ecu, value=value) for ecu, value, _ in units),
        warmups_since_clear=tuple(CounterPart(ecu=ecu, value=value) for ecu, _, value in units),
    )

    assert _k4(snapshot(values=values, readiness=NOT_READY))[0] is Result.CONSISTENT


@pytest.mark.parametrize(
    ("distance_m", "warmups", "result"),
    [
        (322 * KM, 15, Result.SUSPICIOUS),
        (323 * KM, 15, Result.CONSISTENT),
        (322 * KM, 16, Result.CONSISTENT),
    ],
)
def test_recent_ends_after_200_miles_or_15_warmups(distance_m: int, warmups: int, result: Result) -> None:
    values = counters(distance_since_clear_m=distance_m, warmups_since_clear=warmups)

    assert _k4(snapshot(values=values, readiness=NOT_READY))[0] is result


def test_a_counter_that_reaches_back_to_the_factory_ends_at_50_km() -> None:
    values = counters(distance_since_clear_m=40 * KM, warmups_since_clear=5)

    assert _k4(snapshot(90 * KM, values=values, readiness=NOT_READY))[1] == "new_car"
    assert _k4(snapshot(91 * KM, values=values, readiness=NOT_READY))[0] is Result.SUSPICIOUS
