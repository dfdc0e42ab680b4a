"""A seeded world without I/O: an edge, a broker that forgets, an ingest, and all that can go wrong between them.

The delivery logic and the outbox's SQL are the real ones. Time is simulated; a seed replays the same run exactly.
"""

import heapq
import random
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from config.settings import MqttSettings
from evidence.snapshot import ClockQuality
from sync import outbox_file as file
from sync.codec import ReceivedBatch, answers_of, decode_answer, decode_batch, runs
from sync.outbox import SCHEMA
from sync.patience import pause_s
from sync.receiver import Declared, declared_in, holes
from sync.records import AnyBody, ClockBody, MileageBody, ReadingBody, Record, TombstoneBody
from sync.sender import Sender
from sync.wire import Ack
from tests.sync.samples import mileage, speed

SETTINGS = MqttSettings(ack_timeout_s=20, backoff_first_s=0.5, backoff_max_s=60, batch_records=8, window_batches=3)
TROUBLE_S = 2 * 3600.0  # how long things go wrong, an hour without a broker included
CALM_LIMIT_S = 2 * 3600.0  # how long it may take to drain once nothing goes wrong any more
QUOTA_RECORDS = 150  # in a peaceful world there is room for all
POISON = "poison"


@dataclass(slots=True)
class Outcome:
    """What a run came to; a sound one has lost nothing, doubled nothing, alarmed about nothing and drained."""

    seed: int
    produced: int = 0
    lost: int = 0
    doubled: int = 0
    false_alarms: int = 0
    stuck: int = 0

    @property
    def sound(self) -> bool:
        return not (self.lost or self.doubled or self.false_alarms or self.stuck)


@dataclass(slots=True)
class Upstream:
    """The store of the back office: what was committed, each (stream, seq) once, and what was declared lost."""

    rows: dict[tuple[str, int], int | str] = field(default_factory=dict)
    declared: list[Declared] = field(default_factory=list)

    def commit(self, batch: ReceivedBatch) -> int:
        """Store what is new; return how many holes the batch's ``lo`` proves."""
        for received in batch.records:
            self.rows.setdefault((batch.stream, received.seq), content(received.record.body))
        self.declared += declared_in(batch)
        held = runs(sorted(seq for stream, seq in self.rows if stream == batch.stream))
        poison = [Declared(batch.stream, nack.a, nack.b, nack.reason) for nack in batch.poison]
        return len(holes(held, self.declared + poison, batch.stream, batch.lo))

    def declares(self, stream: str, seq: int) -> bool:
        return any(loss.stream == stream and loss.first_seq <= seq <= loss.last_seq for loss in self.declared)


