"""From a dossier to what people see."""

from datetime import date

import pytest

from backoffice.judging import due_view, first_read, judge_dossier, summary_of, worst
from backoffice.views import VehicleSummary
from evidence.due import DueItem, DueState
from evidence.snapshot import CounterPart, Finding, Result, Severity
from protocols.readings import ItemStatus
from tests.backoffice.facts import DAY, START, VIN_A, visit
from tests.backoffice.test_dossier import folded


def test_an_empty_file_claims_nothing() -> None:
    detail = judge_dossier("car", folded(), (), market="CN", now=START).detail

    assert (detail.verdict, detail.current_odometer_m, detail.findings) == (Result.NOT_DETERMINABLE, None, ())


def test_what_is_believed_and_what_was_said_last_are_two_things() -> None:
    dossier = folded(visit("v1", vin=VIN_A, a6_m=138_000_000), visit("v2", vin=VIN_A, a6_m=58_000_000, at=START + DAY))
    judged = judge_dossier("car", dossier, (), market="CN", now=START + DAY)

    assert (judged.detail.current_odometer_m, judged.detail.latest_odometer_m) == (138_000_000, 58_000_000)
    assert [entry.quarantined for entry in judged.entries] == ["", "below_earlier"]


def test_what_only_the_bay_could_see_is_not_judged_away() -> None:
    swapped = Finding(rule="vin.changed_while_plugged", severity=Severity.STOP)
    detail = judge_dossier("car", folded(visit("v1", findings=(swapped,))), (), market="CN", now=START).detail

    assert swapped in detail.findings
    assert detail.worst_severity is Severity.STOP


def test_a_counter_is_that_of_the_first_ecu_that_answered() -> None:
    counters = (
        CounterPart(ecu="7E9", value=9),
        CounterPart(ecu="7E8", value=None, status=ItemStatus.TIMEOUT),
        CounterPart(ecu="7EA", value=10),
    )

    assert first_read(counters) == 9
    assert first_read(()) is None


@pytest.mark.parametrize(
    ("item", "says"),
    [
        (DueItem("oil_and_filter", DueState.UNKNOWN), "not known"),
        (DueItem("oil_and_filter", DueState.OK, 4_000_000, 90), "4,000 km or 90 days left"),
        (DueItem("oil_and_filter", DueState.OK, 4_000_000, None), "4,000 km left"),
        (DueItem("oil_and_filter", DueState.OK, None, 90), "90 days left"),
        (DueItem("oil_and_filter", DueState.OVERDUE, -400_000, -9), "overdue by 400 km or 9 days"),
        (DueItem("oil_and_filter", DueState.OVERDUE, -400_000, 9), "overdue by 400 km."),
        (DueItem("oil_and_filter", DueState.OVERDUE, None, -1, due_date=date(2026, 3, 1)), "overdue by 1 day."),
    ],
)
def test_a_due_item_says_what_is_known_and_no_more(item: DueItem, says: str) -> None:
    text = due_view(item, None, START.date()).text

    assert says in text.en
    assert text.zh


def test_the_worst_severity_of_nothing_is_none() -> None:
    assert worst(()) is None


def test_a_summary_is_a_part_of_the_detail() -> None:
    detail = judge_dossier("car", folded(visit("v1", vin=VIN_A)), (), market="CN", now=START).detail
    summary = summary_of(detail)

    assert {name: getattr(summary, name) for name in VehicleSummary.model_fields} == {
        name: getattr(detail, name) for name in VehicleSummary.model_fields
    }
