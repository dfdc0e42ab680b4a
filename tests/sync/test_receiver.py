"""The receiver's decisions without a network: duplicates, holes and poison."""

from sync.codec import ReceivedBatch, decode_batch, encode_batch
from sync.receiver import Declared, declared_in, holes, joined
from sync.records import TombstoneBody
from sync.wire import Account, Ack, Nack
from tests.sync.samples import record_json, speed


def test_everything_below_the_lowest_owed_is_held_or_it_was_lost() -> None:
    assert holes([(1, 4), (6, 8)], [], "s", lo=9) == ((5, 5),)
    assert holes([(1, 4), (6, 8)], [], "s", lo=12) == ((5, 5), (9, 11))
    assert holes([(1, 4)], [], "s", lo=5) == ()


def test_a_declared_loss_is_no_hole_in_its_stream_and_counts_in_no_other() -> None:
    given_up = Declared("s", 5, 5, "outbox full")

    assert holes([(1, 4), (6, 8)], [given_up], "s", lo=9) == ()
    assert holes([(1, 4), (6, 8)], [given_up], "t", lo=9) == ((5, 5),)


def test_tombstones_of_a_batch_speak_of_its_stream_unless_they_name_another() -> None:
    rows = [
        (1, record_json(TombstoneBody(first_seq=2, last_seq=3, reason="full"))),
        (2, record_json(TombstoneBody(first_seq=1, last_seq=9, reason="damaged", stream="old"))),
        (3, record_json(speed(1))),
    ]
    batch = decode_batch("bay-1", encode_batch("s", 1, rows))
    assert isinstance(batch, ReceivedBatch)

    assert declared_in(batch) == (Declared("s", 2, 3, "full"), Declared("old", 1, 9, "damaged"))


def test_answers_to_batches_that_were_stored_together_are_joined_for_each_stream_without_bridging_a_gap() -> None:
    refused = Nack(s="s", a=7, b=7, reason="no")
    told: list[Ack | Nack | Account] = [
        Ack(s="s", a=1, b=3),
        Ack(s="t", a=4, b=6),
        refused,
        Ack(s="s", a=4, b=6),
        Ack(s="s", a=8, b=9),
    ]

    assert joined(told) == [Ack(s="s", a=1, b=6), Ack(s="s", a=8, b=9), Ack(s="t", a=4, b=6), refused]
    assert joined([*told, *told]) == [*joined(told), refused]
