"""What goes wrong between a car and its reader, by name: each fault changes one answer on its way out.

Chance comes from a seeded generator, so that the same seed gives the same bytes.
"""

import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from enum import Enum
from typing import NamedTuple

from simulator.errors import SimulatorError

DEFAULT_PROBABILITY = 0.1


class Effect(Enum):
    """What a fault does beyond changing bytes."""

    NONE = "none"
    HANG = "hang"
    DROP = "drop"
    UNPLUG = "unplug"
    RESET = "reset"
    LATE = "late"
    SAG = "sag"


class Chunk(NamedTuple):
    """Bytes that are ready to leave the adapter at ``at_s``."""

    at_s: float
    data: bytes


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer: its chunks in order, the last one ending in the prompt, and what else happens."""

    chunks: tuple[Chunk, ...]
    effect: Effect = Effect.NONE

    @property
    def starts_s(self) -> float:
        """When the first byte is ready."""
        return self.chunks[0].at_s if self.chunks else 0.0

    @property
    def ends_s(self) -> float:
        """When the last byte is ready."""
        return self.chunks[-1].at_s if self.chunks else 0.0

    def saying(self, text: str, at_s: float | None = None) -> "Reply":
        """The same answer replaced by one status text and a prompt."""
        moment = self.ends_s if at_s is None else at_s
        return replace(self, chunks=(Chunk(moment, text.encode("ascii") + b"\r\r>"),))


Change = Callable[[Reply, random.Random], Reply]


def _nul(reply: Reply, chance: random.Random) -> Reply:
    def sown(data: bytes) -> bytes:
        place = chance.randrange(len(data) + 1)
        return data[:place] + b"\x00" + data[place:]

    return replace(reply, chunks=tuple(Chunk(chunk.at_s, sown(chunk.data)) for chunk in reply.chunks))


def _in_front(noise: bytes) -> Change:
    def change(reply: Reply, chance: random.Random) -> Reply:
        return replace(reply, chunks=(Chunk(reply.starts_s, noise), *reply.chunks))

    return change


def _garbage(reply: Reply, chance: random.Random) -> Reply:
    noise = bytes(byte for byte in chance.randbytes(12) if byte != ord(">"))
    return _in_front(noise + b"\r")(reply, chance)


def _split(reply: Reply, chance: random.Random) -> Reply:
    pieces: list[Chunk] = []
    for chunk in reply.chunks:
        start, at_s = 0, max(chunk.at_s, pieces[-1].at_s if pieces else 0.0)
        while start < len(chunk.data):
            size = chance.randint(1, 3)
            pieces.append(Chunk(at_s, chunk.data[start : start + size]))
            start, at_s = start + size, at_s + 0.002
    return replace(reply, chunks=tuple(pieces))


def _lost_prompt(reply: Reply, chance: random.Random) -> Reply:
    return replace(reply, chunks=tuple(Chunk(chunk.at_s, chunk.data.replace(b">", b"")) for chunk in reply.chunks))


def _text(text: str) -> Change:
    return lambda reply, chance: reply.saying(text)


def _lines(reply: Reply) -> list[int]:
    """Places of the chunks that hold data rather than the prompt."""
    return [place for place, chunk in enumerate(reply.chunks) if b">" not in chunk.data and chunk.data.strip()]


def _buffer_full(reply: Reply, chance: random.Random) -> Reply:
    lines = _lines(reply)
    kept = reply.chunks[: lines[len(lines) // 2]] if lines else ()
    return replace(reply, chunks=(*kept, Chunk(reply.ends_s, b"BUFFER FULL\r\r>")))


def _data_error(reply: Reply, chance: random.Random) -> Reply:
    lines = _lines(reply)
    if not lines:
        return reply
    place = chance.choice(lines)
    chunks = list(reply.chunks)
    body = bytearray(chunks[place].data.rstrip(b"\r\n"))
    body[-2 if len(body) > 1 else -1] = ord("0") if body[-2 if len(body) > 1 else -1] != ord("0") else ord("F")
    chunks[place] = Chunk(chunks[place].at_s, bytes(body) + b"<DATA ERROR\r")
    return replace(reply, chunks=tuple(chunks))


def _half_line(reply: Reply, chance: random.Random) -> Reply:
    lines = _lines(reply)
    if not lines:
        return reply
    chunks = list(reply.chunks)
    data = chunks[lines[-1]].data.rstrip(b"\r\n")
    chunks[lines[-1]] = Chunk(chunks[lines[-1]].at_s, data[: len(data) // 2] + b"\r")
    return replace(reply, chunks=tuple(chunks))


def _cut(effect: Effect, share: float) -> Change:
    def change(reply: Reply, chance: random.Random) -> Reply:
        whole = b"".join(chunk.data for chunk in reply.chunks)
        kept = whole[: int(len(whole) * share)]
        return Reply((Chunk(reply.starts_s, kept),) if kept else (), effect)

    return change


def _late(reply: Reply, chance: random.Random) -> Reply:
    return replace(reply, effect=Effect.LATE)


def _sag(reply: Reply, chance: random.Random) -> Reply:
    return replace(reply, effect=Effect.SAG)


def _reset(reply: Reply, chance: random.Random) -> Reply:
    return replace(reply.saying("LV RESET"), effect=Effect.RESET)


def _same(reply: Reply, chance: random.Random) -> Reply:
    return reply


# name: what it does, and whether it also strikes answers to AT commands.
FAULTS: dict[str, tuple[Change, bool]] = {
    "nul": (_nul, True),
    "stray-fc": (_in_front(b"\xfc"), True),
    "echo-other-case": (_same, True),
    "split-writes": (_split, True),
    "lost-prompt": (_lost_prompt, True),
    "stopped": (_text("STOPPED"), False),
    "buffer-full": (_buffer_full, False),
    "lv-reset": (_reset, False),
    "data-error": (_data_error, False),
    "can-error": (_text("CAN ERROR"), False),
    "no-data": (_text("NO DATA"), False),
    "hang": (_cut(Effect.HANG, 0.0), True),
    "drop": (_cut(Effect.DROP, 0.0), True),
    "late-answer": (_late, False),
    "unplug-mid-frame": (_cut(Effect.UNPLUG, 0.5), False),
    "garbage": (_garbage, True),
    "half-line": (_half_line, False),
    "voltage-sag": (_sag, True),
}


@dataclass(slots=True)
class Fault:
    """One chosen fault: by probability, every ``every`` answers, or once, at answer number ``once``."""

    name: str
    probability: float = 0.0
    every: int = 0
    once: int = 0
    seen: int = 0

    def strikes(self, chance: random.Random) -> bool:
        """Whether this answer is hit; counts the answers itself."""
        self.seen += 1
        if self.once:
            return self.seen == self.once
        if self.every:
            return self.seen % self.every == 0
        return chance.random() < self.probability


def parse_fault(text: str) -> Fault:
    """``nul`` (one answer in ten), ``nul=0.3`` (a probability), ``nul=4`` (every 4th), ``nul=@7`` (the 7th only)."""
    name, _, amount = text.partition("=")
    if name not in FAULTS:
        raise SimulatorError(f"--fault {text}: no such fault; known: {', '.join(FAULTS)}")
    try:
        if amount.startswith("@"):
            return Fault(name, once=_positive(int(amount[1:])))
        if amount and "." not in amount:
            return Fault(name, every=_positive(int(amount)))
        probability = float(amount or DEFAULT_PROBABILITY)
    except ValueError:
        raise SimulatorError(f"--fault {text}: wanted a probability as 0.3, every nth as 4 or once as @7") from None
    if not 0 <= probability <= 1:
        raise SimulatorError(f"--fault {text}: a probability lies between 0.0 and 1.0")
    return Fault(name, probability=probability)


def _positive(number: int) -> int:
    if number <= 0:
        raise ValueError
    return number


class FaultPlan:
    """All faults of one adapter, drawn from one seeded generator."""

    def __init__(self, faults: Iterable[Fault] = (), seed: int = 0) -> None:
        self.faults = list(faults)
        self.chance = random.Random(seed)

    def apply(self, reply: Reply, *, from_bus: bool) -> Reply:
        """The answer after all faults that strike it, in the order they were given."""
        for fault in self.faults:
            change, everywhere = FAULTS[fault.name]
            if (from_bus or everywhere) and fault.name != "echo-other-case" and fault.strikes(self.chance):
                reply = change(reply, self.chance)
        return reply

    def echo(self, data: bytes) -> bytes:
        """The echo of one received piece, in the other case when that fault strikes."""
        for fault in self.faults:
            if fault.name == "echo-other-case" and fault.strikes(self.chance):
                return data.swapcase()
        return data