class World:
    """Run it with ``run``. ``trust_broker`` is the negative control: it forgets records once the broker has them.

    In a ``peaceful`` world only what the test itself does goes wrong.
    """

    def __init__(self, seed: int, *, trust_broker: bool = False, peaceful: bool = False) -> None:
        self.chance = random.Random(seed)
        self.now_s = 0.0
        self.calm = False
        self.upstream = Upstream()
        self.outcome = Outcome(seed)
        self.promised: dict[int, tuple[str, int]] = {}
        self.trust_broker = trust_broker
        self.broker_up = True
        self.ingest_up = True
        self.ingest_life = 0
        self.peaceful = peaceful
        self.drop, self.double = (0.0, 0.0) if peaceful else self.chance.choice([(0.0, 0.0), (0.05, 0.05), (0.3, 0.2)])
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._count = 0
        self._held: list[bytes] = []
        self.edge = Edge(self)

    def run(self) -> Outcome:
        """Let things go wrong for two hours, then let them heal, and count."""
        self.after(0.0, self.edge.connect)
        self.after(0.0, self._produce)
        self.after(self.chance.uniform(1, 300), self._trouble)
        self._pass_until(lambda: self.now_s >= TROUBLE_S)
        self.calm = True
        self._heal()
        self._pass_until(lambda: self.edge.owes_nothing() or self.now_s >= TROUBLE_S + CALM_LIMIT_S)
        return self._counted()

    def after(self, delay_s: float, step: Callable[[], None]) -> None:
        self._count += 1
        heapq.heappush(self._events, (self.now_s + delay_s, self._count, step))

    def to_broker(self, payload: bytes) -> None:
        """A batch leaves the edge. It may vanish, come twice, and overtake others."""
        for delay_s in self._journeys():
            self.after(delay_s, lambda: self._at_broker(payload))

    def _journeys(self) -> list[float]:
        if not self.calm and self.chance.random() < self.drop:
            return []
        copies = 2 if not self.calm and self.chance.random() < self.double else 1
        return [self.chance.expovariate(5.0) for _ in range(copies)]

    def _at_broker(self, payload: bytes) -> None:
        if not self.broker_up:
            return
        if self.trust_broker:
            self.after(0.1, lambda: self.edge.trust(payload))
        self._held.append(payload)
        self._hand_over()

    def _hand_over(self) -> None:
        """The broker keeps batches for an ingest that is away, until it is restarted itself."""
        if self.broker_up and self.ingest_up:
            held, self._held = self._held, []
            for payload in held:
                for delay_s in self._journeys():
                    self.after(delay_s, lambda p=payload: self._at_ingest(p))  # type: ignore[misc]

    def _at_ingest(self, payload: bytes) -> None:
        if self.ingest_up:
            life = self.ingest_life
            self.after(self.chance.uniform(0.001, 0.5), lambda: self._commit(payload, life))

    def _commit(self, payload: bytes, life: int) -> None:
        died = life != self.ingest_life
        if died and self.chance.random() < 0.5:
            return  # the crash came before the commit; otherwise between the commit and the answer
        batch = decode_batch("bay-1", payload)
        assert isinstance(batch, ReceivedBatch)
        self.outcome.false_alarms += 0 if self.trust_broker else self.upstream.commit(batch)
        if self.trust_broker:
            self.upstream.commit(batch)
        if died or not self.broker_up:
            return
        for answer in answers_of(batch):
            for delay_s in self._journeys():
                line = answer.model_dump_json().encode()
                self.after(delay_s, lambda a=line: self.edge.hear(a))  # type: ignore[misc]

    def _produce(self) -> None:
        if self.calm:
            return
        self.edge.produce(self.chance.choice([1, 1, 2, 5, 20]))
        self.after(self.chance.expovariate(1 / 120), self._produce)

    def _trouble(self) -> None:
        if self.calm or self.peaceful:
            return
        self.chance.choice([self._broker_fails, self._ingest_dies, self.edge.crash, self.edge.restore, self.edge.cut])()
        self.after(self.chance.expovariate(1 / 400), self._trouble)

    def _broker_fails(self) -> None:
        if self.broker_up:
            self.broker_away(self.chance.choice([1.0, 30.0, 600.0, 3600.0]))

    def broker_away(self, for_s: float) -> None:
        """The broker is gone and forgets everything it held."""
        self.broker_up = False
        self._held.clear()
        self.edge.cut()
        self.after(for_s, self._broker_returns)

    def _broker_returns(self) -> None:
        self.broker_up = True

    def _ingest_dies(self) -> None:
        self.ingest_up = False
        self.ingest_life += 1
        self.after(self.chance.choice([1.0, 60.0, 1800.0]), self._ingest_returns)

    def _ingest_returns(self) -> None:
        self.ingest_up = True
        self._hand_over()

    def _heal(self) -> None:
        self._broker_returns()
        self._ingest_returns()

    def _pass_until(self, done: Callable[[], bool]) -> None:
        while self._events and not done():
            self.now_s, _, step = heapq.heappop(self._events)
            step()

    def _counted(self) -> Outcome:
        outcome = self.outcome
        stored = list(self.upstream.rows.values())
        numbers = [value for value in stored if isinstance(value, int)]
        outcome.produced = len(self.promised)
        outcome.doubled = len(numbers) - len(set(numbers))
        missing = [at for number, at in self.promised.items() if number not in set(numbers)]
        outcome.lost = sum(not self.upstream.declares(*at) for at in missing)
        outcome.stuck = 0 if self.edge.owes_nothing() else 1
        return outcome


