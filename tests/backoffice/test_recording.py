"""Raw records: each once, and every loss proven, declared or refused."""

import json
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backoffice.keeping import WIDEST, Incoming, StoreResult
from backoffice.recording import uncovered
from backoffice.store import RecordStore
from sync.codec import ReceivedBatch, decode_batch, encode_batch
from sync.records import ReadingBody, TombstoneBody
from tests.backoffice.facts import START, row, tombstone

ANY = row(ReadingBody(signal="Vehicle.Speed", value=7))


async def put_seqs(store: RecordStore, *seqs: int, lo: int = 1, stream: str = "s1") -> tuple[tuple[int, int], ...]:
    result = await store.store_batch("bay-1", stream, lo, [(seq, ANY) for seq in seqs], START)
    return result.holes


async def test_what_lies_below_lo_and_is_not_here_is_a_hole(store: RecordStore) -> None:
    assert await put_seqs(store, 1, 2, 6, lo=1) == ()
    assert await put_seqs(store, 9, lo=9) == ((3, 5), (7, 8))
    assert await put_seqs(store, 10, lo=10) == ()
    assert (await store.counts())["holes"] == 5


async def test_a_stream_that_begins_late_has_lost_its_beginning(store: RecordStore) -> None:
    assert await put_seqs(store, 5, lo=5) == ((1, 4),)


async def test_an_empty_batch_may_still_prove_a_hole(store: RecordStore) -> None:
    assert await put_seqs(store, lo=3) == ((1, 2),)


async def test_a_declared_loss_is_no_hole(store: RecordStore) -> None:
    await store.store_batch("bay-1", "s1", 1, [(1, ANY), (6, row(tombstone(2, 5)))], START)

    assert await put_seqs(store, 7, lo=7) == ()
    assert (await store.counts())["given_up"] == 4


async def test_a_tombstone_may_speak_of_an_older_stream(store: RecordStore) -> None:
    await put_seqs(store, 4, lo=4, stream="old")
    lost = TombstoneBody(first_seq=1, last_seq=3, reason="file lost", stream="old")
    await store.store_batch("bay-1", "new", 1, [(1, row(lost))], START)

    assert (await store.counts())["holes"] == 0


async def test_a_hole_that_is_filled_after_all_shrinks(store: RecordStore) -> None:
    await put_seqs(store, 1, lo=1)
    await put_seqs(store, 6, lo=6)
    await put_seqs(store, 3, lo=6)

    assert (await store.counts())["holes"] == 3
    await put_seqs(store, 2, 4, 5, lo=6)
    assert (await store.counts())["holes"] == 0


async def test_the_short_way_for_raw_readings_says_the_same_as_the_long_one(
    store: RecordStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    chance, told = Random(5), dict[str, list[StoreResult]](short=[], long=[])
    for _ in range(12):
        rows, lo = [(seq, ANY) for seq in sorted(chance.sample(range(1, 20), 4))], chance.randrange(1, 16)
        told["short"].append(await store.store_batch("short", "s1", lo, rows, START))
        with monkeypatch.context() as patch:
            patch.setattr(ReceivedBatch, "readings", None)
            told["long"].append(await store.store_batch("long", "s1", lo, rows, START))

    assert told["short"] == told["long"]
    assert any(one.holes for one in told["short"])
    assert any(one.duplicates for one in told["short"])


async def test_batches_stored_together_keep_each_record_once_by_either_way(
    store: RecordStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    chance, told = Random(6), dict[str, list[tuple[StoreResult, ...]]](short=[], long=[])

    def batch(device: str, seqs: list[int], lo: int) -> Incoming:
        read = decode_batch(device, encode_batch("s1", lo, [(seq, json.dumps(ANY)) for seq in seqs]))
        assert isinstance(read, ReceivedBatch)
        return Incoming(read, START)

    for far in (0, 0, 0, 0, WIDEST, WIDEST + 1):
        together = [(sorted(chance.sample(range(1, 20), 4)), 1) for _ in range(3)] + [([1 + far, 2 + far], 1)]
        told["short"].append(await store.store_batches([batch("short", *one) for one in together]))
        with monkeypatch.context() as patch:
            patch.setattr(ReceivedBatch, "readings", None)
            told["long"].append(await store.store_batches([batch("long", *one) for one in together]))

    assert told["short"] == told["long"]
    assert any(one.duplicates for results in told["short"] for one in results)


async def test_a_refused_record_is_noted_once_and_is_no_hole(store: RecordStore) -> None:
    for _ in range(2):
        await store.store_batch("bay-1", "s1", 1, [(1, ANY), (2, {"not": "a record"}), (3, ANY)], START)

    assert await put_seqs(store, 4, lo=4) == ()
    assert (await store.counts())["refused"] == 1
    assert (await store.counts())["records"] == 3


async def test_an_absurd_lo_costs_nothing(store: RecordStore) -> None:
    assert await put_seqs(store, 1, lo=2**53 - 1) == ((2, 2**53 - 2),)


async def test_what_is_no_batch_is_refused_whole(store: RecordStore) -> None:
    with pytest.raises(ValueError, match="lowest seq"):
        await store.store_batch("bay-1", "s1", 0, [(1, ANY)], START)


def test_the_codec_keeps_what_we_store() -> None:
    payload = json.dumps({"v": 1, "s": "s1", "lo": 1, "r": [[1, ANY]]}).encode()
    batch = decode_batch("bay-1", payload)

    assert json.loads(batch.records[0].payload) == ANY  # type: ignore[union-attr]


@given(st.integers(1, 30), st.integers(0, 30), st.lists(st.tuples(st.integers(0, 60), st.integers(0, 9))))
def test_uncovered_is_what_a_set_would_say(first: int, length: int, pieces: list[tuple[int, int]]) -> None:
    covered = [(start, start + more) for start, more in pieces]
    expected = set(range(first, first + length + 1)) - {seq for a, b in covered for seq in range(a, b + 1)}
    found = uncovered((first, first + length), covered)

    assert {seq for a, b in found for seq in range(a, b + 1)} == expected
    assert all(a <= b for a, b in found)
