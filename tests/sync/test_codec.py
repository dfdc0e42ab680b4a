"""Records as bytes and back: what is too new, too long or broken is refused by name."""

import json
import zlib
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sync.codec import (
    COMPRESS_FROM_BYTES,
    MAX_BATCH_BYTES,
    MAX_BATCH_RECORDS,
    MAX_SEQ,
    ZLIB_FIRST_BYTE,
    ReceivedBatch,
    Unreadable,
    answers_of,
    decode_answer,
    decode_batch,
    decode_question,
    decode_state,
    encode_batch,
    runs,
)
from sync.records import AnyBody, Record, TombstoneBody
from sync.rows import read
from sync.wire import Account, Ack, Nack, Question, State
from tests.sync.samples import BODIES, VEHICLE, record_json, record_of, speed

GOLDEN = Path(__file__).parent / "golden"


def received(payload: bytes) -> ReceivedBatch:
    batch = decode_batch("bay-1", payload)
    assert isinstance(batch, ReceivedBatch), batch
    return batch


@pytest.mark.parametrize("kind", BODIES)
def test_each_record_kind_reads_and_writes_its_golden_form(kind: str) -> None:
    golden = (GOLDEN / f"{kind}.json").read_text(encoding="utf-8")

    assert json.loads(record_json(BODIES[kind])) == json.loads(golden)
    assert Record.model_validate_json(golden) == record_of(BODIES[kind])


def test_a_batch_says_version_stream_lowest_and_its_records() -> None:
    payload = encode_batch("0a1b", 3, [(4, '{"x":1}'), (7, '{"y":2}')])

    assert payload == b'{"v":1,"s":"0a1b","lo":3,"r":[[4,{"x":1}],[7,{"y":2}]]}'


@pytest.mark.parametrize("count", [1, 200])
def test_what_was_encoded_is_received_whole(count: int) -> None:
    rows = [(seq, record_json(speed(seq))) for seq in range(1, count + 1)]

    batch = received(encode_batch("s", 1, rows))

    assert [(row.seq, row.record) for row in batch.records] == [(seq, record_of(speed(seq))) for seq, _ in rows]
    assert batch.poison == ()


def test_a_long_batch_is_deflated_and_a_short_one_is_not() -> None:
    short = encode_batch("s", 1, [(1, '{"a":"b"}')])
    long = encode_batch("s", 1, [(1, '{"a":"' + "b" * COMPRESS_FROM_BYTES + '"}')])

    assert (chr(short[0]), long[0]) == ("{", 0x78)


@pytest.mark.parametrize(("length", "first"), [(COMPRESS_FROM_BYTES - 1, ord("{")), (COMPRESS_FROM_BYTES, 0x78)])
def test_a_batch_is_deflated_from_a_certain_length_on(length: int, first: int) -> None:
    filling = "b" * (length - len(encode_batch("s", 1, [(1, '""')])))

    assert encode_batch("s", 1, [(1, f'"{filling}"')])[0] == first


def test_keys_of_a_newer_edge_are_kept_for_the_store() -> None:
    row = json.loads(record_json(speed(1))) | {"gps": "no"}

    batch = received(encode_batch("s", 1, [(1, json.dumps(row))]))

    assert json.loads(batch.records[0].payload)["gps"] == "no"


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b"", "not JSON"),
        (b"\xff\xfe", "not JSON"),
        (b"[]", "not a JSON object"),
        (b'{"v":2,"s":"s","lo":1,"r":[]}', "version 2"),
        (b'{"s":"s","lo":1,"r":[]}', "version None"),
        (b'{"v":1,"lo":1,"r":[]}', "no stream id"),
        (b'{"v":1,"s":"a b","lo":1,"r":[]}', "no stream id"),
        (b'{"v":1,"s":"s","lo":0,"r":[]}', "no lowest seq"),
        (b'{"v":1,"s":"s","lo":true,"r":[]}', "no lowest seq"),
        (b'{"v":1,"s":"s","lo":1}', "no list"),
        (b'{"v":1,"s":"s","lo":1,"r":[[1]]}', "without a seq"),
        (b'{"v":1,"s":"s","lo":1,"r":[["1",{}]]}', "without a seq"),
        (b"\x78\x9cgarbage", "not JSON"),
        (zlib.compress(b'{"v":1}' * 100)[:-5], "cut short"),
        (b"[" * 100_000, "not JSON"),
    ],
)
def test_an_envelope_that_cannot_be_answered_says_why(payload: bytes, reason: str) -> None:
    outcome = decode_batch("bay-1", payload)

    assert isinstance(outcome, Unreadable)
    assert reason in outcome.reason