class Edge:
    """The edge: the outbox's SQL on a database in memory, and the sender driven as the publisher drives it."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._life = 0
        self._next_number = 1
        self._attempt = 0
        self._sender: Sender | None = None
        self._disk = new_disk()
        self._home = file.settle(self._disk, Path(__file__), "")
        self._backup: sqlite3.Connection | None = None

    def _owed(self) -> int:
        return int(self._disk.execute("SELECT count(*) FROM owed").fetchone()[0])

    def owes_nothing(self) -> bool:
        return not file.owing_streams(self._disk)

    def produce(self, count: int) -> None:
        """Append some records: promised once committed, if no crash comes first."""
        numbers = range(self._next_number, self._next_number + count)
        self._next_number += count
        life = self._life
        self._world.after(self._world.chance.uniform(0.001, 0.05), lambda: self._commit(numbers, life))

    def _commit(self, numbers: range, life: int) -> None:
        crashed = life != self._life
        if crashed and self._world.chance.random() < 0.5:
            return
        last = file.append(self._disk, self._home.number, [self._line(number) for number in numbers])
        if not crashed:
            first = last - len(numbers) + 1
            self._world.promised |= {number: (self._home.stream, first + i) for i, number in enumerate(numbers)}
        self._keep_within_quota()
        self.pump()

    def _line(self, number: int) -> file.Line:
        """Mostly readings, some for people, now and then one that upstream will refuse."""
        kind = self._world.chance.random()
        if kind < 0.02:
            return file.Line(0, f'{{"{POISON}":{number}}}')
        return self._written(mileage(number) if kind < 0.3 else speed(number))

    def _written(self, body: AnyBody) -> file.Line:
        wall = self._world.chance.choice([0, 1_700_000_000_000, 4_000_000_000_000])  # the clock jumps by years
        record = Record(
            t=wall, tq=ClockQuality.NONE, mono_ns=int(self._world.now_s * 1e9), boot=str(self._life), body=body
        )
        accounts = (body.stream, body.first_seq) if isinstance(body, TombstoneBody) else None
        return file.Line(int(body.kind == "reading"), record.model_dump_json(by_alias=True), accounts)

    def _keep_within_quota(self) -> None:
        while not self._world.peaceful and self._owed() > QUOTA_RECORDS:
            given_up = file.give_up_readings(self._disk, self._home.number, 20, self._tombstone("quota"))
            if not given_up.gone:
                return

    def _tombstone(self, reason: str) -> Callable[[int, int, str], file.Line]:
        return lambda a, b, stream: self._written(TombstoneBody(first_seq=a, last_seq=b, reason=reason, stream=stream))

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
        owing = file.owing_streams(self._disk)
        stream = owing[0] if owing else self._home.stream
        self._sender = Sender(stream, SETTINGS.batch_records, SETTINGS.window_batches, SETTINGS.ack_timeout_s)

    def pump(self) -> None:
        """What the publisher does whenever it wakes up."""
        sender = self._sender
        if sender is None:
            return
        sender.appended()
        if sender.expired(self._world.now_s):
            sender.go_back()
        self._send(sender)
        if not sender.in_flight and sender.stream != self._home.stream:
            self._open_sender()
            self.pump()
        elif (deadline_s := sender.deadline_s()) is not None:
            self._world.after(max(0.0, deadline_s - self._world.now_s), lambda: self._overdue(sender))

    def _overdue(self, sender: Sender) -> None:
        if sender is self._sender and sender.expired(self._world.now_s):
            self.pump()

    def _send(self, sender: Sender) -> None:
        while (page := sender.wants()) is not None:
            lo = file.lowest(self._disk, sender.stream)
            rows = file.page(self._disk, sender.stream, page.after_seq, page.limit, page.turn)
            payload = sender.take(page, rows, lo, self._world.now_s)
            if payload is not None:
                self._world.to_broker(payload)

    def hear(self, line: bytes) -> None:
        """An answer from upstream."""
        answer = decode_answer(line)
        assert answer is not None
        sender = self._sender
        if sender is None:
            return
        if isinstance(answer, Ack):
            file.forget(self._disk, sender.stream, sender.on_ack(answer))
        else:
            for first, last in sender.on_nack(answer):
                self._quarantine(sender.stream, first, last)
        self.pump()

    def _quarantine(self, stream: str, first: int, last: int) -> None:
        if file.quarantine(self._disk, stream, first, last, POISON):
            foreign = "" if stream == self._home.stream else stream
            file.append(self._disk, self._home.number, [self._tombstone(POISON)(first, last, foreign)])

    def trust(self, payload: bytes) -> None:
        """The negative control: take the broker's word for it."""
        batch = decode_batch("bay-1", payload)
        assert isinstance(batch, ReceivedBatch)
        for answer in answers_of(batch):
            self.hear(Ack(s=answer.s, a=answer.a, b=answer.b).model_dump_json().encode())

    def cut(self) -> None:
        """The connection breaks; the next one begins from nothing."""
        self._sender = None
        self._world.after(pause_s(SETTINGS, 1, None, self._world.chance.random), self.connect)

    def crash(self) -> None:
        """Everything but the disk is gone. Now and then a backup is taken while the process is down."""
        self._life += 1
        if self._world.chance.random() < 0.3:
            self._backup = copy_of(self._disk)
        self._start(copied=False)

    def restore(self) -> None:
        """An older copy of the file takes its place: what only the newer one held is not ours to lose."""
        if self._backup is None:
            return
        self._life += 1
        self._disk, self._backup = self._backup, None
        kept = {content_of(payload) for (payload,) in self._disk.execute("SELECT payload FROM owed")}
        kept |= set(self._world.upstream.rows.values())
        promised = self._world.promised
        self._world.promised = {number: at for number, at in promised.items() if number in kept}
        self._start(copied=True)

    def _start(self, *, copied: bool) -> None:
        token = self._disk.execute("SELECT value FROM meta WHERE key = 'token'").fetchone()[0]
        self._home = file.settle(self._disk, Path(__file__), "another" if copied else token)
        self.cut()


def new_disk() -> sqlite3.Connection:
    disk = sqlite3.connect(":memory:", isolation_level=None)
    disk.executescript((SCHEMA / "001.sql").read_text(encoding="utf-8"))
    return disk


def copy_of(disk: sqlite3.Connection) -> sqlite3.Connection:
    copy = sqlite3.connect(":memory:", isolation_level=None)
    disk.backup(copy)
    return copy


def content(body: AnyBody) -> int | str:
    """The number a record was produced with; tombstones have none."""
    match body:
        case MileageBody(odometer_m=int(number)):
            return number
        case ReadingBody(value=int(number)):
            return number
        case ClockBody() | _:
            return body.kind


def content_of(payload: str) -> int | str:
    return POISON if POISON in payload else content(Record.model_validate_json(payload).body)
