"""Findings: one for each rule that speaks, worst first, saying what to do, in both languages."""

import pytest

from config.catalogue import Language, has, render
from evidence.checks import Case
from evidence.due import DueItem, DueState
from evidence.findings import findings_of
from evidence.history import ServiceRecord
from evidence.snapshot import CheckDigit, CounterPart, CountersPart, Finding, ItemPart, Severity, Snapshot
from evidence.verdict import Judgement
from protocols.readings import DtcClass, ItemStatus
from tests.evidence.cars import (
    KM,
    MILES_VIN,
    NOT_READY,
    NOW,
    VIN,
    code,
    counters,
    history,
    judged,
    rules,
    service,
    snapshot,
    visit,
)


def _one(judgement: Judgement, rule: str) -> Finding:
    (found,) = (finding for finding in judgement.findings if finding.rule == rule)
    return found


def test_an_honest_car_with_an_unknown_service_has_that_one_note() -> None:
    judgement = judged(visit(snapshot(), dash_m=68_000 * KM))

    assert rules(judgement) == ["service.unknown"]
    assert judgement.findings[0].severity is Severity.NOTE


def test_the_worst_stands_first() -> None:
    values = counters(distance_since_clear_m=60_000 * KM, distance_since_reflash_m=60_000 * KM)
    judgement = judged(visit(snapshot(30_000 * KM, values=values, dtcs=(code("P0420"),)), dash_m=30_000 * KM))

    assert [finding.severity for finding in judgement.findings] == [Severity.STOP, Severity.SOON, Severity.NOTE]


@pytest.mark.parametrize(
    ("name", "severity"),
    [("P0301", Severity.STOP), ("P0217", Severity.STOP), ("C0035", Severity.STOP), ("P0420", Severity.SOON)],
)
def test_codes_that_endanger_say_stop(name: str, severity: Severity) -> None:
    finding = _one(judged(visit(snapshot(dtcs=(code(name),)))), "codes.new")

    assert (finding.severity, finding.params, finding.evidence) == (
        severity,
        {"count": 1, "codes": name},
        ("s1/dtcs/0",),
    )
    assert name in finding.text.en
    assert name in finding.text.zh


def test_a_cleared_car_with_a_leftover_has_no_new_code() -> None:
    recent = counters(distance_since_clear_m=20 * KM, warmups_since_clear=2)
    leftover = (code("P0420", DtcClass.PERMANENT),)

    judgement = judged(visit(snapshot(values=recent, readiness=NOT_READY, dtcs=leftover), dash_m=68_000 * KM))

    assert rules(judgement) == ["codes.cleared_recently", "codes.permanent_without_stored", "service.unknown"]


@pytest.mark.parametrize(
    ("battery_v", "low"), [(11.79, True), (11.8, False), (14.2, False), (6.0, True), (5.9, False), (0.0, False)]
)
def test_a_battery_below_the_floor_is_told(battery_v: float, low: bool) -> None:
    assert ("battery.low" in rules(judged(visit(snapshot(battery_v=battery_v))))) is low


def test_a_wrong_check_digit_is_told_by_the_tail_only() -> None:
    reading = snapshot()
    wrong = reading.vehicle.model_copy(update={"vin_check_digit": CheckDigit.INVALID})

    finding = _one(judged(visit(reading.model_copy(update={"vehicle": wrong}))), "vin.check_digit")

    assert VIN[-4:] in finding.text.en
    assert VIN not in finding.model_dump_json()


def test_a_car_that_answers_nothing_is_told() -> None:
    items = (ItemPart(item="vin", status=ItemStatus.TIMEOUT), ItemPart(item="battery_v", status=ItemStatus.READ))
    silent = Snapshot(id="s1", items=items, battery_v=12.4)

    assert "car.silent" in rules(judged(visit(silent, dash_m=68_000 * KM)))
    assert "car.silent" not in rules(judged(visit(Snapshot(id="s1"))))
    assert "car.silent" not in rules(judged(visit(snapshot())))


@pytest.mark.parametrize(
    ("done", "rule", "severity"),
    [
        (service(days_ago=10, odometer_m=67_000 * KM), "", None),
        (service(days_ago=10, odometer_m=63_500 * KM), "service.due", Severity.NOTE),
        (service(days_ago=10, odometer_m=63_000 * KM), "service.due", Severity.NOTE),
        (service(days_ago=10, odometer_m=62_000 * KM), "service.overdue", Severity.SOON),
        (service(days_ago=300, odometer_m=67_000 * KM), "service.overdue", Severity.SOON),
        (service(days_ago=300, odometer_m=None), "service.overdue", Severity.SOON),
        (service(days_ago=170, odometer_m=None), "service.due", Severity.NOTE),
    ],
)
def test_services_are_told_when_a_stage_is_reached(done: ServiceRecord, rule: str, severity: Severity | None) -> None:
    judgement = judged(visit(snapshot()), services=(done,))

    assert rules(judgement) == [rule] * bool(rule)
    assert [finding.severity for finding in judgement.findings] == ([severity] if severity else [])


