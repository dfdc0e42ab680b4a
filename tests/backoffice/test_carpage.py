"""What the page of one car shows, from details that say little, much or nothing."""

from datetime import UTC, timedelta

import pytest

from backoffice.carpage import by_ecu, car_context, due_kind, item_name, model_name, verdict_text, witnesses
from backoffice.views import CodeView, OdometerView, TimelineEvent, VehicleDetail
from backoffice.wording import DASH, Wording
from config.catalogue import Language, has
from evidence.snapshot import CheckPart, ItemPart, OdometerPart, Result, Snapshot, Text
from protocols.readings import ItemStatus, Monitor, Trust
from protocols.signals import MONITORS_COMPRESSION, MONITORS_CONTINUOUS, MONITORS_SPARK
from tests.backoffice.lot import NOW, items

W = Wording(Language.EN, UTC)


def event(odometer_km: int, **more: object) -> TimelineEvent:
    known: dict[str, object] = {"id": "e1", "at": NOW, "kind": "visit", "title": Text(en="Visit")}
    return TimelineEvent.model_validate(known | {"odometer_m": odometer_km * 1000} | more)


def check(name: str, result: Result) -> CheckPart:
    return CheckPart(check=name, rule="r", result=result)


@pytest.mark.parametrize("language", list(Language))
def test_a_car_of_which_nothing_is_known_still_has_a_page(language: Language) -> None:
    context = car_context(VehicleDetail(id="v1"), (), Wording(language, UTC))

    assert context["charts"] == [] and context["witnesses"] == [] and context["days"] == []
    assert context["codes_headline"] == DASH
    assert all(isinstance(context[name], str) for name in ("odometer_note", "codes_note", "fuel_words", "visit_words"))


def test_contradictions_come_first_and_what_could_not_be_checked_stands_apart() -> None:
    results = {
        "K10": Result.NOT_DETERMINABLE,
        "K2": Result.CONSISTENT,
        "K8": Result.SUSPICIOUS,
        "K3": Result.IMPOSSIBLE,
    }
    car = VehicleDetail(id="v1", checks=tuple(check(name, result) for name, result in results.items()))
    context = car_context(car, (), W)

    assert [one.check for one in context["judged"]] == ["K3", "K8", "K2"]
    assert [one.check for one in context["not_judged"]] == ["K10"]


def test_consistent_always_says_what_was_not_checked() -> None:
    checks = (check("K1", Result.CONSISTENT), check("K9", Result.NOT_DETERMINABLE))
    said = verdict_text(VehicleDetail(id="v1", verdict=Result.CONSISTENT, checks=checks), W)

    assert "Road test" in said and "no proof" in said


def test_even_with_every_check_done_consistent_is_no_proof() -> None:
    car = VehicleDetail(id="v1", verdict=Result.CONSISTENT, checks=(check("K1", Result.CONSISTENT),))

    assert "no proof" in verdict_text(car, W)


@pytest.mark.parametrize("result", list(Result))
def test_every_verdict_has_its_sentence(result: Result) -> None:
    assert verdict_text(VehicleDetail(id="v1", verdict=result), W)


@pytest.mark.parametrize(
    ("statuses", "headline"),
    [
        ({}, "0"),
        ({"dtcs.permanent": ItemStatus.UNSUPPORTED}, "0"),
        ({"dtcs.pending": ItemStatus.TIMEOUT}, DASH),
        ({"dtcs.stored": ItemStatus.REFUSED}, DASH),
        (dict.fromkeys(("dtcs.stored", "dtcs.pending", "dtcs.permanent"), ItemStatus.UNSUPPORTED), DASH),
        (dict.fromkeys(("dtcs.stored", "dtcs.pending", "dtcs.permanent"), ItemStatus.CORRUPT), DASH),
    ],
)
def test_no_codes_is_said_only_when_the_lists_were_read(statuses: dict[str, ItemStatus], headline: str) -> None:
    car = VehicleDetail(id="v1", latest_snapshot=Snapshot(items=items(statuses)))

    assert car_context(car, (), W)["codes_headline"] == headline


