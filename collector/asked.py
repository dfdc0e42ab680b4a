"""How one request ended: every unit's answer, and the one status that sums them up."""

from dataclasses import dataclass

from protocols.answers import Answer
from protocols.elm327 import BUS_FAULTS, LOSSY, Notice, Reply
from protocols.readings import ItemStatus

NO_CAR = frozenset({Notice.UNABLE_TO_CONNECT, Notice.NOT_CONNECTED})
PENDING = frozenset({0x21, 0x78})  # busy, repeat the request; response pending
NO_PROMPT = "no prompt"


@dataclass(frozen=True, slots=True)
class Asked:
    """How one request ended: the answers of all ECUs and the one status that sums them up."""

    answers: tuple[Answer, ...]
    status: ItemStatus
    detail: str = ""
    faulty: bool = False  # the adapter reported the bus itself, not an answer

    @property
    def waiting(self) -> dict[str, Answer]:
        """The units that asked for patience, with what they said."""
        return {answer.ecu: answer for answer in self.answers if answer.nrc in PENDING}

    def read(self) -> tuple[Answer, ...]:
        """Only the answers that hold data."""
        return tuple(answer for answer in self.answers if answer.status is ItemStatus.READ)


NOTHING_SAID = Asked((), ItemStatus.TIMEOUT, NO_PROMPT)
"""The adapter itself gave no answer."""


def why_silent(reply: Reply | None) -> str:
    """What the adapter said in place of an answer, as words."""
    if reply is None:
        return NO_PROMPT
    return ", ".join(sorted(notice.value for notice in reply.notices)) or "no answer"


def summed_up(answers: tuple[Answer, ...], reply: Reply) -> Asked:
    """One status for all answers; where there are none, what the adapter said in their place."""
    for status in (ItemStatus.CORRUPT, ItemStatus.READ, ItemStatus.REFUSED, ItemStatus.TIMEOUT, ItemStatus.UNSUPPORTED):
        found = [answer for answer in answers if answer.status is status]
        if found:
            return Asked(answers, status, _detail(found[0]))
    said = ", ".join(sorted(notice.value for notice in reply.notices - {Notice.SEARCHING}))
    if reply.notices & LOSSY:
        return Asked((), ItemStatus.CORRUPT, said)
    if reply.notices & (BUS_FAULTS | NO_CAR):
        return Asked((), ItemStatus.TIMEOUT, said, faulty=True)
    return Asked((), ItemStatus.TIMEOUT, said or "no answer")


def _detail(answer: Answer) -> str:
    return f"{answer.ecu} NRC {answer.nrc:02X}" if answer.nrc is not None else ""
