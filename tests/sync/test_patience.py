"""How long to wait before the next try, and what is not tried again."""

import pytest

from config.settings import MqttSettings
from sync.errors import OutboxError, UpstreamError, UpstreamLostError, UpstreamRefusedError, gravest
from sync.patience import pause_s, until_served

SETTINGS = MqttSettings(backoff_first_s=0.5, backoff_max_s=60)
LOST, REFUSED = UpstreamLostError("away"), UpstreamRefusedError("wrong password")


def test_pauses_grow_to_the_limit_and_are_never_equal_for_all() -> None:
    longest = [pause_s(SETTINGS, attempt, LOST, lambda: 1.0) for attempt in (1, 2, 3, 8, 9, 10_000)]
    shortest = [pause_s(SETTINGS, attempt, LOST, lambda: 0.0) for attempt in (1, 2, 3)]

    assert longest == [0.5, 1.0, 2.0, 60.0, 60.0, 60.0]
    assert shortest == [0.25, 0.5, 1.0]


def test_a_refusal_waits_long_from_the_first_time() -> None:
    assert pause_s(SETTINGS, 1, REFUSED, lambda: 0.0) == 30.0


async def test_serving_is_tried_until_it_returns_and_each_failure_is_told() -> None:
    settings = MqttSettings(backoff_first_s=0.001, backoff_max_s=0.002)
    failures: list[UpstreamError] = [UpstreamLostError("one"), UpstreamRefusedError("two")]
    told: list[UpstreamError] = []

    async def serve() -> None:
        if failures:
            raise failures.pop(0)

    await until_served(settings, serve, told.append)

    assert [str(error) for error in told] == ["one", "two"]


async def test_a_defect_is_not_retried() -> None:
    async def serve() -> None:
        raise LookupError

    with pytest.raises(LookupError):
        await until_served(SETTINGS, serve, lambda _error: None)


def test_of_several_errors_the_refusal_counts_and_a_defect_stays_what_it_is() -> None:
    assert gravest(ExceptionGroup("", [LOST, ExceptionGroup("", [REFUSED])])) is REFUSED
    assert gravest(ExceptionGroup("", [LOST])) is LOST
    assert str(gravest(ExceptionGroup("", [REFUSED, OutboxError("disk")]))) == "disk"
    mixed = ExceptionGroup("", [LOST, LookupError()])
    assert gravest(mixed) is mixed
