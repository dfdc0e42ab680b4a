"""One car behind one adapter: finds the link, asks a service, returns every ECU's answer with its status."""

from collections.abc import Sequence
from dataclasses import dataclass

from collector.adapter import Adapter
from collector.errors import CarSilentError
from collector.setup import Abilities
from config.settings import AdapterSettings
from protocols.answers import Answer, answers_to
from protocols.elm327 import Notice, Reply
from protocols.messages import Assembly, LinkFormat, assemble_reply, link_format_of
from protocols.readings import ItemStatus

BROKEN = frozenset({Notice.DATA_ERROR, Notice.RX_ERROR, Notice.BUFFER_FULL, Notice.STOPPED})
BUS_FAULTS = frozenset({Notice.CAN_ERROR, Notice.BUS_ERROR, Notice.BUS_BUSY, Notice.FB_ERROR, Notice.BUS_INIT_ERROR})
NO_CAR = frozenset({Notice.UNABLE_TO_CONNECT, Notice.NOT_CONNECTED})
PENDING_TRIES = 4  # ISO 14229-1: after 7F xx 78 an ECU has P2* (5 s) each time; a read may be asked again
SLOWEST_TAIL = "ATSTFF"  # 255 x 4 ms: the longest wait an ELM327 knows
DEFAULT_TAIL = "ATST32"  # 50 x 4 ms: the chip's own default
PRESENT_V = 6.0  # below this no car supplies the adapter


@dataclass(frozen=True, slots=True)
class Asked:
    """How one request ended: the answers of all ECUs and the one status that sums them up."""

    answers: tuple[Answer, ...]
    status: ItemStatus
    detail: str = ""

    def read(self) -> tuple[Answer, ...]:
        """Only the answers that hold data."""
        return tuple(answer for answer in self.answers if answer.status is ItemStatus.READ)


