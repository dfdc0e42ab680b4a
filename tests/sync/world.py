"""A seeded world without I/O: an edge, a broker that forgets, an ingest, and all that can go wrong between them.

The delivery logic and the outbox's SQL are the real ones. Time is simulated; a seed replays the same run exactly.
"""

import functools
import heapq
import random
from collections.abc import Callable, Sequence

from sync.codec import ReceivedBatch, answers_of, decode_batch
from tests.sync.world_edge import Edge
from tests.sync.world_parts import POISON, Control, Outcome, PowerCutError, Upstream

__all__ = ["POISON", "Control", "Outcome", "World"]

TROUBLE_S = 2 * 3600.0  # how long things go wrong, an hour without a broker included
CALM_LIMIT_S = 2 * 3600.0  # how long it may take to drain once nothing goes wrong any more
LAZY_S = 5.0  # how long after its answer a wrong ingest commits
RISKS = (0.0, 0.002, 0.02)  # chance of a crash at a single step


@functools.lru_cache(maxsize=256)  # most come more than once
def _read(payload: bytes) -> tuple[ReceivedBatch, tuple[bytes, ...]]:
    """A batch, and the answers to it as they travel."""
    batch = decode_batch("bay-1", payload)
    assert isinstance(batch, ReceivedBatch)
    return batch, tuple(answer.model_dump_json().encode() for answer in answers_of(batch))


class _OfficeDiedError(Exception):
    """The back office is killed at this very step."""


