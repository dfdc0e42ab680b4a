"""Remote commands at the box: at most once, answered as often as asked, whatever comes and whenever a process dies."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent import commands as module
from agent.command_store import CommandStore
from agent.commands import Commands, Outcome
from agent.ledger_store import LedgerStore
from evidence.snapshot import ClockQuality
from sync.clock import Stamp
from sync.command import Command, CommandAnswer, HealthWanted, Status, Wanted
from tests.sync.running import running, until

SENT_MS = 1_760_000_000_000
LIFE_MS = 60_000


class HandClock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now = Stamp(SENT_MS, ClockQuality.NTP, 0, "b1")

    def stamp(self) -> Stamp:
        return self.now

    def set(self, after_ms: int, tq: ClockQuality = ClockQuality.NTP, *, boot: str = "b1", wrong_ms: int = 0) -> None:
        self.now = Stamp(SENT_MS + after_ms + wrong_ms, tq, after_ms * 1_000_000, boot)


class Box:
    """The commands of one box on a real ledger; ``done`` counts how often a command of kind health was carried out."""

    def __init__(self, store: CommandStore) -> None:
        self.clock = HandClock()
        self.done = 0
        self.said: list[CommandAnswer] = []
        self.store = store
        self.commands = self.started()

    def started(self) -> Commands:
        """The same box after its process began again."""
        self.commands = Commands(self.store, self.clock, self._send)
        self.commands.works = {"health": self._work}
        return self.commands

    async def _send(self, payload: bytes) -> None:
        self.said.append(CommandAnswer.model_validate_json(payload))

    async def _work(self, wanted: Wanted) -> Outcome:
        assert isinstance(wanted, HealthWanted)
        self.done += 1
        return Outcome(Status.DONE, "command.health_told", {"count": 0})

    def take(self, payload: bytes | None = None, *, retained: bool = False) -> None:
        self.commands.take(command() if payload is None else payload, retained)

    async def heard(self, count: int) -> list[CommandAnswer]:
        await until(lambda: len(self.said) >= count)
        return self.said


def command(command_id: str = "c-1", kind: str = "health", **params: object) -> bytes:
    made = Command(id=command_id, kind=kind, sent_at=SENT_MS, expires_at=SENT_MS + LIFE_MS, params=params)
    return made.model_dump_json().encode()


@asynccontextmanager
async def opened(path: Path) -> AsyncIterator[Box]:
    store = await LedgerStore.open(path / "ledger.db")
    try:
        yield Box(store.commands)
    finally:
        await store.close()


@pytest.fixture
async def box(tmp_path: Path) -> AsyncIterator[Box]:
    async with opened(tmp_path) as opened_box:
        yield opened_box


def later(work: Callable[[], Awaitable[None]]) -> Callable[[Wanted], Awaitable[Outcome]]:
    async def carry_out(_wanted: Wanted) -> Outcome:
        await work()
        return Outcome(Status.DONE, "command.health_told", {"count": 0})

    return carry_out


async def test_a_command_is_carried_out_and_answered(box: Box) -> None:
    async with running(box.commands.run()):
        box.take()
        (answer,) = await box.heard(1)

    assert (answer.id, answer.status, answer.reason) == ("c-1", Status.DONE, "command.health_told")
    assert (answer.t, answer.tq) == (SENT_MS, ClockQuality.NTP)
    assert (box.done, box.commands.counts.taken) == (1, 1)


async def test_the_same_command_again_gets_the_same_answer_and_is_not_carried_out(box: Box) -> None:
    async with running(box.commands.run()):
        box.take()
        await box.heard(1)
        box.clock.set(10 * LIFE_MS)  # an answer that got lost is given again for as long as it is asked for
        box.take()
        first, second = await box.heard(2)

    assert first == second
    assert (box.done, box.commands.counts.repeated) == (1, 1)


async def test_the_same_command_while_it_is_carried_out_is_answered_once(box: Box) -> None:
    go = asyncio.Event()

    async def wait() -> None:
        box.done += 1
        await go.wait()

    box.commands.works = {"health": later(wait)}
    async with running(box.commands.run()):
        box.take()
        await until(lambda: box.done == 1)
        box.take()
        box.take(command("c-2"))
        go.set()
        await box.heard(2)

    assert sorted(answer.id for answer in box.said) == ["c-1", "c-2"]
    assert box.done == 2


async def test_an_answer_that_was_given_before_a_restart_is_given_again(box: Box) -> None:
    async with running(box.commands.run()):
        box.take()
        await box.heard(1)
    async with running(box.started().run()):
        box.take()
        first, second = await box.heard(2)

    assert first == second
    assert box.done == 1


async def test_a_command_that_a_restart_interrupted_is_answered_as_such_and_not_tried_again(box: Box) -> None:
    async def forever() -> None:
        box.done += 1
        await asyncio.sleep(3600)

    box.commands.works = {"health": later(forever)}
    async with running(box.commands.run()):
        box.take()
        await until(lambda: box.done == 1)
    async with running(box.started().run()):
        box.take()
        (answer,) = await box.heard(1)

    assert (answer.status, answer.reason) == (Status.FAILED, "command.interrupted")
    assert box.done == 1


@pytest.mark.parametrize("wrong_ms", [-(10**11), 0, 10**11])
async def test_what_waited_too_long_is_not_carried_out_whatever_the_clock_says(box: Box, wrong_ms: int) -> None:
    box.clock.set(0, ClockQuality.NONE, wrong_ms=wrong_ms)
    box.take()
    box.clock.set(LIFE_MS, ClockQuality.NONE, wrong_ms=-wrong_ms)
    async with running(box.commands.run()):
        (answer,) = await box.heard(1)

    assert (answer.status, answer.reason, answer.params) == (Status.EXPIRED, "command.expired", {"clock": "none"})
    assert box.done == 0


async def test_a_box_without_a_clock_remembers_over_a_restart_what_time_has_passed(box: Box) -> None:
    box.clock.set(LIFE_MS - 1)
    async with running(box.commands.run()):
        box.take(command("early"))
        await box.heard(1)
    box.clock.set(0, ClockQuality.NONE, boot="b2", wrong_ms=-(10**11))
    async with running(box.started().run()):
        box.take(command("second"))
        await box.heard(2)
    made = Command(id="old", kind="health", sent_at=SENT_MS - LIFE_MS, expires_at=SENT_MS + LIFE_MS - 1)
    async with running(box.started().run()):
        box.take(made.model_dump_json().encode())
        await box.heard(3)

    assert [answer.status for answer in box.said] == [Status.DONE, Status.DONE, Status.EXPIRED]


async def test_what_the_broker_kept_is_nobodys_order_of_now(box: Box) -> None:
    async with running(box.commands.run()):
        box.take(retained=True)
        box.take(command("c-2"))
        await box.heard(1)

    assert [answer.id for answer in box.said] == ["c-2"]
    assert box.commands.counts.dropped == 1


async def test_a_kind_that_is_not_known_and_parameters_that_are_not_understood_are_answered(box: Box) -> None:
    async with running(box.commands.run()):
        box.take(command("c-1", "reboot"))
        box.take(command("c-2", "health", file="/etc/passwd"))
        await box.heard(2)

    answers = {answer.id: answer for answer in box.said}
    assert (answers["c-1"].status, answers["c-2"].status) == (Status.UNKNOWN, Status.REFUSED)
    assert box.done == 0


async def test_what_a_kind_of_work_meets_is_that_commands_failure_alone(box: Box) -> None:
    async def breaks() -> None:
        box.commands.works = {"health": later(nothing)}
        raise OSError("a path that says too much")

    async def nothing() -> None:
        return

    box.commands.works = {"health": later(breaks)}
    async with running(box.commands.run()):
        box.take()
        await box.heard(1)
        box.take(command("c-2"))
        await box.heard(2)

    assert [answer.status for answer in box.said] == [Status.FAILED, Status.DONE]
    assert box.said[0].params == {"detail": "OSError"}


async def test_an_answer_that_nobody_takes_stops_no_further_command(box: Box) -> None:
    sends = 0

    async def send(payload: bytes) -> None:
        nonlocal sends
        sends += 1
        if sends == 1:
            raise RuntimeError("gone")
        box.said.append(CommandAnswer.model_validate_json(payload))

    made = Commands(box.store, box.clock, send)
    made.works = box.commands.works
    async with running(made.run()):
        made.take(command(), False)
        await until(lambda: sends == 1)
        made.take(command(), False)
        await box.heard(1)

    assert box.done == 1


async def test_more_than_can_wait_is_dropped_and_comes_again(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(module.WAITING_LIMIT + 3):
        box.take(command(f"c-{number}"))
    assert box.commands.counts.dropped == 3

    async with running(box.commands.run()):
        await box.heard(module.WAITING_LIMIT)
        box.take(command(f"c-{module.WAITING_LIMIT}"))
        await box.heard(module.WAITING_LIMIT + 1)

    assert box.done == module.WAITING_LIMIT + 1


def test_a_flood_of_what_is_no_command_is_counted_and_fills_no_log(capfd: pytest.CaptureFixture[str]) -> None:
    commands = Commands(None, HandClock(), None)  # type: ignore[arg-type]
    for _ in range(1000):
        commands.take(b"no command", False)

    said = capfd.readouterr()
    assert commands.counts.dropped == 1000
    assert (said.out + said.err).count("command dropped") == 10


async def test_only_so_many_are_carried_out_at_once(box: Box) -> None:
    go, at_once, most = asyncio.Event(), 0, 0

    async def wait() -> None:
        nonlocal at_once, most
        at_once += 1
        most = max(most, at_once)
        await go.wait()
        at_once -= 1

    box.commands.works = {"health": later(wait)}
    async with running(box.commands.run()):
        for number in range(10):
            box.take(command(f"c-{number}"))
        await until(lambda: at_once == module.AT_ONCE)
        go.set()
        await box.heard(10)

    assert most == module.AT_ONCE


@settings(max_examples=60)
@given(
    st.lists(st.binary(max_size=200) | st.sampled_from([command(), command("c-2"), command("c-1", "x")]), max_size=8)
)
def test_whatever_arrives_nothing_is_done_twice(payloads: list[bytes]) -> None:
    """Only what waits is looked at here: taking never raises, and an id waits once."""
    commands = Commands(None, HandClock(), None)  # type: ignore[arg-type]
    for payload in payloads:
        commands.take(payload, False)

    ids = [commands._waiting.get_nowait().order.command.id for _ in range(commands._waiting.qsize())]
    assert len(ids) == len(set(ids))
    assert len(ids) + commands.counts.dropped + commands.counts.repeated == len(payloads)