class Car:
    """Asks one car; made anew for every plug-in, so that nothing of the last car is left."""

    def __init__(self, adapter: Adapter, abilities: Abilities, settings: AdapterSettings) -> None:
        self.adapter = adapter
        self.abilities = abilities
        self.link = LinkFormat.CAN_11
        self.protocol = ""
        self.counts_lines = True
        self.several_pids = False
        self.silent = False
        self._settings = settings

    async def supply_v(self) -> float | None:
        """The voltage at pin 16 as the adapter measures it; None when it cannot say."""
        reply = await self.adapter.ask("ATRV")
        for line in reply.lines if reply else ():
            number = line.upper().rstrip("V").strip()
            if number.replace(".", "", 1).isdecimal():
                return float(number)
        return None

    async def present(self) -> bool:
        """Whether a car supplies the adapter; asked of the adapter alone, so the bus stays quiet."""
        volts = await self.supply_v()
        return volts is None or volts >= PRESENT_V

    async def speaks(self) -> bool:
        """Whether a car that was silent answers now."""
        try:
            await self.connect()
        except CarSilentError:
            return False
        return True

    async def connect(self) -> Asked:
        """Find the protocol with 01 00 and return its answers; raise CarSilentError when no car speaks."""
        self.silent = True
        await self.adapter.ask("ATSP0")
        reply = await self.adapter.ask("0100", timeout_s=self._settings.search_timeout_s)
        if reply is None or not reply.lines:
            raise CarSilentError(_why_silent(reply))
        await self._learn_link(reply)
        answers = answers_to(b"\x01\x00", self._assemble(reply))
        if not any(answer.status is ItemStatus.READ for answer in answers):
            raise CarSilentError("01 00 not answered")
        self.silent = False
        return _sum_up(answers, reply)

    async def _learn_link(self, reply: Reply) -> None:
        number = await self.adapter.ask("ATDPN")
        link = link_format_of(number.lines[0]) if number and number.lines else None
        self.link = link or _link_by_shape(reply.lines)
        name = await self.adapter.ask("ATDP")
        self.protocol = " ".join(name.lines).removeprefix("AUTO, ")[:60] if name else ""

    async def ask(self, request: bytes, *, expected_lines: int | None = None, extended_address: bool = False) -> Asked:
        """Ask ``request`` (service and parameters) of whoever is addressed; broken replies are asked for once more.

        ``expected_lines`` lets the adapter stop waiting after so many lines; give it only where that count is sure.
        """
        lines = expected_lines if self.counts_lines and self.link is not LinkFormat.LEGACY else None
        asked = await self._ask_once(request, lines, extended_address)
        if asked.status in (ItemStatus.TIMEOUT, ItemStatus.CORRUPT) and not _is_pending(asked.answers):
            again = await self._ask_once(request, None, extended_address)
            # an adapter that only understands the request without the count digit is not asked with one again
            self.counts_lines &= lines is None or again.status is not ItemStatus.READ
            asked = again
        return await self._ask_pending(request, asked, extended_address)

    async def _ask_once(self, request: bytes, expected_lines: int | None, extended_address: bool) -> Asked:  # noqa: FBT001
        digit = f"{expected_lines:X}" if expected_lines is not None and 0 < expected_lines < 16 else ""
        reply = await self.adapter.ask(request.hex().upper() + digit)
        if reply is None:
            asked = Asked((), ItemStatus.TIMEOUT, "no prompt")
        else:
            asked = _sum_up(answers_to(request, self._assemble(reply, extended_address=extended_address)), reply)
        if asked.status is ItemStatus.TIMEOUT and not asked.answers and not await self.present():
            raise CarSilentError("unplugged")
        return asked

    async def _ask_pending(self, request: bytes, asked: Asked, extended_address: bool) -> Asked:  # noqa: FBT001
        """An ECU that said "response pending" gets the longest tail and is asked again, a few times."""
        if not _is_pending(asked.answers):
            return asked
        await self.adapter.ask(SLOWEST_TAIL)
        for _ in range(PENDING_TRIES):
            asked = await self._ask_once(request, None, extended_address)
            if not _is_pending(asked.answers):
                break
        await self.adapter.ask(DEFAULT_TAIL)
        return asked

    def _assemble(self, reply: Reply, *, extended_address: bool = False) -> Assembly:
        return assemble_reply(reply, self.link, headers=self.abilities.headers, extended_address=extended_address)


def _is_pending(answers: Sequence[Answer]) -> bool:
    return any(answer.nrc == 0x78 for answer in answers)


def _why_silent(reply: Reply | None) -> str:
    if reply is None:
        return "no prompt"
    return ", ".join(sorted(notice.value for notice in reply.notices)) or "no answer"


def _link_by_shape(lines: Sequence[str]) -> LinkFormat:
    """For adapters without ATDPN: CAN ids tell themselves by their first digits."""
    first = lines[0].replace(" ", "").upper()
    if first.startswith("18DAF1"):
        return LinkFormat.CAN_29
    return LinkFormat.CAN_11 if first.startswith("7E") else LinkFormat.LEGACY


def _sum_up(answers: tuple[Answer, ...], reply: Reply) -> Asked:
    for status in (ItemStatus.CORRUPT, ItemStatus.READ, ItemStatus.REFUSED, ItemStatus.TIMEOUT, ItemStatus.UNSUPPORTED):
        found = [answer for answer in answers if answer.status is status]
        if found:
            return Asked(answers, status, _detail(found[0]))
    said = ", ".join(sorted(notice.value for notice in reply.notices - {Notice.SEARCHING}))
    if reply.notices & BROKEN:
        return Asked((), ItemStatus.CORRUPT, said)
    if reply.notices & (BUS_FAULTS | NO_CAR):
        return Asked((), ItemStatus.TIMEOUT, said)
    return Asked((), ItemStatus.TIMEOUT, said or "no answer")


def _detail(answer: Answer) -> str:
    return f"{answer.ecu} NRC {answer.nrc:02X}" if answer.nrc is not None else ""
