"""What a person says about the ledger is signed, and a replaced cluster has two values."""

from datetime import datetime

import pytest

from evidence.history import EventKind, OdometerEvent, Void, in_utc
from tests.evidence.cars import KM, NOW


@pytest.mark.parametrize(("reason", "person"), [("", "LW"), ("wrong car", ""), (" ", "LW"), ("wrong car", " ")])
def test_a_void_needs_a_reason_and_a_person(reason: str, person: str) -> None:
    with pytest.raises(ValueError, match="a void needs"):
        Void("s1/dash", reason, person, NOW)


def test_an_event_needs_a_person_and_a_replaced_cluster_both_values() -> None:
    with pytest.raises(ValueError, match="person"):
        OdometerEvent("e", NOW, EventKind.SHOWS_MILES, " ")
    with pytest.raises(ValueError, match="the old and the new"):
        OdometerEvent("e", NOW, EventKind.CLUSTER_REPLACED, "LW", before_m=90_000 * KM)


def test_a_time_without_a_zone_is_utc() -> None:
    assert in_utc(datetime.fromisoformat("2024-02-29T23:59:00")).isoformat() == "2024-02-29T23:59:00+00:00"