def test_a_payload_over_the_limit_is_not_even_parsed() -> None:
    largest = b'{"v":1,"s":"s","lo":1,"r":[]}'.ljust(MAX_BATCH_BYTES)

    assert isinstance(decode_batch("bay-1", largest), ReceivedBatch)
    outcome = decode_batch("bay-1", largest + b" ")
    assert isinstance(outcome, Unreadable)
    assert "more than" in outcome.reason


@pytest.mark.parametrize(("count", "taken"), [(MAX_BATCH_RECORDS, True), (MAX_BATCH_RECORDS + 1, False)])
def test_a_batch_has_at_most_so_many_records(count: int, taken: bool) -> None:
    for row in ("{}", record_json(speed(1))):  # the long way, and the short one
        outcome = decode_batch("bay-1", encode_batch("s", 1, [(seq, row) for seq in range(1, count + 1)]))

        assert isinstance(outcome, ReceivedBatch) is taken


def test_a_reading_that_names_a_car_is_told_from_one_that_names_none() -> None:
    of_a_car = speed(1).model_copy(update={"vehicle": VEHICLE})
    bodies: list[AnyBody] = [speed(1), of_a_car, BODIES["clock"]]

    batch = received(encode_batch("s", 1, [(1 + at, record_json(body)) for at, body in enumerate(bodies)]))

    assert [row.about_no_car for row in batch.records] == [True, False, False]
    assert batch.readings is None


def test_a_deflated_bomb_is_not_blown_up() -> None:
    bomb = zlib.compress(b" " * (MAX_BATCH_BYTES * 4))

    outcome = decode_batch("bay-1", bomb)

    assert isinstance(outcome, Unreadable)
    assert len(bomb) < MAX_BATCH_BYTES


def test_poison_is_refused_by_ranges_and_the_rest_is_kept() -> None:
    rows = [(1, record_json(speed(1))), (2, '{"kind":"?"}'), (3, "17"), (4, record_json(speed(4))), (6, "null")]

    batch = received(encode_batch("s", 1, rows))

    assert [row.seq for row in batch.records] == [1, 4]
    assert [(nack.a, nack.b) for nack in batch.poison] == [(2, 3), (6, 6)]
    assert all(nack.reason for nack in batch.poison)


@pytest.mark.parametrize("value", ["NaN", '"\\ud800"', "1e400"])
def test_what_only_python_calls_json_is_poison(value: str) -> None:
    row = record_json(speed(1)).replace('"value":1', f'"value":{value}')

    batch = received(encode_batch("s", 1, [(1, row)]))

    assert (batch.records, len(batch.poison)) == ((), 1)


def test_reasons_are_bounded_and_printable() -> None:
    row = json.loads(record_json(speed(1)))
    row["body"]["kind"] = "\n" * 5000

    nack = received(encode_batch("s", 1, [(1, json.dumps(row))])).poison[0]

    assert len(nack.reason) <= 200
    assert nack.reason.isprintable()


def test_only_what_stood_in_the_batch_is_acknowledged() -> None:
    batch = received(encode_batch("s", 1, [(seq, record_json(speed(seq))) for seq in (5, 6, 9)] + [(10, "{}")]))

    answers = answers_of(batch)

    assert answers[:2] == (Ack(s="s", a=5, b=6), Ack(s="s", a=9, b=9))
    assert isinstance(answers[2], Nack)
    assert (answers[2].a, answers[2].b) == (10, 10)


@pytest.mark.parametrize(
    "answer",
    [Ack(s="s", a=1, b=MAX_SEQ), Nack(s="s", a=2, b=2, reason="no"), Account(s="s", ask="0a", holds=())],
)
def test_answers_survive_the_wire(answer: Ack | Nack | Account) -> None:
    assert decode_answer(answer.model_dump_json().encode()) == answer


@pytest.mark.parametrize(
    "payload",
    [b"", b"{}", b"[]", b'{"s":"s","a":0,"b":1}', b'{"s":"s","a":3,"b":2}', b'{"s":"s","a":1,"b":1e30}', b"[" * 10**5],
)
def test_what_is_no_answer_is_none(payload: bytes) -> None:
    assert decode_answer(payload) is None


def test_a_question_survives_the_wire() -> None:
    question = Question(s="s", ask="0a", lo=1, of=((1, 1), (2, MAX_SEQ)))

    assert decode_question(question.model_dump_json().encode()) == question


@pytest.mark.parametrize("of", [(0, 1), (3, 2), (1, MAX_SEQ + 1)])
def test_a_question_about_what_can_be_no_range_is_none(of: tuple[int, int]) -> None:
    assert decode_question(Question(s="s", ask="0a", lo=1, of=((1, 2), of)).model_dump_json().encode()) is None
    assert decode_question(b"") is None


