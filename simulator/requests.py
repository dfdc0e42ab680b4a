"""One request from the adapter to the bus: search and init, header, receive filter, time-out, count digit."""

import re
from dataclasses import dataclass
from functools import lru_cache

from simulator.bus import AUTOMATIC, Bus, FlowControl, Frame
from simulator.lines import printed
from simulator.links import BY_NUMBER, DEFAULT_HEADERS, Kind, Link
from simulator.profiles import Profile
from simulator.settings import Memory, Settings, resolve_header

Line = tuple[float, str | bytes]

# The order of an automatic search is the adapter's own; the cheap ones first.
SEARCH_ORDER = "678951243"
KLINE_INIT_S = {"3": 2.5, "4": 2.5, "5": 0.3}
CAN_ERROR_S = 0.15
# ISO 14230-2 and ISO 9141-2, P3max: after so long a silence a unit wants a new initialisation.
KLINE_IDLE_S = 5.0
REQUEST_BYTES = 7
LONG_REQUEST_BYTES = 4095
PENDING_WAIT_S = 5.0

_HEX = re.compile(r"[0-9A-F]{2,}")
_STPX = re.compile(r"STPX(?:H:([0-9A-F]{3}|[0-9A-F]{6}|[0-9A-F]{8}),?)?D:([0-9A-F]+)(?:,R:(\d+))?(?:,T:(\d+))?")


@dataclass(frozen=True, slots=True)
class Request:
    """What one line asks: the message, how many lines are expected (0: unknown), and one-off header and time-out."""

    data: bytes
    count: int = 0
    header: str = ""
    timeout_s: float | None = None


def is_request(text: str, settings: Settings) -> bool:
    """Whether a line is hexadecimal and short enough to be sent."""
    limit = REQUEST_BYTES + 1 if settings.long_messages or not settings.format_frames else REQUEST_BYTES
    return bool(_HEX.fullmatch(text)) and len(text) // 2 <= limit


@lru_cache(maxsize=1024)
def parse(text: str) -> Request | None:
    """A plain request or an STPX line; None when it is neither."""
    if not text.startswith("STPX"):
        digits = len(text) // 2 * 2
        return Request(bytes.fromhex(text[:digits]), int(text[digits:] or "0", 16))
    match = _STPX.fullmatch(text)
    if match is None or len(match[2]) % 2 or len(match[2]) > 2 * LONG_REQUEST_BYTES:
        return None
    timeout_s = int(match[4]) / 1000 if match[4] else None
    return Request(bytes.fromhex(match[2]), int(match[3] or 0), match[1] or "", timeout_s)


