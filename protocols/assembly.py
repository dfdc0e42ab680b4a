"""The values that assembling lines gives: whole messages, damaged ones, and the link they came over."""

from dataclasses import dataclass
from enum import Enum


class LinkFormat(Enum):
    """How lines of this vehicle link look."""

    CAN_11 = "CAN 11-bit"
    CAN_29 = "CAN 29-bit"
    LEGACY = "legacy"


@dataclass(frozen=True, slots=True)
class EcuMessage:
    """One whole message; ``ecu`` is the answer id (``7E8``, ``18DAF110``), source byte (``10``) or, not shown, ""."""

    ecu: str
    payload: bytes


@dataclass(frozen=True, slots=True)
class Damaged:
    """A message that did not come whole; ``head`` is its beginning as far as it can be trusted."""

    ecu: str
    reason: str
    head: bytes = b""


@dataclass(frozen=True, slots=True)
class Assembly:
    """All that one reply holds: whole messages in order of completion, and what was damaged."""

    messages: tuple[EcuMessage, ...] = ()
    damaged: tuple[Damaged, ...] = ()
    link: LinkFormat = LinkFormat.CAN_11
