"""One car's history as lines a person reads."""

from backoffice.judging import EntryFact, judge_dossier
from backoffice.timeline import timeline_of
from backoffice.views import AlertView, TimelineEvent
from evidence.history import ServiceRecord
from evidence.snapshot import DtcPart, Purpose, Severity, Text
from protocols.readings import DtcClass
from sync.records import AnyBody
from tests.backoffice.facts import DAY, START, dash, visit
from tests.backoffice.test_dossier import folded

ALERT = AlertView(
    id="a1",
    vehicle_id="car",
    rule="codes.new",
    severity=Severity.SOON,
    text=Text(en="A code.", zh="故障码。"),
    opened_at=START + 2 * DAY,
    updated_at=START + 2 * DAY,
)


def events(*bodies: AnyBody, services: tuple[ServiceRecord, ...] = ()) -> tuple[TimelineEvent, ...]:
    dossier = folded(*bodies)
    judged = judge_dossier("car", dossier, services, market="CN", now=START + 30 * DAY)
    return timeline_of(dossier, judged.entries, services, ())


def test_a_visit_shows_its_best_mileage_and_its_codes() -> None:
    code = DtcPart(code="P0301", dtc_class=DtcClass.STORED, ecu="7E8")
    (event,) = events(visit("v1", a6_m=5_000_000, dtcs=(code,), bay="1", operator="Li", purpose=Purpose.DELIVERY))

    assert (event.kind, event.odometer_m, event.source, event.trust) == ("visit", 5_000_000, "01A6", "standard")
    assert (event.title.en, event.detail.en) == ("Delivery check", "Bay 1, read by Li. Trouble codes: P0301.")
    assert "P0301" in event.detail.zh


def test_a_value_that_is_not_believed_says_why() -> None:
    lines = events(visit("v1", a6_m=90_000_000), visit("v2", a6_m=50_000_000, at=START + DAY))

    assert [(line.odometer_m, line.quarantined) for line in lines] == [(90_000_000, ""), (50_000_000, "below_earlier")]


def test_a_late_answer_is_a_line_of_its_own_and_so_is_a_mileage_that_differs() -> None:
    lines = events(visit("v1", a6_m=90_000_000), dash("v1", 50_000))

    assert sorted(line.kind for line in lines) == ["answer", "odometer", "visit"]
    assert "50,000 km" in next(line.title.en for line in lines if line.kind == "answer")


def test_an_answer_without_a_distance_names_who_gave_it() -> None:
    lines = events(visit("v1"), dash("v1", None, plate="沪A12345"))

    assert [line.title.en for line in lines if line.kind == "answer"] == ["Li completed the car's details"]


def test_services_stand_where_they_were_done_with_their_note() -> None:
    service = ServiceRecord("w1", START - DAY, 4_000_000, note="5W-30")
    first, second = events(visit("v1", a6_m=5_000_000), services=(service,))

    assert (first.kind, first.odometer_m, first.detail.en) == ("service", 4_000_000, "5W-30")
    assert first.title.zh == "已完成保养：机油和机滤"
    assert second.kind == "visit"


def test_an_alert_opens_and_closes() -> None:
    closed = ALERT.model_copy(update={"closed_at": START + 3 * DAY})
    lines = timeline_of(folded(), (), (), [ALERT, closed])

    assert [line.at for line in lines] == [START + 2 * DAY, START + 2 * DAY, START + 3 * DAY]


def test_a_trust_of_a_newer_edge_ranks_last() -> None:
    known = EntryFact("v1", START, "01A6", "7E8", 5, "", "standard")
    newer = EntryFact("v1", START, "moon", "", 6, "", "moonlight")
    event = timeline_of(folded(visit("v1")), [newer, known], (), ())[0]

    assert event.source == "01A6"
