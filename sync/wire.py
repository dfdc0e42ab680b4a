"""The wire contract, version 1: topics and the messages on them; all that the two ends share."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

WIRE_VERSION = 1
TOPIC_ROOT = "forecourt/v1"
DEVICE_PATTERN = r"^[a-z0-9-]{1,64}$"
INGEST_SUBSCRIPTION = f"$share/ingest/{TOPIC_ROOT}/+/t"
RESULT_SUBSCRIPTION = f"{TOPIC_ROOT}/+/cmd/res"
STATE_SUBSCRIPTION = f"{TOPIC_ROOT}/+/state"


def batch_topic(device: str) -> str:
    return f"{TOPIC_ROOT}/{device}/t"


def ack_topic(device: str) -> str:
    return f"{TOPIC_ROOT}/{device}/ack"


def state_topic(device: str) -> str:
    return f"{TOPIC_ROOT}/{device}/state"


def command_topic(device: str) -> str:
    return f"{TOPIC_ROOT}/{device}/cmd"


def result_topic(device: str) -> str:
    return f"{TOPIC_ROOT}/{device}/cmd/res"


class Message(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", defer_build=True)


class Batch(Message):
    """Records of one stream; ``lo`` is the lowest seq not yet acknowledged, which lets the receiver prove a hole."""

    v: Literal[1] = 1
    s: str
    lo: int = Field(ge=1)
    r: tuple[tuple[int, dict[str, object]], ...]


class Ack(Message):
    """ "Stored for good": the closed range ``a..b`` of stream ``s`` is committed."""

    s: str
    a: int
    b: int


class Nack(Message):
    """ "Will never be stored": the edge quarantines the range and goes on."""

    s: str
    a: int
    b: int
    reason: str


Span = tuple[int, int]
"""A closed range of seqs."""
MAX_SPANS = 64
MAX_DIGEST_SPAN = 256


class Question(Message):
    """The edge asks, on topic ``t``, what is held of ``of``; ``lo`` is its lowest seq not yet accounted for."""

    v: Literal[1] = 1
    s: str = Field(pattern=r"^[0-9A-Za-z-]{1,64}$")
    ask: str = Field(pattern=r"^[0-9a-f]{1,32}$")
    lo: int = Field(ge=1)
    of: tuple[Span, ...] = Field(min_length=1, max_length=MAX_SPANS)


class Holding(Message):
    """What is held of one span: ``held`` are its records, ``noted`` what was refused or declared given up.

    ``digest`` is that of the records held, empty for a span of more than 256 seqs.
    """

    of: Span
    held: tuple[Span, ...]
    noted: tuple[Span, ...]
    digest: str = ""


class Account(Message):
    """The answer to the question ``ask``, on topic ``ack``."""

    s: str
    ask: str
    holds: tuple[Holding, ...]


class State(Message):
    """Birth (``online`` true) and last will (false); the late will of an older session is known by its ``sid``."""

    sid: str
    online: bool
    version: str = ""
    buffered: int = 0