class Exchange:
    """Carries out one request; used once."""

    def __init__(
        self, bus: Bus, settings: Settings, memory: Memory, profile: Profile, search_s: float | None = None
    ) -> None:
        self._bus = bus
        self._settings = settings
        self._memory = memory
        self._profile = profile
        self._search_s = search_s

    def run(self, at_s: float, text: str) -> tuple[list[Line], float]:
        """Lines with the moments they are known, and the moment of the prompt."""
        request = parse(text)
        if request is None:
            return [(at_s, "?")], at_s
        lines: list[Line] = []
        at_s, failure = self._open(at_s, lines)
        if failure:
            return [*lines, (at_s, failure)], at_s
        if not self._settings.responses:
            self._ask(at_s, request)
            return lines, at_s
        answers, done_s = self._ask(at_s, request)
        return [*lines, *(answers or [(done_s, "NO DATA")])], done_s

    def _open(self, at_s: float, lines: list[Line]) -> tuple[float, str]:
        """Search or initialise if that is still to be done; the text of the failure, or nothing."""
        settings = self._settings
        if self._fell_asleep(at_s):
            settings.connected = False
        settings.asked_s = at_s
        if settings.connected and self._bus.car is not None:
            return at_s, ""
        if settings.automatic:
            return self._search(at_s, lines)
        link = settings.link
        if link is None:
            return at_s + CAN_ERROR_S, "CAN ERROR"
        at_s, failure = self._initialise(at_s, link, lines)
        settings.connected = not failure
        return at_s, failure

    def _fell_asleep(self, at_s: float) -> bool:
        """Whether the units on a K-line have given up: nobody spoke for P3max, the adapter's wake-ups included."""
        settings = self._settings
        awake = settings.wakes or settings.link is None or not settings.link.is_kline
        return not awake and at_s - settings.asked_s > KLINE_IDLE_S

    def _search(self, at_s: float, lines: list[Line]) -> tuple[float, str]:
        settings = self._settings
        remembered = settings.link
        if remembered is not None and self._answers(at_s, remembered):
            settings.connected = True
            return at_s, ""
        if self._bus.car is not None and self._bus.car.moving:
            self._bus.journal.harmful("protocol search while moving")
        lines.append((at_s, b"SEARCHING..." + (b"\r\n" if settings.linefeeds else b"\r")))
        for number in SEARCH_ORDER:
            link = BY_NUMBER[number]
            if self._answers(at_s, link):
                if link.is_kline and self._profile.dots_in_answer:
                    lines.append((at_s, b"..."))
                settings.protocol, settings.connected = number, True
                if settings.remember:
                    self._memory.protocol, self._memory.automatic = number, True
                return at_s, ""
            at_s += link.search_s if self._search_s is None else self._search_s
        settings.use("0", automatic=True)
        return at_s, "UNABLE TO CONNECT"

    def _answers(self, at_s: float, link: Link) -> bool:
        """Whether 01 00 is answered on this bus (that is how an automatic search decides)."""
        car = self._bus.car
        if car is None or car.link is not link or not car.ignition_on:
            return False
        return bool(self._bus.probe(at_s, DEFAULT_HEADERS[link.kind]))

    def _initialise(self, at_s: float, link: Link, lines: list[Line]) -> tuple[float, str]:
        car = self._bus.car
        here = car is not None and car.ignition_on and car.link is link
        if link.is_kline:
            at_s += KLINE_INIT_S[link.number] if self._search_s is None else self._search_s
            dots = "" if link.number == "5" else "..."
            if not here or not self._answers(at_s, link):
                return at_s, f"BUS INIT: {dots}ERROR"
            lines.append((at_s, f"BUS INIT: {dots}OK"))
            return at_s, ""
        if link.is_can and not self._same_wire(link):
            return at_s + CAN_ERROR_S, "CAN ERROR"
        return at_s, ""

    def _same_wire(self, link: Link) -> bool:
        """Whether somebody acknowledges our CAN frames: any live CAN bus of the same speed, whatever its ids."""
        car = self._bus.car
        if car is None or not car.ignition_on or not car.link.is_can:
            return False
        return car.link.name.rpartition("-")[2] == link.name.rpartition("-")[2]

    def _ask(self, at_s: float, request: Request) -> tuple[list[Line], float]:
        settings = self._settings
        link = settings.link
        car = self._bus.car
        if link is None or car is None or not car.ignition_on or car.link is not link:
            return [], at_s + settings.timeout_s
        data = self._message(request.data, link)
        if data is None:
            return [], at_s + settings.timeout_s
        frames = self._bus.ask(at_s, self._header(request, link), data, flow=self._flow(link), lead=self._lead())
        if link.is_can:
            frames = [frame for frame in frames if settings.accepts(frame.can_id, link)]
        return self._collect(at_s, request, link, frames)

    def _header(self, request: Request, link: Link) -> int:
        if request.header:
            return resolve_header(request.header, self._settings.priority, link)
        return self._settings.header_for(link)

    def _message(self, data: bytes, link: Link) -> bytes | None:
        """What reaches the ECUs: with CAF0 the host supplies the length byte itself; poor clones cut long requests."""
        if link.is_can and not self._settings.format_frames:
            skip = 1 if self._settings.extended is not None else 0
            length = data[0] if data else 0
            return data[1 : 1 + length] if 0 < length <= 7 - skip else None
        if data[:1] == b"\x01":
            return data[: 1 + self._profile.max_pids]
        return data

    def _lead(self) -> bytes:
        return b"" if self._settings.extended is None else bytes([self._settings.extended])

    def _flow(self, link: Link) -> FlowControl:
        settings = self._settings
        sent = settings.flow_control and settings.format_frames
        if settings.flow_mode == 0:
            if sent and settings.extended is None:
                return AUTOMATIC
            return FlowControl(sent=sent, data=self._lead() + b"\x30\x00\x00")
        header = resolve_header(settings.flow_header, settings.priority, link) if settings.flow_mode == 1 else None
        return FlowControl(sent=sent, header=header, data=settings.flow_data)

    def _collect(self, at_s: float, request: Request, link: Link, frames: list[Frame]) -> tuple[list[Line], float]:
        settings = self._settings
        wait_s = request.timeout_s if request.timeout_s is not None else settings.tail_s()
        taken: list[Frame] = []
        deadline_s = at_s + wait_s
        for frame in frames:
            if frame.at_s > deadline_s:
                break
            taken.append(frame)
            waits = self._profile.waits_for_pending and _is_pending(frame, link)
            deadline_s = frame.at_s + (PENDING_WAIT_S if waits else wait_s)
        if taken:
            slowest = settings.slowest_s.get(settings.protocol, 0.0)
            settings.slowest_s[settings.protocol] = max(slowest, taken[0].at_s - at_s)
        lines: list[Line] = list(printed(taken, link, settings, shows_padding=self._profile.shows_padding))
        if request.count and self._profile.count_digit == "lines" and len(lines) >= request.count:
            return lines[: request.count], lines[request.count - 1][0]
        return lines, deadline_s


def _is_pending(frame: Frame, link: Link) -> bool:
    data = frame.data[1:4] if link.is_can else frame.data[3:-1]
    return len(data) >= 3 and data[0] == 0x7F and data[2] == 0x78


__all__ = ["Exchange", "Kind", "Request", "is_request", "parse"]