def test_a_state_survives_the_wire_and_anything_else_is_none() -> None:
    state = State(sid="x", online=True, version="0.1.0", buffered=3)

    assert decode_state(state.model_dump_json().encode()) == state
    assert decode_state(b"offline") is None


@given(st.binary(max_size=300))
@example(b'{"v":1,"s":"s","lo":1,"r":[[1,{"body":{"kind":"clock"}}]]}')
def test_any_bytes_give_a_batch_or_a_reason(payload: bytes) -> None:
    for candidate in (payload, zlib.compress(payload)):
        outcome = decode_batch("bay-1", candidate)

        assert isinstance(outcome, ReceivedBatch) or outcome.reason
        decode_answer(candidate)
        decode_state(candidate)


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(st.lists(st.tuples(st.integers(1, 30), JSON_VALUES), max_size=6))
def test_every_seq_of_a_batch_is_answered_once(rows: list[tuple[int, object]]) -> None:
    good = json.loads(record_json(speed(1)))
    mixed = [(seq, good if value is None else value) for seq, value in rows]

    batch = received(encode_batch("s", 1, [(seq, json.dumps(value)) for seq, value in mixed]))

    answered = [seq for answer in answers_of(batch) for seq in range(answer.a, answer.b + 1)]
    assert sorted(answered) == sorted({seq for seq, _ in rows})


@given(st.sets(st.integers(1, 60)))
@example({1, 2, 4, 9})
def test_runs_cover_exactly_what_they_were_given(seqs: set[int]) -> None:
    found = runs(sorted(seqs))

    assert [seq for a, b in found for seq in range(a, b + 1)] == sorted(seqs)
    assert all(later[0] > earlier[1] + 1 for earlier, later in pairwise(found))


def test_the_largest_seq_is_one_that_every_json_reader_keeps() -> None:
    payload = encode_batch("s", 1, [(MAX_SEQ, record_json(TombstoneBody(first_seq=1, last_seq=MAX_SEQ, reason="r")))])

    assert received(payload).records[0].seq == 2**53 - 1


@given(st.lists(st.sampled_from([speed(1), *BODIES.values()]), min_size=1, max_size=5), st.integers(1, 9))
def test_the_short_way_and_the_long_way_read_the_same(bodies: list[AnyBody], first: int) -> None:
    rows = [(first + at, record_json(body)) for at, body in enumerate(bodies)]
    batch = encode_batch("s", 1, rows)
    plain = zlib.decompress(batch) if batch[0] == ZLIB_FIRST_BYTE else batch
    text = json.dumps({"r": [[seq, json.loads(row)] for seq, row in rows], "lo": 1, "s": "s", "v": 1})

    short, long = received(batch), received(text.encode())

    assert [(r.seq, r.record) for r in short.records] == [(r.seq, r.record) for r in long.records]
    assert (read("bay-1", plain) is not None) == all(body == speed(1) for body in bodies)
    assert [json.loads(r.payload) for r in short.records] == [json.loads(r.payload) for r in long.records]


def test_raw_readings_stay_columns_when_some_are_taken_out() -> None:
    readings = received(encode_batch("s", 1, [(seq, record_json(speed(seq))) for seq in (1, 2, 4, 5)])).readings
    assert readings is not None

    left = readings.without({2, 5, 9})

    assert [(row.seq, row.record, row.about_no_car) for row in left] == [
        (seq, record_of(speed(seq)), True) for seq in (1, 4)
    ]
    assert [row.seq for row in readings[1:3]] == [2, 4]


def test_a_batch_from_before_and_after_a_restart_goes_the_long_way_and_is_read_whole() -> None:
    row = record_json(speed(1))
    after = row.replace(record_of(speed(1)).boot, "another boot")
    text = encode_batch("s", 1, [(1, row), (2, after)])

    assert read("bay-1", zlib.decompress(text) if text[0] == ZLIB_FIRST_BYTE else text) is None
    assert [record.boot for record in received(text).records] == [record_of(speed(1)).boot, "another boot"]


@given(st.integers(0, 200), st.sampled_from(["", "]", ",", "x", '"', "NaN", "1", " ", "}", "\\ud800"]))
def test_whatever_is_changed_in_a_batch_both_ways_judge_it_alike(at: int, by: str) -> None:
    text = encode_batch("s", 1, [(3, record_json(speed(1)))]).decode()
    changed = (text[:at] + by + text[at + 1 :]).encode()

    quick = decode_batch("bay-1", changed)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sync.codec._read_quickly", lambda _device, _text: None)
        slow = decode_batch("bay-1", changed)

    assert type(quick) is type(slow)
    if isinstance(quick, ReceivedBatch) and isinstance(slow, ReceivedBatch):
        assert [(r.seq, r.record) for r in quick.records] == [(r.seq, r.record) for r in slow.records]
        assert quick.poison == slow.poison
