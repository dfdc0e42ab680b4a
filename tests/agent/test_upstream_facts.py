"""What upstream knows of a car becomes the input of the checks: pure, over any order of merges."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.upstream_facts import NOTHING_TOLD, Claims, claims_of, history_with, told_of
from evidence.history import EventKind, ServiceRecord, Visit
from evidence.snapshot import OdometerPart, Snapshot
from sync.command_facts import EventFact, MergeFact, ServiceFact, VoidFact

AT = datetime(2026, 3, 1, 9, 0, tzinfo=UTC)
VINS = st.sampled_from(["A", "B", "C", "D"])
MERGES = st.lists(
    st.builds(
        MergeFact, id=st.uuids().map(str), vin=VINS, other_vin=VINS | st.just(""),
        intake_ids=st.lists(st.sampled_from(["i1", "i2", "i3"]), max_size=2).map(tuple),
    ),
    max_size=6,
)  # fmt: skip


def visit(name: str = "v1") -> Visit:
    parts = tuple(OdometerPart(source=source, ecu="7E8", odometer_m=50_000_000) for source in ("01A6", "uds"))
    return Visit(AT, Snapshot(id=name, taken_at=AT, odometer=parts), 50_010_000, None)


def void(**said: object) -> VoidFact:
    return VoidFact.model_validate({"id": "f1", "vin": "A", "reason": "misread", "person": "Li", "at": AT} | said)


def test_services_and_events_are_what_was_told() -> None:
    service = ServiceFact(id="s1", vin="A", done_at=AT, odometer_m=1000, items=("oil_and_filter",))
    event = EventFact(id="e1", vin="A", event=EventKind.SHOWS_MILES, at=AT, person="Li")

    told = told_of([service, event])

    assert told.services == (ServiceRecord("s1", AT, 1000),)
    assert [(one.id, one.kind, one.person) for one in told.events] == [("e1", EventKind.SHOWS_MILES, "Li")]
    assert told_of([]) == NOTHING_TOLD


def test_a_replaced_cluster_without_both_values_is_refused() -> None:
    with pytest.raises(ValueError, match="old and the new"):
        told_of([EventFact(id="e1", vin="A", event=EventKind.CLUSTER_REPLACED, at=AT, person="Li", before_m=1)])


@pytest.mark.parametrize(
    ("said", "entries"),
    [
        ({"snapshot_id": "v1", "source": "uds", "ecu": "7E8", "odometer_m": 50_000_000}, ["v1/odometer/1"]),
        ({"snapshot_id": "v1", "source": "dash", "odometer_m": 50_010_000}, ["v1/dash"]),
        ({"snapshot_id": "v1", "source": "uds", "ecu": "7E8", "odometer_m": 1}, []),
        ({"snapshot_id": "v2", "source": "uds", "ecu": "7E8", "odometer_m": 50_000_000}, []),
        ({"snapshot_id": "v2", "entry_id": "manual/9"}, ["manual/9"]),
        ({"entry_id": "manual/9"}, ["manual/9"]),
        ({}, []),
    ],
)  # fmt: skip
def test_a_void_finds_its_value_by_what_it_said(said: dict[str, object], entries: list[str]) -> None:
    history = history_with("A", [visit()], told_of([void(**said)]))

    assert [one.entry_id for one in history.voids] == entries


def test_a_merge_brings_all_of_the_other_car_and_single_visits() -> None:
    merges = [MergeFact(id="m1", vin="A", other_vin="B", intake_ids=("i9",))]

    for vin in ("A", "B"):
        claims = claims_of(vin, merges)
        assert claims == Claims(frozenset("AB"), frozenset({"i9"}), frozenset())
    other = claims_of("C", merges)
    assert other == Claims(frozenset("C"), frozenset(), frozenset({"i9"}))


@given(MERGES)
def test_every_visit_belongs_to_one_car_and_who_is_together_is_so_for_both(merges: list[MergeFact]) -> None:
    claims = {vin: claims_of(vin, merges) for vin in ("A", "B", "C", "D")}

    for vin, mine in claims.items():
        assert vin in mine.vins
        assert all(claims[other] == mine for other in mine.vins)
        assert not mine.taken_in & mine.taken_out
    for intake in {name for merge in merges for name in merge.intake_ids}:
        assert len({claims[vin].vins for vin in claims if intake in claims[vin].taken_in}) == 1