@pytest.mark.parametrize(
    ("left", "variant"),
    [
        ({"remaining_m": -9_000, "remaining_days": -1, "remaining_hours": -2}, "text"),
        ({"remaining_m": -9_000, "remaining_hours": -2}, "text_distance"),
        ({"remaining_days": -1, "remaining_hours": -2}, "text_time"),
        ({"remaining_hours": -2, "remaining_hev_m": -9_000}, "text_hours"),
        ({"remaining_hev_m": -9_000}, "text_hev"),
    ],
)
def test_an_overdue_service_is_said_by_the_meters_that_are_known(left: dict[str, int], variant: str) -> None:
    due = DueItem("oil_and_filter", DueState.OVERDUE, last_date=NOW.date(), **left)  # type: ignore[arg-type]
    (told,) = findings_of(Case(history(visit(snapshot())), ()), (), (due,))

    said = render(f"rule.service.overdue.{variant}", Language.EN, **told.params)
    assert told.text.en.startswith(said)


def test_an_electric_car_has_no_oil_to_change() -> None:
    (told,) = judged(visit(snapshot(fuel="electric"))).findings

    assert (told.rule, told.params["item"]) == ("service.unknown", "@service.cabin_filter")


def test_a_car_with_any_service_on_record_is_not_called_unknown() -> None:
    judgement = judged(visit(snapshot()), services=(service(days_ago=10, odometer_m=67_000 * KM),))

    assert DueState.UNKNOWN in {item.state for item in judgement.due}
    assert rules(judgement) == []


def test_every_finding_can_be_said_again_from_its_rule_and_numbers() -> None:
    """The pages render from rule and parameters, whatever sentence the finding itself carries."""
    full = CountersPart(
        distance_since_clear_m=(CounterPart(ecu="7E8", value=20 * KM),),
        warmups_since_clear=(CounterPart(ecu="7E8", value=2),),
        distance_with_mil_m=(CounterPart(ecu="7E8", value=60_000 * KM),),
    )
    dtcs = (code("P0301"), code("P0420", DtcClass.PERMANENT))
    before = visit(snapshot(180_000 * KM, id="a"), days_ago=30)
    now = visit(
        snapshot(40_000 * KM, id="b", values=full, readiness=NOT_READY, dtcs=dtcs, battery_v=11.0), dash_m=90_000 * KM
    )

    judgement = judged(before, now, services=(service(days_ago=400),))

    assert len(judgement.findings) >= 7
    for finding in judgement.findings:
        for language in Language:
            assert render(f"rule.{finding.rule}.text", language, **finding.params)
            assert render(f"rule.{finding.rule}.advice", language, **finding.params) in getattr(finding.text, language)


def test_every_check_has_its_title_and_assumption_in_the_catalogue() -> None:
    for part in judged(visit(snapshot())).checks:
        assert has(f"check.{part.check}.title")
        assert not part.assumption or has(f"assumption.{part.assumption}")


def test_no_finding_without_visits() -> None:
    assert rules(judged()) == ["service.unknown"]
    assert history().visits == ()


def test_a_code_that_is_only_pending_is_a_note() -> None:
    finding = _one(judged(visit(snapshot(dtcs=(code("P0301", DtcClass.PENDING),)))), "codes.new")

    assert finding.severity is Severity.NOTE


@pytest.mark.parametrize(
    "answer", [{"mil": False}, {"readiness": {"catalyst": "complete"}}, {"ecus": [{"address": "7E8"}]}]
)
def test_a_car_that_answers_one_thing_is_not_silent(answer: dict[str, object]) -> None:
    items = [{"item": "vin", "status": "timeout"}]
    reading = Snapshot.model_validate({"id": "s1", "items": items} | answer)

    assert "car.silent" not in rules(judged(visit(reading)))


def test_a_typed_value_nobody_can_have_meant_is_to_be_read_again() -> None:
    slip = _one(judged(visit(snapshot(145_123 * KM), dash_m=154_123 * KM)), "odometer.typed_doubtful")

    assert (slip.severity, slip.evidence) == (Severity.NOTE, ("s1/dash",))
    assert "154,123 km" in slip.text.en
    assert "odometer.typed_doubtful" not in rules(judged(visit(snapshot(145_123 * KM), dash_m=145_123 * KM)))
    miles = visit(snapshot(80_467 * KM, vin=MILES_VIN), dash_m=50_000 * KM)
    assert "odometer.typed_doubtful" not in rules(judged(miles))
