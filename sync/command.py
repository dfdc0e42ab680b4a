"""Remote commands, version 1: what the back office may ask of a box, and what the box answers.

A command names no file, no address and no byte for a car: the box decides by itself how it does what is asked.
"""

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from evidence.snapshot import ClockQuality, Text
from sync.command_facts import FACT_ID
from sync.wire import MAX_SPANS, Message, Span

COMMAND_ID = r"^[0-9A-Za-z-]{1,64}$"
MAX_COMMAND_BYTES = 128 << 10
MAX_ANSWER_BYTES = 256 << 10
MAX_FACTS = 100
MAX_LIFE_MS = 31 * 86_400_000
MAX_MS = 1 << 53


class Status(StrEnum):
    """How a command ended. ``unknown``: the box is older than the kind; ``failed``: tried, and it went wrong."""

    DONE = "done"
    REFUSED = "refused"
    EXPIRED = "expired"
    FAILED = "failed"
    UNKNOWN = "unknown"


class Command(Message):
    """Carried out at most once per ``id``. Times are the back office's, wall ms; ``sent_at`` is of this sending."""

    v: Literal[1] = 1
    id: str = Field(pattern=COMMAND_ID)
    kind: str = Field(pattern=r"^[a-z_]{1,32}$")
    sent_at: int = Field(ge=0, le=MAX_MS)
    expires_at: int = Field(ge=0, le=MAX_MS)
    params: dict[str, object] = Field(default_factory=dict)


class CommandAnswer(Message):
    """The outcome of the command ``id``. ``reason`` is a key of the message catalogue, ``params`` are its parameters.

    ``report`` is what was found out (see the report schema). ``t`` is the box's wall ms, ``tq`` how far to believe it.
    """

    v: Literal[1] = 1
    id: str = Field(pattern=COMMAND_ID)
    status: Status
    reason: str = Field(max_length=80)
    params: dict[str, str | int] = Field(default_factory=dict)
    report: dict[str, object] = Field(default_factory=dict)
    t: int = 0
    tq: ClockQuality = ClockQuality.NONE


class Wanted(BaseModel):
    """Parameters of a command. What is not understood is refused, not left out: nothing is done by halves."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)


class IntakeWanted(Wanted):
    """Read the car that is plugged in at one bay now; the bay by its name or by the address of its adapter."""

    bay: str = Field("", max_length=40)
    adapter: str = Field("", max_length=200)

    @model_validator(mode="after")
    def _one_of_them(self) -> "IntakeWanted":
        if bool(self.bay) == bool(self.adapter):
            raise ValueError("name a bay or an adapter")
        return self


class ResendWanted(Wanted):
    """Owe again what is still kept of these confirmed records."""

    stream: str = Field(pattern=r"^[0-9A-Za-z-]{1,64}$")
    ranges: tuple[Span, ...] = Field(min_length=1, max_length=MAX_SPANS)

    @model_validator(mode="after")
    def _in_order(self) -> "ResendWanted":
        if not all(1 <= a <= b <= MAX_MS for a, b in self.ranges):
            raise ValueError("a range is two seqs, the lower first")
        return self


class RulesWanted(Wanted):
    """Read the owner's rule files again: all of them are taken over, or none."""


class HealthWanted(Wanted):
    """Say what ``forecourt doctor`` finds."""


class FactsWanted(Wanted):
    """Take over what people know upstream; each is judged by itself, so that one of a newer kind stops no other."""

    facts: tuple[dict[str, object], ...] = Field(min_length=1, max_length=MAX_FACTS)


KINDS: dict[str, type[Wanted]] = {
    "intake": IntakeWanted,
    "resend": ResendWanted,
    "rules": RulesWanted,
    "health": HealthWanted,
    "facts": FactsWanted,
}


class IntakeReport(Message):
    """``intake_id`` is the opaque id under which the snapshot travels; empty for a car that nobody has named yet."""

    kind: Literal["intake"] = "intake"
    intake_id: str
    sent: bool


class ResendReport(Message):
    """``again`` is on its way, ``owed`` was never confirmed and is on its way anyway, ``gone`` is no longer there.

    Seqs that were never given are named nowhere. ``more`` when there are further ranges than 64 of a sort.
    """

    kind: Literal["resend"] = "resend"
    again: tuple[Span, ...] = ()
    owed: tuple[Span, ...] = ()
    gone: tuple[Span, ...] = ()
    more: bool = False


class RulesReport(Message):
    """How many rows are in force now."""

    kind: Literal["rules"] = "rules"
    plans: int
    severities: int


class HealthLine(Message):
    """One line of the check-up in both languages."""

    subject: str
    level: str
    text: Text
    advice: Text = Text()


class HealthReport(Message):
    """The check-up without anything about a car or a person; ``dropped`` counts commands that were none."""

    kind: Literal["health"] = "health"
    lines: tuple[HealthLine, ...]
    owed: int
    fullness_pct: int
    bays: int
    dropped: int


class FactsReport(Message):
    """``new`` and ``known`` count facts taken now and before; ``refused`` gives the reason for each other by its id."""

    kind: Literal["facts"] = "facts"
    new: int
    known: int
    refused: dict[Annotated[str, Field(pattern=FACT_ID)], str] = Field(default_factory=dict)


Report = IntakeReport | ResendReport | RulesReport | HealthReport | FactsReport
