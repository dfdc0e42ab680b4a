"""Asks a car what a reader may ask: what it supports, then each of that, of everybody and of each unit by itself.

Talks through a function from a line to the adapter's answer, so that it needs no clock and no link of its own.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from simulator.errors import SimulatorError
from simulator.links import BY_NUMBER, Kind, Link
from simulator.recording.permitted import is_permitted
from simulator.recording.printed import DoubtfulError, Messages, fits, messages, padding_of

Ask = Callable[[str], str]
Note = Callable[[str], None]

TRIES = 5
# An adapter may lose an answer; a unit that stays silent does so each time.
SILENCES = 3
# ATM0 and ATAL are missing in some adapters, and nothing is lost by that.
SET_UP = ("ATZ", "ATE0", "ATL0", "ATS0", "ATH1", "ATM0", "ATAL", "ATCAF1", "ATAT1", "ATST96", "ATSP0")
NEEDED = ("ATE0", "ATH1")
# After a disturbed answer: a sagging supply may have reset the adapter.
SET_UP_AGAIN = ("ATE0", "ATL0", "ATS0", "ATH1", "ATAL", "ATCAF1", "ATST96")
CAN_PROTOCOLS = "6789"
MASK_STEP = 0x20
SPEED = 0x0D
# Part number, software, hardware and system names (ISO 14229-1); never F18C, which is one unit's serial number.
IDENTIFICATION = ("22F187", "22F189", "22F190", "22F191", "22F195", "22F197")
UDS_CODES = ("194233081E", "194233041E", "195533")
FUNCTIONAL = {Kind.CAN11: "ATSH7DF", Kind.CAN29: "ATSHDB33F1"}


@dataclass(frozen=True, slots=True)
class Place:
    """Where a unit listens and where it answers, as CAN ids."""

    request_id: int
    answer_id: int


@dataclass(slots=True)
class Unit:
    """What one unit said: messages by request, none where it stayed silent. ``own`` were asked at its own address."""

    place: Place
    answers: dict[bytes, list[bytes]] = field(default_factory=dict)
    own: dict[bytes, list[bytes]] = field(default_factory=dict)
    padding: int | None = 0x00


@dataclass(slots=True)
class Recording:
    """What a car said. ``doubtful`` are the requests whose answers were disturbed each time, and are left out."""

    link: Link
    banner: str
    supply_v: float
    uds_only: bool = False
    units: dict[int, Unit] = field(default_factory=dict)
    doubtful: list[str] = field(default_factory=list)


class Asking:
    """One car and the adapter in its socket."""

    def __init__(self, ask: Ask, note: Note = lambda text: None) -> None:
        self._ask_adapter = ask
        self._note = note
        self._recording = Recording(BY_NUMBER["6"], "", 0.0)
        self._padding: dict[int, int | None] = {}
        self._turned_to: Place | None = None

    def record(self, reads: list[tuple[Place, str]]) -> Recording:
        """Everything the car tells. ``reads`` are a maker's requests that a person has chosen.

        SimulatorError when nothing answers, when the car moves, or when the adapter cannot show who answers.
        """
        self._set_up()
        self._find_car()
        self._note(f"{self._recording.link.title}, {len(self._recording.units)} unit(s)")
        for request in list(self._requests()):
            self._everybody(request)
        if self._recording.link.is_can:
            self._ask_units(reads)
        self._line("ATD")
        for sender, unit in self._recording.units.items():
            unit.padding = self._padding.get(sender, unit.padding)
        return self._recording

    def _line(self, text: str) -> str:
        """The last step before the adapter: nothing leaves that is not on the list."""
        if not is_permitted(text):
            raise SimulatorError(f"{text!r} is not on the list of what a recording may send")
        return self._ask_adapter(text)

    def _set_up(self) -> None:
        for command in SET_UP:
            said = self._line(command)
            if command in NEEDED and "OK" not in said:
                raise SimulatorError(f"the adapter does not know {command}: {said.strip()[:40]!r}")
        self._recording.banner = _last_line(self._line("ATI"))
        self._recording.supply_v = _volts(_last_line(self._line("ATRV")))

    def _find_car(self) -> None:
        said = self._line("0100")
        number = _last_line(self._line("ATDPN"))[-1:]
        self._recording.link = BY_NUMBER.get(number, self._recording.link)
        with_services = self._tried("0100", said) if number in BY_NUMBER else {}
        self._recording.doubtful.clear()
        if with_services:
            self._keep("0100", with_services)
            return
        for number in CAN_PROTOCOLS:
            self._line(f"ATSP{number}")
            self._recording.link = BY_NUMBER[number]
            found = self._tried("22F400")
            self._recording.doubtful.clear()
            if found:
                self._recording.uds_only = True
                self._keep("22F400", found)
                return
        raise SimulatorError("no unit answers; is the ignition on?")

    def _requests(self) -> Iterator[str]:
        """What to ask everybody, in order; each mask decides what follows it."""
        if self.moves() is True:
            raise SimulatorError("the car moves; record it standing")
        if self._recording.uds_only:
            yield from self._supported("22F4", "")
            yield from self._supported("22F8", "")
            yield from UDS_CODES
            return
        yield from self._supported("01", "")
        yield from ("03", "07", "0A")
        yield from self._supported("02", "00")
        yield from self._supported("09", "")
        if self._recording.link.is_can:
            yield from self._supported("06", "")

    def _supported(self, lead: str, trail: str) -> Iterator[str]:
        first = 0
        while first <= 0xE0:
            mask = f"{lead}{first:02X}{trail}"
            self._everybody(mask)
            items = {first + place for said in self._said(mask) for place in _bits(said)}
            yield from (f"{lead}{item:02X}{trail}" for item in sorted(items) if item % MASK_STEP)
            first += MASK_STEP
            if first not in items:
                return

    def moves(self) -> bool | None:
        """Whether the car drives at this moment; None when no unit tells its speed."""
        request = f"22F4{SPEED:02X}" if self._recording.uds_only else f"01{SPEED:02X}"
        found = self._tried(request)
        if found is None:
            return None
        self._keep(request, found)
        speeds = [said[-1] for said in self._said(request) if len(said) > len(request) // 2]
        return any(speeds) if speeds else None

    def _said(self, request: str) -> list[bytes]:
        """The first positive message of each unit."""
        raw = bytes.fromhex(request)
        found = (unit.answers.get(raw, []) for unit in self._recording.units.values())
        return [said[0] for said in found if said and said[0][0] == raw[0] + 0x40]

    def _everybody(self, request: str) -> None:
        asked = any(bytes.fromhex(request) in unit.answers for unit in self._recording.units.values())
        if not asked and request not in self._recording.doubtful:
            found = self._tried(request)
            if found is not None:
                self._keep(request, found)

    def _tried(self, request: str, said: str | None = None) -> Messages | None:
        """The messages, asking again while they are in doubt; None when they stay so. Silence must last."""
        silences = 0
        for _ in range(TRIES):
            try:
                text = self._line(request) if said is None else said
                said = None
                found = self._answering(request, text)
            except DoubtfulError:
                self._set_up_again()
                continue
            silences += not found
            if found or silences >= SILENCES:
                self._padding |= padding_of(text, self._recording.link)
                return found
        self._note(f"{request}: disturbed {TRIES} times, left out")
        self._recording.doubtful.append(request)
        return None

    def _answering(self, request: str, text: str) -> Messages:
        found = messages(text, self._recording.link)
        raw = bytes.fromhex(request)
        for sender, said in found.items():
            if not self._expected(sender):
                raise DoubtfulError(f"{sender:X} was not asked")
            if not all(fits(raw, message) for message in said) or len(set(said)) < len(said):
                raise DoubtfulError("an earlier answer is among these")
        return found

    def _expected(self, sender: int) -> bool:
        """Whether a unit may answer under this address (ISO 15765-4), or is the one that is asked by its own."""
        if self._turned_to is not None:
            return sender == self._turned_to.answer_id
        if self._recording.link.kind is Kind.CAN11:
            return 0x7E8 <= sender <= 0x7EF
        return not self._recording.link.is_can or sender & 0xFFFFFF00 == 0x18DAF100

    def _set_up_again(self) -> None:
        for command in SET_UP_AGAIN:
            self._line(command)
        if self._turned_to is not None:
            self._turn_to(self._turned_to)

    def _keep(self, request: str, found: Messages) -> None:
        raw = bytes.fromhex(request)
        for sender in found:
            if sender not in self._recording.units:
                self._recording.units[sender] = Unit(Place(_listens(sender, self._recording.link), sender))
        for sender, unit in self._recording.units.items():
            unit.answers[raw] = found.get(sender, [])

    def _ask_units(self, reads: list[tuple[Place, str]]) -> None:
        if self.moves() is not False:
            self._note("no unit says that the car stands: units are not asked one by one")
            return
        chosen = [(unit.place, IDENTIFICATION) for unit in self._recording.units.values()]
        for place, requests in [*chosen, *((place, (request,)) for place, request in reads)]:
            self._turn_to(place)
            for request in requests:
                found = self._tried(request)
                if found is not None:
                    unit = self._recording.units.setdefault(place.answer_id, Unit(place))
                    unit.own[bytes.fromhex(request)] = found.get(place.answer_id, [])
        self._turn_back()

    def _turn_to(self, place: Place) -> None:
        self._turned_to = place
        if self._recording.link.kind is Kind.CAN29:
            self._line(f"ATSHDA{place.request_id >> 8 & 0xFF:02X}F1")
            return
        self._line(f"ATSH{place.request_id:03X}")
        self._line(f"ATCRA{place.answer_id:03X}")
        if place.answer_id - 8 != place.request_id:
            for command in (f"ATFCSH{place.request_id:03X}", "ATFCSD300000", "ATFCSM1"):
                self._line(command)

    def _turn_back(self) -> None:
        self._turned_to = None
        for command in ("ATFCSM0", "ATAR", FUNCTIONAL[self._recording.link.kind]):
            self._line(command)


def _last_line(said: str) -> str:
    lines = [line.strip() for line in said.replace(">", "").splitlines() if line.strip()]
    return lines[-1] if lines else ""


def _volts(said: str) -> float:
    try:
        return min(max(float(said.upper().removesuffix("V")), 0.0), 40.0)
    except ValueError:
        return 0.0


def _bits(said: bytes) -> Iterator[int]:
    """Places of a support mask, the last four bytes of an answer: 1 to 32."""
    mask = int.from_bytes(said[-4:], "big") if len(said) > 4 else 0
    return (place for place in range(1, 33) if mask >> (32 - place) & 1)


def _listens(answer_id: int, link: Link) -> int:
    """Where the unit that answers here listens (ISO 15765-4); on other buses both are its one address."""
    if link.kind is Kind.CAN11:
        return answer_id - 8
    if link.kind is Kind.CAN29:
        return (answer_id & 0xFFFF0000) | (answer_id & 0xFF) << 8 | (answer_id >> 8 & 0xFF)
    return answer_id
