"""The edge of the simulated world: the outbox's SQL on a disk that forgets, the sender driven as the publisher does."""

import functools
import math
import sqlite3
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Protocol, TypeVar

from config.settings import MqttSettings
from sync import outbox_file as file
from sync.codec import ReceivedBatch, answers_of, decode_answer, decode_batch
from sync.outbox_room import make_way
from sync.patience import pause_s
from sync.records import TombstoneBody
from sync.sender import Sender
from sync.wire import Ack, Nack
from tests.sync.samples import mileage, speed
from tests.sync.world_parts import POISON, Control, Disk, PowerCutError, Upstream, content_of

SETTINGS = MqttSettings(ack_timeout_s=20, backoff_first_s=0.5, backoff_max_s=60, batch_records=8, window_batches=3)
QUOTA_RECORDS = 150  # in a peaceful world there is room for all
YEAR_MS = 365 * 86_400_000
START_MS = 1_700_000_000_000
MARK = 987_654_321  # stands for the number in a record's text, of which thousands are written
PLACE = Path(__file__)
Value = TypeVar("Value")
_SPEED, _MILEAGE = (body.model_dump_json().replace(str(MARK), "%d") for body in (speed(MARK), mileage(MARK)))
_RECORD = '{"t":%d,"tq":"none","mono_ns":%d,"boot":"%d","body":%s}'
_read = functools.lru_cache(maxsize=256)(decode_answer)  # many come more than once


class Surroundings(Protocol):
    """What an edge finds around it."""

    now_s: float
    peaceful: bool
    control: Control
    broker_up: bool
    upstream: Upstream
    promised: dict[int, tuple[str, int]]

    @property
    def chance(self) -> Random: ...
    def after(self, delay_s: float, step: Callable[[], None]) -> None: ...
    def to_broker(self, payload: bytes) -> None: ...
    def risk(self, what: type[Exception]) -> None: ...


