"""One car behind one adapter: finds the link, asks a service, returns every ECU's answer with its status."""

import asyncio
import re
from collections.abc import Sequence
from dataclasses import replace
from enum import Enum

from collector.adapter import P2_STAR_S, Adapter
from collector.asked import NO_PROMPT, NOTHING_SAID, Asked, summed_up, why_silent
from collector.errors import CarSilentError
from collector.memory import KnownCar
from collector.setup import Abilities, set_up
from collector.spelling import spelled
from config.settings import AdapterSettings
from protocols.answers import answers_to
from protocols.elm327 import Notice, Reply
from protocols.messages import Assembly, LinkFormat, assemble_reply, link_format_of
from protocols.readings import ItemStatus

# an adapter that does not wait by itself is asked again until P2* has passed since a unit last asked for patience
PENDING_TRIES = 5  # of a second each
PENDING_TRIES_MAX = 20  # in all
PENDING_PAUSE_S = 0.8  # between tries where the adapter cannot be told to wait
SLOWEST_TAIL = ("ATAT0", "ATSTFF")  # 255 x 4 ms, the longest wait an ELM327 knows; adaptive timing would cut it short
DEFAULT_TAIL = ("ATST32", "ATAT1")  # 50 x 4 ms, the chip's own default, and as set up
CAN_TAIL = ("ATST0D",)  # 13 x 4 ms: a control unit on CAN answers within 50 ms (ISO 15765-4, P2)
BATCH_SIZES = (6, 2, 1)
# STN chips know milliseconds
STN_TAILS = {
    SLOWEST_TAIL: ("ATAT0", "STPTO1020"),
    DEFAULT_TAIL: ("STPTO200", "ATAT1"),
    CAN_TAIL: ("STPTO52",),
}
PATIENT_MS = 1020  # as SLOWEST_TAIL
STPX_TRIAL_MS = 200  # the default wait of every chip
DIGIT_MISSES_MAX = 2  # once may be a lost answer
COUNTED_S = 2.0  # longer than the slowest tail
CAN_PROTOCOLS = frozenset("6789")
# how an adapter without AT DPN tells its protocol
CAN_NUMBERS = {"11/500": "6", "29/500": "7", "11/250": "8", "29/250": "9"}
CAN_NAME = re.compile(r"CAN (11/500|29/500|11/250|29/250)")
NUMBERED = re.compile(r"[0-9A-F]: ?[0-9A-F]")
CANNOT_ADDRESS = "the adapter cannot address it"
FROZE_OVER_IT = "the adapter froze over it"
PRESENT_V = 6.0  # below this no car supplies the adapter
MOST_V = 60.0  # above this it is no supply of a vehicle, but digits of something else
UDS_PROTOCOLS = (("6", "7"), ("8", "9"))  # CAN with 11 and 29 bit ids, 500 kbit/s before 250


