"""Digests by range: every record in exactly one piece, and its content decides, not its spelling."""

import hashlib
import json

from hypothesis import given
from hypothesis import strategies as st

from sync.digest import digest_of, pieces, without

spans = st.lists(st.tuples(st.integers(1, 40), st.integers(0, 8)).map(lambda p: (p[0], p[0] + p[1])))


def seqs_of(ranges: tuple[tuple[int, int], ...] | list[tuple[int, int]]) -> list[int]:
    return [seq for a, b in ranges for seq in range(a, b + 1)]


@given(st.tuples(st.integers(1, 20), st.integers(20, 60)), spans)
def test_what_is_left_is_what_nobody_took(whole: tuple[int, int], taken: list[tuple[int, int]]) -> None:
    assert seqs_of(without([whole], taken)) == [seq for seq in seqs_of([whole]) if seq not in seqs_of(taken)]


@given(st.sets(st.integers(1, 200)), st.integers(1, 9))
def test_pieces_hold_every_seq_once_and_are_never_too_long(seqs: set[int], size: int) -> None:
    parts = pieces(sorted(seqs), size)

    assert seqs_of(parts) == sorted(seqs)
    assert all(0 <= b - a < size for a, b in parts)


def test_the_spelling_of_json_makes_no_difference_and_its_content_does() -> None:
    record = {"值": 1.5, "b": [1, 2], "c": 1e16}
    spelt: list[str | bytes] = [
        json.dumps(record),
        json.dumps(record, ensure_ascii=False, indent=1).encode(),
        '{"值":1.50,"b":[1,2],"c":1e16}',
    ]

    assert len({digest_of([(7, text)]) for text in spelt}) == 1
    assert digest_of([(7, spelt[0])]) != digest_of([(8, spelt[0])])
    assert digest_of([(7, spelt[0])]) != digest_of([(7, json.dumps(record | {"b": [2, 1]}))])


def test_a_digest_is_the_one_that_the_contract_names() -> None:
    whole = hashlib.sha256('7:{"a":"沪"}\n8:[]\n'.encode()).hexdigest()

    assert digest_of([(7, '{ "a": "沪" }'), (8, b"[]")]) == whole[:32]