def test_a_value_typed_later_stands_beside_those_that_were_read() -> None:
    read = OdometerPart(source="01A6", ecu="7E8", odometer_m=50_000_000, trust=Trust.STANDARD)
    unread = OdometerPart(source="vw-cluster", status=ItemStatus.TIMEOUT)
    car = VehicleDetail(id="v1", snapshot_id="s1", odometer=OdometerView(odometer_m=50_000_000))
    typed = event(49_000, source="dash", snapshot_id="s1")
    other_visit = event(40_000, source="dash", snapshot_id="s0")
    shown = witnesses(car, Snapshot(odometer=(read, unread)), (typed, other_visit), W)

    assert [(one.part.source, one.gap) for one in shown] == [
        ("01A6", "0 km"),
        ("vw-cluster", DASH),
        ("dash", "−1,000 km"),
    ]


def test_a_typed_value_that_the_snapshot_has_is_shown_once() -> None:
    dash = OdometerPart(source="dash", odometer_m=50_000_000, trust=Trust.TYPED)
    car = VehicleDetail(id="v1", snapshot_id="s1")

    assert len(witnesses(car, Snapshot(odometer=(dash,)), (event(50_000, source="dash", snapshot_id="s1"),), W)) == 1


def test_codes_are_grouped_by_control_unit() -> None:
    codes = [
        CodeView(code=code, dtc_class="stored", ecu=ecu) for code, ecu in (("P2", "7E9"), ("P1", "7E8"), ("P0", "7E9"))
    ]

    assert [(ecu, [code.code for code in group]) for ecu, group in by_ecu(codes)] == [
        ("7E8", ["P1"]),
        ("7E9", ["P0", "P2"]),
    ]


def test_events_are_grouped_by_day_newest_first_and_the_undated_last() -> None:
    events = [event(1, id="old", at=NOW - timedelta(days=2)), event(2, id="none", at=None), event(3, id="new")]
    days = car_context(VehicleDetail(id="v1"), events, W)["days"]

    assert [one.id for _, group in days for one in group] == ["new", "old", "none"]


def test_unfinished_monitors_come_first_and_those_not_fitted_not_at_all() -> None:
    monitors = {"catalyst": Monitor.COMPLETE, "evap": Monitor.INCOMPLETE, "egr": Monitor.UNSUPPORTED}
    shown = car_context(VehicleDetail(id="v1", latest_snapshot=Snapshot(readiness=monitors)), (), W)["readiness"]

    assert [state for _, state in shown["monitors"]] == [Monitor.INCOMPLETE, Monitor.COMPLETE]
    assert "1 of 2" in shown["words"]


@pytest.mark.parametrize("name", sorted({*MONITORS_CONTINUOUS, *MONITORS_SPARK, *MONITORS_COMPRESSION} - {""}))
def test_every_monitor_has_a_name_in_both_languages(name: str) -> None:
    assert has(f"office.monitor_{name}")


def test_what_could_not_be_read_is_listed_and_what_a_car_does_not_offer_is_not() -> None:
    parts = (
        ItemPart(item="vin", status=ItemStatus.TIMEOUT),
        ItemPart(item="dtcs.permanent", status=ItemStatus.UNSUPPORTED),
        ItemPart(item="odometer.01A6", status=ItemStatus.READ),
    )
    unread = car_context(VehicleDetail(id="v1", latest_snapshot=Snapshot(items=parts)), (), W)["unread"]

    assert [one.item for one in unread] == ["vin"]


@pytest.mark.parametrize(
    ("item", "name"),
    [
        ("vin", "VIN"),
        ("dtcs.stored", "Stored codes"),
        ("odometer.vw-mqb", "Odometer vw-mqb"),
        ("new_thing", "new_thing"),
    ],
)
def test_items_are_named_in_words(item: str, name: str) -> None:
    assert item_name(item, W) == name


def test_a_car_is_called_by_what_is_known() -> None:
    assert model_name(VehicleDetail(id="v1", make="Honda", model_year=2016), W) == "Honda 2016"
    assert model_name(VehicleDetail(id="v1"), W) == "model not known"


def test_every_due_state_of_the_catalogue_wears_a_badge() -> None:
    assert [due_kind(state) for state in ("overdue", "due", "due_soon_14", "ok", "unknown", "odd")] == [
        "overdue",
        "due",
        "due",
        "ok",
        "unknown",
        "unknown",
    ]