class Trial(Enum):
    """What an adapter may turn out not to survive."""

    SEVERAL_PIDS = "several PIDs"
    STPX = "STPX"


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
        self.supply_falls = abilities.skills.supply_falls  # it was seen without a car and with one
        self._was_there: bool | None = None
        self._volts: float | None = None
        stn = abilities.chip.startswith("STN")
        self.stpx = abilities.skills.stpx if stn else False  # None: not tried yet
        self.unit = ""  # whom STPX names in place of a header
        self._pinned = False  # the adapter may not change to another protocol by itself
        self.on_trial: Trial | None = None  # what is being asked, where some adapters do not survive it
        self.asking = b""  # the request that the adapter has not answered yet
        self.spared: frozenset[bytes] = frozenset()  # requests that this adapter is not asked
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
        self._volts = volts
        there = volts >= PRESENT_V
        self.supply_falls |= self._was_there is not None and there is not self._was_there
        self._was_there = there
        if there:
            self.measures_supply = True
        return None if self.measures_supply is False else volts

    def doubt_supply(self, volts: float | None) -> float | None:
        """``volts``, or None where a car answers although the adapter says that nothing supplies it."""
        if volts is None or volts >= PRESENT_V:
            return volts
        self.measures_supply = False
        return None

    @property
    def resting(self) -> bool:
        """Whether so little was measured last that the next start may be at stake."""
        return self._volts is not None and self._volts <= self._settings.rest_voltage_floor_v

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
        self._pinned = False
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
            asked = summed_up(answers_to(b"\x01\x00", self._assemble(reply)), reply)
            asked = await self._ask_pending(b"\x01\x00", asked, extended_address=False)
            asked = asked if asked.read() or self.link is LinkFormat.LEGACY else await self._first_on_uds()
        else:
            asked = await self._find_on_uds() if await self.present() else Asked((), ItemStatus.TIMEOUT)
        if not asked.read():
            raise CarSilentError(why_silent(reply))
        self.silent = False
        if known is None and self.stpx is None and self.link is not LinkFormat.LEGACY:
            await self._try_stpx(asked)
        return asked

    async def _try_stpx(self, first: Asked) -> None:
        """Ask once more what was just answered: not every chip that calls itself an STN knows STPX.

        One that does not even know STPRS is none, and some of those never answer a line that looks like a request.
        """
        self.stpx = False
        protocol = await self.adapter.ask("STPRS")
        if protocol is None or not protocol.lines or Notice.UNKNOWN_COMMAND in protocol.notices:
            return
        request = b"\x22\xf4\x00" if self.on_uds else b"\x01\x00"
        self.on_trial = Trial.STPX
        reply = await self.adapter.ask(spelled(request, None, stpx=True, wait_ms=STPX_TRIAL_MS))
        self.on_trial = None
        again = answers_to(request, self._assemble(reply)) if reply else ()
        self.stpx = {answer.ecu for answer in first.read()} == {a.ecu for a in again if a.status is ItemStatus.READ}

    async def _first_reply(self, known: KnownCar | None) -> Reply | None:
        """01 00 over the protocol that the adapter spoke last; only where nothing answers there, a search.

        For a ``known`` car the adapter waits for no more units than it had: the caller compares what came.
        """
        on_can = known is not None and known.protocol_number in CAN_PROTOCOLS
        if on_can:
            await self._set_tail(CAN_TAIL)
        count = len(known.units) if known and on_can and self.counts_lines else 0
        first = spelled(b"\x01\x00", count, stpx=False)
        reply = await self.adapter.ask(first, timeout_s=self._settings.search_timeout_s)
        if reply is None or reply.lines or Notice.SEARCHING in reply.notices:
            return reply
        await self.adapter.ask("ATSP0")
        self._pinned = False
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
        """Set a CAN protocol without a search; nothing is stored in the adapter. Some clones can only search."""
        reply = await self.adapter.ask(f"ATTP{number}")
        self._pinned = reply is not None and Notice.UNKNOWN_COMMAND not in reply.notices
        self.link = link_format_of(number) or self.link

    async def pin(self) -> bool:
        """Hold the adapter to the CAN protocol it found, before one unit is addressed; False where that is unknown.

        Left to itself it may search again with the unit's header, which on another protocol is somebody else's.
        """
        named = CAN_NAME.search(self.protocol)
        number = self.protocol_number or (CAN_NUMBERS[named[1]] if named else "")
        if not self._pinned and number in CAN_PROTOCOLS:
            await self.use_protocol(number)
        return self._pinned

    async def _first_on_uds(self) -> Asked:
        reply = await self.adapter.ask("22F400")
        if reply is None:
            return NOTHING_SAID
        asked = summed_up(answers_to(b"\x22\xf4\x00", self._assemble(reply)), reply)
        asked = await self._ask_pending(b"\x22\xf4\x00", asked, extended_address=False)
        if asked.read():
            await self._learn_link(reply)
            self.on_uds = True
        return asked

    async def _learn_link(self, reply: Reply, known: KnownCar | None = None) -> None:
        number = await self.adapter.ask("ATDPN")
        self.protocol_number = number.lines[0].strip().upper()[-1:] if number and number.lines else ""
        link = link_format_of(number.lines[0]) if number and number.lines else None
        bare = _is_bare(reply)
        if bare and self.abilities.headers:
            self.abilities = replace(self.abilities, headers=False)
        self.link = link or (await self._link_of_bare_lines() if bare else _link_by_shape(reply.lines))
        if known and known.protocol and known.protocol_number == self.protocol_number:
            self.protocol = known.protocol
            return
        await self._name_protocol()

    async def _link_of_bare_lines(self) -> LinkFormat:
        """For adapters that name neither protocol nor units: only CAN has the lines of a VIN numbered 0:, 1:, 2:."""
        reply = await self.adapter.ask("0902")
        numbered = reply is not None and any(NUMBERED.match(line) for line in reply.lines)
        return LinkFormat.CAN_11 if numbered else LinkFormat.LEGACY

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
        asked = await self._ask_once(request, lines, extended_address, self._counted_s if lines else None)
        if asked.status in (ItemStatus.TIMEOUT, ItemStatus.CORRUPT) and not asked.waiting:
            if asked.faulty:
                await self.adapter.ask("ATPC")  # the next request opens the link anew
            again = await self._ask_once(request, None, extended_address)
            self._doubt_digit(lines, asked, again)
            asked = again
        return await self._ask_pending(request, asked, extended_address=extended_address)

    async def _ask_once(
        self,
        request: bytes,
        expected_lines: int | None,
        extended_address: bool,  # noqa: FBT001
        timeout_s: float | None = None,
        wait_ms: int = 0,
    ) -> Asked:
        if self.unit and not self.stpx:  # it took STPX before and does not any more: nobody else is asked in its place
            return Asked((), ItemStatus.NOT_ASKED, CANNOT_ADDRESS)
        if request in self.spared:
            return Asked((), ItemStatus.NOT_ASKED, FROZE_OVER_IT)
        self.asking = request
        line = spelled(request, expected_lines, stpx=bool(self.stpx), unit=self.unit, wait_ms=wait_ms)
        reply = await self.adapter.ask(line, timeout_s=timeout_s)
        self.asking = b""
        if reply is None:
            asked = NOTHING_SAID
        else:
            asked = summed_up(answers_to(request, self._assemble(reply, extended_address=extended_address)), reply)
            self.heard |= {answer.ecu for answer in asked.answers if answer.ecu}
            self.stpx = self.stpx and not (Notice.UNKNOWN_COMMAND in reply.notices and line.startswith("STPX"))
        if asked.status is ItemStatus.TIMEOUT and not asked.answers and not await self.present():
            raise CarSilentError("unplugged")
        return asked

    @property
    def _counted_s(self) -> float:
        """How long an adapter may take that knows how many lines will come."""
        return min(COUNTED_S, self._settings.reply_timeout_s)

    def _doubt_digit(self, lines: int | None, asked: Asked, again: Asked) -> None:
        """An adapter that twice only understood a request without the count digit is not asked with one again.

        Nor is one that never answered the digit at all: some take it for one PID too many, and hang.
        """
        if lines is not None and again.status is ItemStatus.READ:
            self.digit_misses += DIGIT_MISSES_MAX if asked.detail == NO_PROMPT else 1
        self.counts_lines &= self.digit_misses < DIGIT_MISSES_MAX

    async def _ask_pending(self, request: bytes, asked: Asked, *, extended_address: bool) -> Asked:
        """Ask again, with a long tail, until every ECU that said "response pending" has said something final.

        A busy ECU may be silent in between; one that stays so for P2* has the pending answer for its last word.
        """
        waiting = asked.waiting
        if not waiting:
            return asked
        told = bool(self.stpx) or await self._set_tail(SLOWEST_TAIL)
        tries, left = 0, PENDING_TRIES
        while waiting and left and tries < PENDING_TRIES_MAX:
            await asyncio.sleep(0.0 if told else PENDING_PAUSE_S)
            asked = await self._ask_patiently(request, extended_address=extended_address)
            again = asked.waiting
            for answer in asked.answers:
                waiting.pop(answer.ecu, None)
            waiting |= again
            tries, left = tries + 1, PENDING_TRIES if again else left - 1
        if not self.stpx:
            await self._set_tail(DEFAULT_TAIL)
        silent = tuple(answer for ecu, answer in waiting.items() if ecu not in {known.ecu for known in asked.answers})
        return asked if not silent else replace(asked, answers=asked.answers + silent)

    async def _ask_patiently(self, request: bytes, *, extended_address: bool) -> Asked:
        """One more try; STPX says by itself that it is waited for longer."""
        wait_ms = PATIENT_MS if self.stpx else 0
        timeout_s = self._settings.reply_timeout_s + P2_STAR_S
        return await self._ask_once(request, None, extended_address, timeout_s, wait_ms)

    async def _set_tail(self, commands: tuple[str, ...]) -> bool:
        """Set how long the adapter waits for one more line; False when it does not know the command for it."""
        stn = self.abilities.chip.startswith("STN")
        known = True
        for command in STN_TAILS[commands] if stn else commands:
            if self.abilities.adaptive_timing or not command.startswith("ATAT"):
                reply = await self.adapter.ask(command)
                known &= reply is not None and Notice.UNKNOWN_COMMAND not in reply.notices
        return known

    def _assemble(self, reply: Reply, *, extended_address: bool = False) -> Assembly:
        return assemble_reply(reply, self.link, headers=self.abilities.headers, extended_address=extended_address)


def _link_by_shape(lines: Sequence[str]) -> LinkFormat:
    """For adapters without ATDPN: CAN ids tell themselves by their first digits."""
    first = lines[0].replace(" ", "").upper()
    if first.startswith("18DAF1"):
        return LinkFormat.CAN_29
    return LinkFormat.CAN_11 if first.startswith("7E") else LinkFormat.LEGACY


def _is_bare(reply: Reply) -> bool:
    """Whether an answer to 01 00 or 22 F400 stands there without its unit, though the adapter said OK to AT H1."""
    shown = [line.replace(" ", "").upper() for line in reply.lines]
    return any(line.startswith(("4100", "62F400")) for line in shown)