class Edge:
    """One box. Any of its steps may be its last: then only the disk is left, and it starts again."""

    def __init__(self, world: Surroundings) -> None:
        self._world = world
        self._life = 0
        self._next_number = 1
        self._attempt = 0
        self._wall_ms = START_MS
        self._sender: Sender | None = None
        self._wakes_s = math.inf
        self._disk = Disk(sync_each=world.control is not Control.SYNC_NORMAL)
        self._home = self._disk.commit(lambda c: file.settle(c, PLACE, ""))
        self._disk.sync()
        self._marker = self._home.token  # lies in the lock file, written after the commit
        self._backup: Disk | None = None

    def end(self) -> None:
        """Take the disks out; nothing can be asked of this edge any more."""
        for disk in (self._disk, self._backup):
            if disk is not None:
                disk.close()

    def owes_nothing(self) -> bool:
        return not self._disk.read(lambda c: c.execute("SELECT EXISTS (SELECT 1 FROM owed)").fetchone()[0])

    def produce(self, count: int) -> None:
        """Append some records; promised once the commit has come to its end."""
        numbers = range(self._next_number, self._next_number + count)
        self._next_number += count
        lines = [self._line(number) for number in numbers]
        last = self._durably(lambda c: file.append(c, self._home.number, lines))
        first = last - count + 1
        self._world.promised |= {number: (self._home.stream, first + i) for i, number in enumerate(numbers)}
        self._keep_within_quota()
        self.pump(appended=True)

    def clock_jumps(self, years: int) -> None:
        self._wall_ms += years * YEAR_MS

    def _durably(self, work: Callable[[sqlite3.Connection], Value], *, lasting: bool = True) -> Value:
        """Commit; the power may fail right before it, and right after it."""
        self._world.risk(PowerCutError)
        value = self._disk.commit(work, lasting=lasting)
        self._world.risk(PowerCutError)
        return value

    def _line(self, number: int) -> file.Line:
        """Mostly readings, some for people, now and then one that upstream will refuse."""
        kind = self._world.chance.random()
        if kind < 0.02:
            return file.Line(file.PEOPLE, f'{{"{POISON}":{number}}}')
        if kind < 0.3:
            return self._written(self._some_turn(), _MILEAGE % number)
        return self._written(file.READINGS, _SPEED % number)

    def _some_turn(self) -> int:
        return self._world.chance.choice([file.FINDINGS, file.PEOPLE])

    def _written(self, turn: int, body: str, accounts: tuple[str, int] | None = None) -> file.Line:
        now_ns = int(self._world.now_s * 1e9)
        wall_ms = self._wall_ms + now_ns // 1_000_000
        return file.Line(turn, _RECORD % (wall_ms, now_ns, self._life, body), accounts)

    def _keep_within_quota(self) -> None:
        while not self._world.peaceful and self._owed() > QUOTA_RECORDS:
            if not self._durably(lambda c: make_way(c, self._home.number, 20, self._stone)).gone:
                return

    def _owed(self) -> int:
        return self._disk.read(lambda c: int(c.execute("SELECT count(*) FROM owed").fetchone()[0]))

    def _stone(self, a: int, b: int, stream: str, reason: str) -> file.Line:
        body = TombstoneBody(first_seq=a, last_seq=b, reason=reason, stream=stream)
        return self._written(self._some_turn(), body.model_dump_json(), (stream, a))

    def connect(self) -> None:
        if self._sender is not None:
            return
        if self._world.broker_up:
            self._attempt = 0
            self._open_sender()
            self.pump()
        else:
            self._attempt += 1
            self._world.after(pause_s(SETTINGS, self._attempt, None, self._world.chance.random), self.connect)

    def _open_sender(self) -> None:
        owing = self._disk.read(file.owing_streams)
        stream = owing[0] if owing else self._home.stream
        self._sender = Sender(stream, SETTINGS.batch_records, SETTINGS.window_batches, SETTINGS.ack_timeout_s)
        self._wakes_s = math.inf

    def pump(self, *, appended: bool = False) -> None:
        """What the publisher does whenever it wakes up. The sender hears of what was appended and of nothing else."""
        sender = self._sender
        if sender is None:
            return
        if appended:
            sender.appended()
        if sender.expired(self._world.now_s):
            sender.go_back()
        self._send(sender)
        if not sender.in_flight and sender.stream != self._home.stream:
            self._open_sender()
            self.pump()
        else:
            self._wake_for(sender)

    def _wake_for(self, sender: Sender) -> None:
        """Be back when its deadline comes; one call that comes no later is enough."""
        deadline_s = sender.deadline_s()
        if deadline_s is not None and deadline_s < self._wakes_s:
            self._wakes_s = deadline_s
            self._world.after(max(0.0, deadline_s - self._world.now_s), lambda: self._overdue(sender))

    def _overdue(self, sender: Sender) -> None:
        if sender is not self._sender:
            return
        self._wakes_s = math.inf
        if sender.expired(self._world.now_s):
            self.pump()
        else:
            self._wake_for(sender)

    def _send(self, sender: Sender) -> None:
        lo = 0  # of all pages: nothing is committed between them here
        while (page := sender.wants()) is not None:
            lo = lo or self._disk.read(lambda c: file.lowest(c, sender.stream))
            rows = self._disk.read(lambda c, p=page: file.page(c, sender.stream, p.after_seq, p.limit, p.turn))  # type: ignore[misc]
            for payload in sender.take(page, rows, lo, self._world.now_s):
                self._world.risk(PowerCutError)
                self._world.to_broker(payload)

    def hear(self, line: bytes) -> None:
        """An answer from upstream."""
        answer = _read(line)
        assert answer is not None
        sender = self._sender
        if sender is None:
            return
        if isinstance(answer, Ack):
            if stored := sender.on_ack(answer, self._world.now_s):
                self._durably(lambda c: file.forget(c, sender.stream, stored), lasting=False)
        elif isinstance(answer, Nack):
            for first, last in sender.on_nack(answer):
                self._durably(lambda c, a=first, b=last: self._quarantine(c, sender.stream, a, b))  # type: ignore[misc]
        self.pump(appended=isinstance(answer, Nack))

    def _quarantine(self, connection: sqlite3.Connection, stream: str, first: int, last: int) -> None:
        if file.quarantine(connection, stream, first, last, POISON):
            foreign = "" if stream == self._home.stream else stream
            file.append(connection, self._home.number, [self._stone(first, last, foreign, POISON)])

    def trust(self, payload: bytes) -> None:
        """A negative control: take the broker's word for it."""
        batch = decode_batch("bay-1", payload)
        assert isinstance(batch, ReceivedBatch)
        for answer in answers_of(batch):
            self.hear(Ack(s=answer.s, a=answer.a, b=answer.b).model_dump_json().encode())

    def cut(self) -> None:
        """The connection breaks; the next one begins from nothing."""
        self._sender = None
        self._world.after(pause_s(SETTINGS, 1, None, self._world.chance.random), self.connect)

    def power_cut(self, chance: Random) -> None:
        """Everything but the disk is gone. Now and then a backup is taken while the box is down."""
        self._life += 1
        self._disk.power_cut(chance)
        if chance.random() < 0.3:
            self._keep(self._disk.copy())
        self._start(copied=False)

    def _keep(self, backup: Disk) -> None:
        if self._backup is not None:
            self._backup.close()
        self._backup = backup

    def restore(self) -> None:
        """An older copy of the file takes its place: what only the newer one held is not ours to lose."""
        if self._backup is None:
            return
        self._life += 1
        self._disk.close()
        self._disk, self._backup = self._backup, None
        payloads = self._disk.read(lambda c: c.execute("SELECT payload FROM owed").fetchall())
        kept = {content_of(payload) for (payload,) in payloads} | set(self._world.upstream.rows.values())
        promised = self._world.promised
        self._world.promised = {number: at for number, at in promised.items() if number in kept}
        self._start(copied=True)

    def _start(self, *, copied: bool) -> None:
        """A marker that a cut left behind the commit only costs a new stream."""
        self._home = self._disk.commit(lambda c: file.settle(c, PLACE, "another" if copied else self._marker))
        self._disk.sync()
        self.cut()
        self._world.risk(PowerCutError)
        self._marker = self._home.token
