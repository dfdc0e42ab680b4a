"""One car behind one adapter: finds the link, asks a service, returns every ECU's answer with its status."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from collector.adapter import Adapter
from collector.errors import CarSilentError
from collector.memory import KnownCar
from collector.setup import Abilities, set_up
from config.settings import AdapterSettings
from protocols.answers import Answer, answers_to
from protocols.elm327 import BUS_FAULTS, Notice, Reply
from protocols.messages import Assembly, LinkFormat, assemble_reply, link_format_of
from protocols.readings import ItemStatus

BROKEN = frozenset({Notice.DATA_ERROR, Notice.RX_ERROR, Notice.BUFFER_FULL, Notice.STOPPED})
NO_CAR = frozenset({Notice.UNABLE_TO_CONNECT, Notice.NOT_CONNECTED})
PENDING_TRIES = 5  # with the slowest tail: P2* of 5 s (ISO 14229-2) for an adapter that does not wait by itself
PENDING = frozenset({0x21, 0x78})  # busy, repeat the request; response pending
SLOWEST_TAIL = ("ATAT0", "ATSTFF")  # 255 x 4 ms, the longest wait an ELM327 knows; adaptive timing would cut it short
DEFAULT_TAIL = ("ATST32", "ATAT1")  # 50 x 4 ms, the chip's own default, and as set up
CAN_TAIL = ("ATST0D",)  # 13 x 4 ms: a control unit on CAN answers within 50 ms (ISO 15765-4, P2)
BATCH_SIZES = (6, 2, 1)
# STN chips know milliseconds, and a wait as long as a unit may be pending (ISO 14229-2, P2*)
STN_TAILS = {
    SLOWEST_TAIL: ("ATAT0", "STPTO5000"),
    DEFAULT_TAIL: ("STPTO200", "ATAT1"),
    CAN_TAIL: ("STPTO52",),
}
DIGIT_MISSES_MAX = 2  # once may be a lost answer
CAN_PROTOCOLS = frozenset("6789")
PRESENT_V = 6.0  # below this no car supplies the adapter
MOST_V = 60.0  # above this it is no supply of a vehicle, but digits of something else
UDS_PROTOCOLS = (("6", "7"), ("8", "9"))  # CAN with 11 and 29 bit ids, 500 kbit/s before 250


@dataclass(frozen=True, slots=True)
class Asked:
    """How one request ended: the answers of all ECUs and the one status that sums them up."""

    answers: tuple[Answer, ...]
    status: ItemStatus
    detail: str = ""
    faulty: bool = False  # the adapter reported the bus itself, not an answer

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
        self.counts_lines = abilities.skills.counts_lines
        self.digit_misses = 0
        self.protocol_number = ""  # as AT DPN says it, without the A of an automatic search
        remembered = abilities.skills.pids_at_once
        self.pids_at_once = remembered if remembered in BATCH_SIZES else 0  # 0: one, until more are tried
        self.measures_supply = abilities.skills.measures_supply
        self.on_trial = False  # something is being asked that some adapters do not survive
        self.heard: set[str] = set()  # every unit that answered anything
        self.on_uds = False  # it has service 22 F4xx in place of service 01 (SAE J1979-2)
        self.dids_at_once = 1  # of those identifiers; tried anew on every car
        self.silent = False
        self._settings = settings

    async def supply_v(self) -> float | None:
        """The voltage at pin 16 as the adapter measures it; None when it cannot say."""
        reply = await self.adapter.ask("ATRV")
        for line in reply.lines if reply else ():
            number = line.upper().rstrip("V").strip()
            if number.replace(".", "", 1).isdecimal():
                volts = float(number)
                return self._believed(volts) if volts <= MOST_V else None
        return None

    def _believed(self, volts: float) -> float | None:
        """Some clones say 0.0 V with a car behind them; one that once told a car's voltage is believed from then on."""
        if volts >= PRESENT_V:
            self.measures_supply = True
        return None if self.measures_supply is False else volts

    def doubt_supply(self, volts: float | None) -> float | None:
        """``volts``, or None where a car answers although the adapter says that nothing supplies it."""
        if volts is None or volts >= PRESENT_V:
            return volts
        self.measures_supply = False
        return None

    @property
    def values_at_once(self) -> int:
        """For how many values one request may ask of this car by this adapter; 0 while that was not tried."""
        return self.dids_at_once if self.on_uds else self.pids_at_once

    def ask_singly(self) -> None:
        """From now on one value a request."""
        if self.on_uds:
            self.dids_at_once = 1
        else:
            self.pids_at_once = 1

    async def present(self) -> bool:
        """Whether a car supplies the adapter; asked of the adapter alone, so the bus stays quiet."""
        volts = await self.supply_v()
        return volts is None or volts >= PRESENT_V

    async def speaks(self) -> bool:
        """Whether a car that was silent answers now.

        The adapter is set up anew: a header that was set for a unit stays through every search (ELM327 data sheet, AT
        SH), so that no car of another link would answer, and on 11 bit ids its last bits would be some unit's own.
        """
        await set_up(self.adapter)
        try:
            await self.connect()
        except CarSilentError:
            return False
        return True

    async def connect(self, known: KnownCar | None = None) -> Asked:
        """Find the protocol with 01 00, else 22 F400, and return the answers; raise CarSilentError if no car speaks."""
        self.silent, self.on_uds = True, False
        reply = await self._first_reply(known)
        if reply is not None and reply.lines:
            await self._learn_link(reply, known)
            asked = _sum_up(answers_to(b"\x01\x00", self._assemble(reply)), reply)
            asked = asked if asked.read() or self.link is LinkFormat.LEGACY else await self._first_on_uds()
        else:
            asked = await self._find_on_uds() if await self.present() else Asked((), ItemStatus.TIMEOUT)
        if not asked.read():
            raise CarSilentError(_why_silent(reply))
        self.silent = False
        return asked

    async def _first_reply(self, known: KnownCar | None) -> Reply | None:
        """01 00 over the protocol that the adapter spoke last; only where nothing answers there, a search.

        For a ``known`` car the adapter waits for no more units than it had: the caller compares what came.
        """
        on_can = known is not None and known.protocol_number in CAN_PROTOCOLS
        if on_can:
            await self._set_tail(CAN_TAIL)
        count = len(known.units) if known and on_can and self.counts_lines else 0
        reply = await self.adapter.ask(f"0100{_digit(count)}", timeout_s=self._settings.search_timeout_s)
        if reply is None or reply.lines or Notice.SEARCHING in reply.notices:
            return reply
        await self.adapter.ask("ATSP0")
        return await self.adapter.ask("0100", timeout_s=self._settings.search_timeout_s)

    async def _find_on_uds(self) -> Asked:
        """Look for a car without service 01, which no adapter's own search finds (SAE J1979-2, ISO 27145)."""
        asked = Asked((), ItemStatus.TIMEOUT)
        for speed in UDS_PROTOCOLS:
            for number in speed:
                await self.use_protocol(number)
                asked = await self._first_on_uds()
                if asked.read() or asked.faulty:  # nobody acknowledges frames at this speed, whatever their ids
                    break
            if not asked.faulty:
                break
        return asked

    async def use_protocol(self, number: str) -> None:
        """Set a CAN protocol without a search; nothing is stored in the adapter."""
        await self.adapter.ask(f"ATTP{number}")
        self.link = link_format_of(number) or self.link

    async def _first_on_uds(self) -> Asked:
        reply = await self.adapter.ask("22F400")
        if reply is None:
            return Asked((), ItemStatus.TIMEOUT, "no prompt")
        asked = _sum_up(answers_to(b"\x22\xf4\x00", self._assemble(reply)), reply)
        asked = await self._ask_pending(b"\x22\xf4\x00", asked, extended_address=False)
        if asked.read():
            await self._learn_link(reply)
            self.on_uds = True
        return asked

    async def _learn_link(self, reply: Reply, known: KnownCar | None = None) -> None:
        number = await self.adapter.ask("ATDPN")
        self.protocol_number = number.lines[0].strip().upper()[-1:] if number and number.lines else ""
        link = link_format_of(number.lines[0]) if number and number.lines else None
        self.link = link or _link_by_shape(reply.lines)
        if known and known.protocol and known.protocol_number == self.protocol_number:
            self.protocol = known.protocol
            return
        await self._name_protocol()

    async def _name_protocol(self) -> None:
        name = await self.adapter.ask("ATDP")
        self.protocol = " ".join(name.lines).removeprefix("AUTO, ")[:60] if name else ""

    async def found_without_obd(self) -> None:
        """A unit answered over the protocol that is set, though none answers an OBD request."""
        await self._name_protocol()
        self.silent = False

    async def ask(
        self,
        request: bytes,
        *,
        expected_lines: int | None = None,
        extended_address: bool = False,
        trial_s: float | None = None,
    ) -> Asked:
        """Ask ``request`` (service and parameters) of whoever is addressed; broken replies are asked for once more.

        ``expected_lines`` lets the adapter stop waiting after so many lines; give it only where that count is sure.
        ``trial_s`` bounds the wait for a request that some adapters hang on, and which is asked only once.
        """
        if trial_s is not None:
            return await self._ask_once(request, None, extended_address, min(trial_s, self._settings.reply_timeout_s))
        lines = expected_lines if self.counts_lines and self.link is not LinkFormat.LEGACY else None
        asked = await self._ask_once(request, lines, extended_address)
        if asked.status in (ItemStatus.TIMEOUT, ItemStatus.CORRUPT) and not _is_pending(asked.answers):
            again = await self._ask_once(request, None, extended_address)
            self._doubt_digit(lines, again)
            asked = again
        return await self._ask_pending(request, asked, extended_address=extended_address)

    async def _ask_once(
        self,
        request: bytes,
        expected_lines: int | None,
        extended_address: bool,  # noqa: FBT001
        timeout_s: float | None = None,
    ) -> Asked:
        reply = await self.adapter.ask(request.hex().upper() + _digit(expected_lines), timeout_s=timeout_s)
        if reply is None:
            asked = Asked((), ItemStatus.TIMEOUT, "no prompt")
        else:
            asked = _sum_up(answers_to(request, self._assemble(reply, extended_address=extended_address)), reply)
            self.heard |= {answer.ecu for answer in asked.answers if answer.ecu}
        if asked.status is ItemStatus.TIMEOUT and not asked.answers and not await self.present():
            raise CarSilentError("unplugged")
        return asked

    def _doubt_digit(self, lines: int | None, again: Asked) -> None:
        """An adapter that twice only understood a request without the count digit is not asked with one again."""
        self.digit_misses += lines is not None and again.status is ItemStatus.READ
        self.counts_lines &= self.digit_misses < DIGIT_MISSES_MAX

    async def _ask_pending(self, request: bytes, asked: Asked, *, extended_address: bool) -> Asked:
        """Ask again, with the longest tail, until every ECU that said "response pending" has said something final.

        A busy ECU may be silent in between; one that stays so has the pending answer for its last word.
        """
        waiting = {answer.ecu: answer for answer in asked.answers if answer.nrc in PENDING}
        if not waiting:
            return asked
        await self._set_tail(SLOWEST_TAIL)
        for _ in range(PENDING_TRIES):
            asked = await self._ask_once(request, None, extended_address)
            for answer in asked.answers:
                waiting.pop(answer.ecu, None)
            waiting |= {answer.ecu: answer for answer in asked.answers if answer.nrc in PENDING}
            if not waiting:
                break
        await self._set_tail(DEFAULT_TAIL)
        silent = tuple(answer for ecu, answer in waiting.items() if ecu not in {known.ecu for known in asked.answers})
        return asked if not silent else replace(asked, answers=asked.answers + silent)

    async def _set_tail(self, commands: tuple[str, ...]) -> None:
        stn = self.abilities.chip.startswith("STN")
        for command in STN_TAILS[commands] if stn else commands:
            if self.abilities.adaptive_timing or not command.startswith("ATAT"):
                await self.adapter.ask(command)

    def _assemble(self, reply: Reply, *, extended_address: bool = False) -> Assembly:
        return assemble_reply(reply, self.link, headers=self.abilities.headers, extended_address=extended_address)


def _digit(lines: int | None) -> str:
    """The count digit behind a request: so many lines end the answer (ELM327 data sheet); "" to wait for all."""
    return f"{lines:X}" if lines is not None and 0 < lines < 16 else ""


def _is_pending(answers: Sequence[Answer]) -> bool:
    return any(answer.nrc in PENDING for answer in answers)


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
        return Asked((), ItemStatus.TIMEOUT, said, faulty=True)
    return Asked((), ItemStatus.TIMEOUT, said or "no answer")


def _detail(answer: Answer) -> str:
    return f"{answer.ecu} NRC {answer.nrc:02X}" if answer.nrc is not None else ""
