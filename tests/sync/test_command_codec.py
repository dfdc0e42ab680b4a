"""Commands are read in doubt: any bytes give an order, a refusal or nothing, and never raise."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.command import (
    MAX_ANSWER_BYTES,
    MAX_COMMAND_BYTES,
    MAX_FACTS,
    MAX_LIFE_MS,
    CommandAnswer,
    HealthWanted,
    IntakeWanted,
    ResendWanted,
    Status,
)
from sync.command_codec import Order, Turned, decode_command, decode_command_answer

NOW_MS = 1_760_000_000_000
HOUR_MS = 3_600_000
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


def command(**changed: object) -> bytes:
    said: dict[str, object] = {
        "v": 1, "id": "c-1", "kind": "health", "sent_at": NOW_MS, "expires_at": NOW_MS + HOUR_MS, "params": {},
    }  # fmt: skip
    return json.dumps(said | changed).encode()


@pytest.mark.parametrize(
    ("kind", "params", "wanted"),
    [
        ("health", {}, HealthWanted()),
        ("intake", {"bay": "Bay 1"}, IntakeWanted(bay="Bay 1")),
        ("intake", {"adapter": "tcp:10.0.0.9:35000"}, IntakeWanted(adapter="tcp:10.0.0.9:35000")),
        ("resend", {"stream": "0a", "ranges": [[1, 4], [9, 9]]}, ResendWanted(stream="0a", ranges=((1, 4), (9, 9)))),
    ],
)
def test_an_order_is_what_it_says(kind: str, params: dict[str, object], wanted: object) -> None:
    order = decode_command(command(kind=kind, params=params))

    assert isinstance(order, Order)
    assert (order.command.id, order.command.kind, order.wanted) == ("c-1", kind, wanted)


@pytest.mark.parametrize(
    "changed",
    [
        {"v": 2}, {"id": ""}, {"id": "c 1"}, {"id": "x" * 65}, {"id": "../x"}, {"kind": ""}, {"kind": "x" * 33},
        {"kind": "Health"}, {"sent_at": -1}, {"expires_at": 1 << 54}, {"params": []}, {"id": None}, {"sent_at": "soon"},
    ],
)  # fmt: skip
def test_what_does_not_say_which_command_it_is_is_nothing(changed: dict[str, object]) -> None:
    assert decode_command(command(**changed)) is None


def test_a_kind_of_a_later_version_is_answered_as_unknown() -> None:
    turned = decode_command(command(kind="reboot"))

    assert isinstance(turned, Turned)
    assert (turned.status, turned.reason) == (Status.UNKNOWN, "command.unknown_kind")


@pytest.mark.parametrize("life_ms", [1, MAX_LIFE_MS])
def test_a_life_may_be_short_or_a_month(life_ms: int) -> None:
    assert isinstance(decode_command(command(expires_at=NOW_MS + life_ms)), Order)


@pytest.mark.parametrize("life_ms", [0, -1, MAX_LIFE_MS + 1])
def test_a_life_that_is_over_at_once_or_too_long_is_refused(life_ms: int) -> None:
    turned = decode_command(command(expires_at=NOW_MS + life_ms))

    assert isinstance(turned, Turned)
    assert (turned.status, turned.reason) == (Status.REFUSED, "command.bad_expiry")


@pytest.mark.parametrize(
    ("kind", "params"),
    [
        ("health", {"file": "/etc/passwd"}),
        ("rules", {"folder": "/tmp"}),
        ("intake", {}),
        ("intake", {"bay": "1", "adapter": "tcp:a:1"}),
        ("intake", {"bay": "x" * 41}),
        ("intake", {"bay": 7}),
        ("intake", {"bay": "1", "send": "04"}),
        ("resend", {"stream": "0a", "ranges": []}),
        ("resend", {"stream": "0a", "ranges": [[0, 1]]}),
        ("resend", {"stream": "0a", "ranges": [[5, 4]]}),
        ("resend", {"stream": "0a", "ranges": [[1, 1 << 60]]}),
        ("resend", {"stream": "../outbox.db", "ranges": [[1, 2]]}),
        ("resend", {"stream": "0a", "ranges": [[1, 2]] * 65}),
        ("facts", {"facts": []}),
        ("facts", {"facts": [{}] * (MAX_FACTS + 1)}),
        ("facts", {"facts": ["x"]}),
    ],
)
def test_parameters_that_are_not_understood_whole_are_refused(kind: str, params: dict[str, object]) -> None:
    turned = decode_command(command(kind=kind, params=params))

    assert isinstance(turned, Turned)
    assert (turned.status, turned.reason) == (Status.REFUSED, "command.bad_params")
    assert "passwd" not in str(turned.params)


def test_the_reason_of_a_refusal_is_bounded_however_long_the_names_are_that_it_speaks_of() -> None:
    turned = decode_command(command(params={"x" * 500 + "\n": 1}))
    short = decode_command(command(params={"x\n": 1}))

    assert isinstance(turned, Turned) and isinstance(short, Turned)
    assert turned.params == {"detail": "x" * 120}
    assert str(short.params["detail"]).startswith("x?: ")


def test_more_bytes_than_a_command_may_have_are_not_even_read() -> None:
    order, answer = command(), b'{"id":"a","status":"done","reason":"x"}'

    assert decode_command(order.ljust(MAX_COMMAND_BYTES)) is not None
    assert decode_command(order.ljust(MAX_COMMAND_BYTES + 1)) is None
    assert decode_command_answer(answer.ljust(MAX_ANSWER_BYTES)) is not None
    assert decode_command_answer(answer.ljust(MAX_ANSWER_BYTES + 1)) is None


@pytest.mark.parametrize("nested", [b"[" * 50_000, b'{"a":' * 20_000, b'{"params":{"a":' + b"[" * 60_000])
def test_what_is_nested_without_end_is_nothing(nested: bytes) -> None:
    assert decode_command(nested) is None
    assert decode_command_answer(nested) is None


@given(st.binary(max_size=300))
def test_any_bytes_are_taken_without_a_stir(payload: bytes) -> None:
    assert isinstance(decode_command(payload), Order | Turned | None)
    assert isinstance(decode_command_answer(payload), CommandAnswer | None)


@given(st.sampled_from(["health", "rules", "intake", "resend", "facts", "other"]), JSON)
def test_any_parameters_of_any_kind_give_an_order_or_a_refusal_in_short_words(kind: str, params: object) -> None:
    turned = decode_command(command(kind=kind, params=params))

    assert isinstance(turned, Order | Turned | None)
    if isinstance(turned, Turned):
        assert all(len(str(value)) <= 200 and str(value).isprintable() for value in turned.params.values())


@given(st.binary(max_size=12), st.integers(0, 130))
def test_a_command_with_bytes_put_into_it_never_raises(wild: bytes, place: int) -> None:
    good = command(kind="resend", params={"stream": "0a", "ranges": [[1, 4]]})

    assert isinstance(decode_command(good[:place] + wild + good[place:]), Order | Turned | None)


@given(JSON, JSON)
def test_an_answer_with_any_report_and_parameters_is_one_or_none(params: object, report: object) -> None:
    said = {"id": "c-1", "status": "done", "reason": "command.health_told", "params": params, "report": report}

    answer = decode_command_answer(json.dumps(said).encode())

    assert answer is None or decode_command_answer(answer.model_dump_json().encode()) is not None


def test_an_answer_is_what_it_says() -> None:
    answer = CommandAnswer(id="c-1", status=Status.EXPIRED, reason="command.expired", params={"clock": "ntp"}, t=5)

    assert decode_command_answer(answer.model_dump_json().encode()) == answer