class World:
    """Run it with ``run``. ``control`` builds one end wrong; in a ``peaceful`` world only the test does harm."""

    def __init__(self, seed: int, *, control: Control = Control.NONE, peaceful: bool = False) -> None:
        self.chance = random.Random(seed)
        self.now_s = 0.0
        self.calm = False
        self.peaceful = peaceful
        self.control = control
        self.upstream = Upstream(sync_each=control is not Control.SYNC_NORMAL)
        self.outcome = Outcome(seed)
        self.promised: dict[int, tuple[str, int]] = {}
        self.broker_up = True
        self._ingest_up = True
        self._ingest_life = 0
        rates = [(0.0, 0.0), (0.05, 0.05), (0.3, 0.2)]
        self._drop, self._double = (0.0, 0.0) if peaceful else self.chance.choice(rates)
        self._risk = 0.0  # nothing fails while the world is being made
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._count = 0
        self._held: dict[int, bytes] = {}
        self.edge = Edge(self)
        self._risk = 0.0 if peaceful else self.chance.choice(RISKS)

    def run(self) -> Outcome:
        """Let things go wrong for two hours, then let them heal, and count."""
        self.after(0.0, self.edge.connect)
        self.after(0.0, self._produce)
        self.after(self.chance.uniform(1, 300), self._trouble)
        self._pass_until(lambda: self.now_s >= TROUBLE_S)
        self.calm = True
        self._heal()
        self._pass_until(lambda: self.edge.owes_nothing() or self.now_s >= TROUBLE_S + CALM_LIMIT_S)
        outcome = self._counted()
        self.edge.end()
        return outcome

    def after(self, delay_s: float, step: Callable[[], None]) -> None:
        self._count += 1
        heapq.heappush(self._events, (self.now_s + delay_s, self._count, step))

    def risk(self, what: type[Exception]) -> None:
        """The present step may be the last of the one who takes it."""
        if not self.calm and self.chance.random() < self._risk:
            raise what

    def to_broker(self, payload: bytes) -> None:
        """A batch leaves the edge. It may vanish, come twice, and overtake others."""
        self._travel(lambda: self._at_broker(payload))

    def _travel(self, arrive: Callable[[], None]) -> None:
        chance = self.chance
        if not self.calm:
            if chance.random() < self._drop:
                return
            if chance.random() < self._double:
                self.after(chance.expovariate(5.0), arrive)
        self.after(chance.expovariate(5.0), arrive)

    def _at_broker(self, payload: bytes) -> None:
        if not self.broker_up:
            return
        if self.control is Control.TRUST_BROKER:
            self.after(0.1, lambda: self.edge.trust(payload))
        self._count += 1
        self._held[self._count] = payload
        self._hand_over(self._count)

    def _hand_over(self, number: int) -> None:
        """The broker keeps a batch until the ingest has acknowledged it, or until it is restarted itself."""
        if self.broker_up and self._ingest_up:
            life, payload = self._ingest_life, self._held[number]
            self._travel(lambda: self._at_ingest(number, payload, life))

    def _at_ingest(self, number: int, payload: bytes, life: int) -> None:
        if life != self._ingest_life or not self._ingest_up:
            return
        try:
            self._keep_and_answer(*_read(payload))
        except _OfficeDiedError:
            self._ingest_dies()
        else:
            self._held.pop(number, None)

    def _keep_and_answer(self, batch: ReceivedBatch, answers: Sequence[bytes]) -> None:
        self.risk(_OfficeDiedError)
        if self.control is Control.ANSWER_FIRST:
            self.after(LAZY_S, functools.partial(self._keep_late, batch, self._ingest_life))
        else:
            holes = self.upstream.commit(batch)
            self.outcome.false_alarms += holes if self.control is Control.NONE else 0
        self.risk(_OfficeDiedError)
        self._answer(answers)

    def _keep_late(self, batch: ReceivedBatch, life: int) -> None:
        """Of one who answers first: what he meant to commit is gone when he dies meanwhile."""
        if life == self._ingest_life:
            self.upstream.commit(batch)

    def _answer(self, answers: Sequence[bytes]) -> None:
        for answer in answers:
            self.risk(_OfficeDiedError)
            if self.broker_up:
                self._travel(functools.partial(self.edge.hear, answer))

    def _produce(self) -> None:
        if self.calm:
            return
        self.after(self.chance.expovariate(1 / 120), self._produce)
        self.edge.produce(self.chance.choice([1, 1, 2, 5, 20]))

    def _trouble(self) -> None:
        if self.calm or self.peaceful:
            return
        self.after(self.chance.expovariate(1 / 400), self._trouble)
        harm = [self._broker_fails, self._ingest_dies, self._power_cut, self._clock_jumps]
        self.chance.choice([*harm, self.edge.restore, self.edge.cut])()

    def _power_cut(self) -> None:
        raise PowerCutError

    def _clock_jumps(self) -> None:
        self.edge.clock_jumps(self.chance.choice([-30, -1, 1, 50]))

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
        self.outcome.crashes += 1
        self._ingest_up = False
        self._ingest_life += 1
        self.upstream.power_cut(self.chance)
        self.after(self.chance.choice([1.0, 60.0, 1800.0]), self._ingest_returns)

    def _ingest_returns(self) -> None:
        """What it had not acknowledged to the broker comes again."""
        self._ingest_up = True
        for number in list(self._held):
            self._hand_over(number)

    def _heal(self) -> None:
        self._broker_returns()
        self._ingest_returns()

    def _pass_until(self, done: Callable[[], bool]) -> None:
        while self._events and not done():
            self.now_s, _, step = heapq.heappop(self._events)
            try:
                step()
            except PowerCutError:
                self._edge_restarts()

    def _edge_restarts(self) -> None:
        self.outcome.crashes += 1
        try:
            self.edge.power_cut(self.chance)
        except PowerCutError:
            self._edge_restarts()

    def _counted(self) -> Outcome:
        outcome, stored = self.outcome, self.upstream.numbers()
        held = set(stored)
        outcome.produced = len(self.promised)
        outcome.doubled = len(stored) - len(held)
        missing = [at for number, at in self.promised.items() if number not in held]
        outcome.lost = sum(not self.upstream.declares(*at) for at in missing)
        outcome.reordered = self.upstream.reordered()
        outcome.stuck = 0 if self.edge.owes_nothing() else 1
        return outcome
