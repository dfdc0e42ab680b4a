"""The sender's decisions without a network: windows, order, resending and time."""

from hypothesis import given
from hypothesis import strategies as st

from sync.codec import ReceivedBatch, decode_batch, runs
from sync.outbox_file import READINGS, TURNS, Rows
from sync.sender import BATCH_TARGET_BYTES, PATIENCE_LIMIT, Page, Sender
from sync.wire import Ack, Nack
from tests.sync.samples import record_json, speed

NO_ROWS = Rows((), ())


def rows(*seqs: int) -> Rows:
    return Rows(seqs, [record_json(speed(seq)).encode() for seq in seqs])


def a_sender(window: int = 2, batch_records: int = 3) -> Sender:
    return Sender("s", batch_records, window, ack_timeout_s=10.0)


def offer(sender: Sender, *seqs: int, now_s: float = 0.0) -> ReceivedBatch:
    sender.appended()
    page = sender.wants()
    assert page is not None
    (payload,) = sender.take(page, rows(*seqs), min(seqs), now_s)
    batch = decode_batch("bay-1", payload)
    assert isinstance(batch, ReceivedBatch)
    return batch


def test_what_people_wait_for_is_asked_for_first_and_readings_when_that_is_drained() -> None:
    sender = a_sender()

    first = sender.wants()
    assert first == Page(turn=0, after_seq=0, limit=3)
    assert sender.take(first, NO_ROWS, 1, 0.0) == []
    second = sender.wants()

    assert second == Page(turn=1, after_seq=0, limit=3)


def test_the_next_page_follows_the_last_row_sent() -> None:
    sender = a_sender()

    offer(sender, 1, 2, 5)

    assert sender.wants() == Page(turn=0, after_seq=5, limit=3)


def test_a_full_window_wants_nothing_until_an_acknowledgement_comes() -> None:
    sender = a_sender(window=1)
    offer(sender, 1, 2, 3)

    assert sender.wants() is None
    assert sender.on_ack(Ack(s="s", a=1, b=2)) == ((1, 2),)
    assert sender.wants() is None
    assert sender.on_ack(Ack(s="s", a=3, b=3)) == ((3, 3),)
    assert sender.wants() == Page(turn=0, after_seq=3, limit=3)


def test_raw_readings_are_read_several_batches_at_once_and_large_ones_only_as_far_as_the_window_goes() -> None:
    sender = a_sender()
    for turn in TURNS[:-1]:
        sender.take(Page(turn, 0, 3), NO_ROWS, 1, 0.0)
    page = sender.wants()
    assert page == Page(READINGS, after_seq=0, limit=6)
    sender.window = 9
    assert sender.wants() == Page(READINGS, after_seq=0, limit=12)
    sender.window = 2

    batches = sender.take(page, Rows(range(1, 7), [b"x" * BATCH_TARGET_BYTES] * 6), 1, 0.0)

    assert (len(batches), sender.wants()) == (2, None)
    sender.on_ack(Ack(s="s", a=1, b=1))
    assert sender.wants() == Page(READINGS, after_seq=2, limit=3)


def test_a_page_that_is_not_full_was_the_last_of_its_turn() -> None:
    sender = a_sender()
    page = sender.wants()
    assert page is not None

    sender.take(page, rows(1, 2), 1, 0.0)

    assert sender.wants() == Page(turn=1, after_seq=0, limit=3)


def test_nothing_new_is_asked_for_until_something_was_appended() -> None:
    sender = a_sender()
    for _ in TURNS:
        page = sender.wants()
        assert page is not None
        sender.take(page, NO_ROWS, 1, 0.0)

    assert sender.wants() is None
    sender.appended()
    assert sender.wants() is not None


def test_only_what_was_sent_is_ever_forgotten() -> None:
    sender = a_sender()
    offer(sender, 3, 4, 7)

    assert sender.on_ack(Ack(s="s", a=1, b=9_000_000_000_000_000)) == ((3, 4), (7, 7))
    assert sender.on_ack(Ack(s="s", a=1, b=9)) == ()


@given(st.sets(st.integers(1, 12), min_size=1), st.lists(st.tuples(st.integers(1, 14), st.integers(0, 6)), max_size=4))
def test_any_acknowledgements_hand_out_once_what_they_speak_of_and_was_sent(
    sent: set[int], acknowledged: list[tuple[int, int]]
) -> None:
    sender = a_sender(window=1, batch_records=12)
    offer(sender, *sorted(sent))
    left = set(sent)
    for a, more in acknowledged:
        hit = left & set(range(a, a + more + 1))
        assert sender.on_ack(Ack(s="s", a=a, b=a + more)) == runs(sorted(hit))
        left -= hit

    assert sender.in_flight == bool(left)


def test_an_acknowledgement_of_another_stream_is_not_ours() -> None:
    sender = a_sender()
    offer(sender, 1)

    assert sender.on_ack(Ack(s="other", a=1, b=1)) == ()
    assert sender.in_flight == 1


def test_a_refused_range_is_handed_out_for_quarantine_and_frees_the_window() -> None:
    sender = a_sender(window=1)
    offer(sender, 1, 2, 3)
    sender.on_ack(Ack(s="s", a=1, b=1))

    assert sender.on_nack(Nack(s="s", a=2, b=3, reason="bad")) == ((2, 3),)
    assert sender.in_flight == 0


def test_silence_sends_everything_again_from_the_lowest() -> None:
    sender = a_sender()
    offer(sender, 1, 2, now_s=100.0)
    offer(sender, 3, now_s=105.0)

    assert not sender.expired(109.9)
    assert sender.expired(110.0)
    sender.go_back()

    assert sender.wants() == Page(turn=0, after_seq=0, limit=3)
    assert (sender.in_flight, sender.deadline_s()) == (0, None)


def test_an_acknowledgement_that_comes_after_going_back_still_counts() -> None:
    sender = a_sender()
    offer(sender, 1, 2)
    sender.go_back()

    assert sender.on_ack(Ack(s="s", a=1, b=2)) == ((1, 2),)


def test_patience_grows_with_silence_up_to_a_limit_and_returns_with_an_answer() -> None:
    sender = a_sender()
    waits = []
    for _ in range(5):
        offer(sender, 1)
        waits.append(sender.deadline_s())
        sender.go_back()

    assert waits == [10.0, 20.0, 40.0, 40.0, 40.0]
    assert waits[-1] == 10.0 * PATIENCE_LIMIT
    sender.on_ack(Ack(s="s", a=1, b=1))
    offer(sender, 2)
    assert sender.deadline_s() == 10.0


def test_large_records_are_spread_over_several_batches() -> None:
    sender = a_sender(batch_records=10)
    big = Rows(range(1, 6), [b"x" * (BATCH_TARGET_BYTES // 2)] * 5)
    page = sender.wants()
    assert page is not None

    assert len(sender.take(page, big, 1, 0.0)) == 2
    assert sender.wants() is None
    assert sender.on_ack(Ack(s="s", a=1, b=9)) == ((1, 4),)
    assert sender.wants() == Page(turn=0, after_seq=4, limit=10)


def test_one_record_over_the_target_still_goes() -> None:
    sender = a_sender()
    page = sender.wants()
    assert page is not None

    assert len(sender.take(page, Rows((1, 2), (b"x" * (BATCH_TARGET_BYTES * 2), b"x")), 1, 0.0)) == 2


def test_every_batch_names_its_stream_and_the_lowest_owed() -> None:
    batch = offer(a_sender(), 4, 5)

    assert (batch.stream, batch.lo, [row.seq for row in batch.records]) == ("s", 4, [4, 5])


def test_a_slow_receiver_that_answers_is_not_sent_everything_again_but_no_batch_waits_for_ever() -> None:
    sender = a_sender(window=4)
    offer(sender, 1)
    for seq in range(2, 9):
        offer(sender, seq, now_s=seq * 8.0 - 9.0)
        sender.on_ack(Ack(s="s", a=seq, b=seq), now_s=seq * 8.0 - 8.0)
        assert sender.expired(seq * 8.0) == (seq * 8.0 >= 10.0 * PATIENCE_LIMIT)
