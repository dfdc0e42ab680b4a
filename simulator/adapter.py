"""An ELM327 or STN adapter as a state machine without I/O: bytes in, bytes and moments out.

``receive`` takes what arrived at a moment, ``due`` hands out what has left by a moment, ``next_s`` says when to look
again. Time is whatever the caller counts in seconds, so a test can use a clock of its own.
"""

from collections import deque
from collections.abc import Callable, Sequence

from simulator.at_commands import Act, find
from simulator.bus import Bus
from simulator.faults import Chunk, Effect, FaultPlan, Reply
from simulator.profiles import Profile
from simulator.requests import Exchange, is_request
from simulator.settings import Memory, Settings

COMMAND_S = 0.001
BITS_PER_BYTE = 10
LINE_LIMIT = 256
OUTBOX_LIMIT = 4096
FOR_EVER_S = 1e12
# A host that sends faster than the serial line fills the module's input buffer; what is beyond is lost.
INPUT_BUFFER_S = 2.0

ADAPTER_SUPPLY_V = 0.2
# An adapter that lives on the car resets below this; the fault of a sag stays above it.
BROWN_OUT_V = 6.0
SAG_V = 8.2
SAG_S = 3.0


class Adapter:
    """One adapter in one socket. ``lost`` is called with what a fault does to the link (drop, unplug)."""

    def __init__(
        self,
        profile: Profile,
        bus: Bus,
        *,
        baud: int = 0,
        faults: FaultPlan | None = None,
        memory: Memory | None = None,
        search_s: float | None = None,
        link_s: float = 0.0,
        lost: Callable[[Effect], None] | None = None,
    ) -> None:
        self.profile = profile
        self.bus = bus
        self.memory = memory or Memory()
        self.settings = self._defaults()
        self.faults = faults or FaultPlan()
        self._byte_s = BITS_PER_BYTE / (baud or profile.baud)
        self._search_s = search_s
        self._link_s = link_s
        self._lost = lost or (lambda effect: None)
        self._outbox: deque[tuple[float, bytes]] = deque()
        self._effects: deque[tuple[float, Effect]] = deque()
        self._line = bytearray()
        self._previous = b""
        self._received_s = 0.0
        self._sent_s = 0.0
        self._deaf_until_s = 0.0
        self._busy_until_s = 0.0
        self._hung = False
        self._late = b""
        self._ran_s = 0.0
        self._asked_s = 0.0

    def receive(self, now_s: float, data: bytes) -> None:
        """Take bytes that the host sent by ``now_s``; link and serial line delay and space them out."""
        now_s += self._link_s
        if self.profile.knows_only == "nothing":
            return
        if self._takes_whole(now_s, data):
            return
        line, byte_s = self._line, self._byte_s
        plain_from_s = self._plain_from_s()
        for value in data:
            at_s = self._received_s
            if at_s - now_s > INPUT_BUFFER_S:
                return
            self._received_s = at_s = (now_s if now_s > at_s else at_s) + byte_s
            # One more character of a line that nobody interrupts or wants echoed.
            if value > 0x20 and at_s >= plain_from_s and len(line) <= LINE_LIMIT:
                line.append(value)
            else:
                self._take(at_s, value)
                line, plain_from_s = self._line, self._plain_from_s()

    def _takes_whole(self, now_s: float, data: bytes) -> bool:
        """The usual case without a detour: a whole line of letters and digits that nobody interrupts."""
        begins_s = max(now_s, self._received_s)
        text = data[:-1]
        if self._line or data[-1:] != b"\r" or not text.isalnum() or len(text) > LINE_LIMIT:
            return False
        if begins_s - now_s > 0 or begins_s + self._byte_s < self._plain_from_s():
            return False
        self._received_s = begins_s + len(data) * self._byte_s
        self._run(self._received_s, text)
        return True

    def _plain_from_s(self) -> float:
        """From when on a character only lengthens the line."""
        if self.settings.echo or self._hung:
            return FOR_EVER_S
        return max(self._deaf_until_s, self._busy_until_s)

    def due(self, now_s: float) -> bytes:
        """All bytes that have left the adapter by ``now_s``; also carries out the faults due by then."""
        ready = bytearray()
        while self._outbox and self._outbox[0][0] <= now_s:
            ready += self._outbox.popleft()[1]
        while self._effects and self._effects[0][0] <= now_s:
            self._lost(self._effects.popleft()[1])
        return bytes(ready)

    @property
    def next_s(self) -> float | None:
        """When something leaves next, or None while nothing waits."""
        if not self._effects:
            return self._outbox[0][0] if self._outbox else None
        effect_s = self._effects[0][0]
        return min(self._outbox[0][0], effect_s) if self._outbox else effect_s

    @property
    def heard_s(self) -> float:
        """When the host had sent the last byte that reached this adapter."""
        return self._received_s - self._link_s

    def host_left(self) -> None:
        """The host closed the link: half a line and unread bytes are gone, the settings stay."""
        self._line.clear()
        self._outbox.clear()
        self._effects.clear()
        self._busy_until_s = 0.0
        self._hung = False

    def supply_v(self) -> float:
        """What AT RV measures."""
        return self.bus.car.supply_v if self.bus.car is not None else ADAPTER_SUPPLY_V

    def ignition_on(self) -> bool:
        """What AT IGN reads."""
        return self.bus.car is not None and self.bus.car.ignition_on

    def idle_s(self) -> float:
        """How long ago the last request went out."""
        return self._ran_s - self._asked_s

    def harmful(self, what: str) -> None:
        """Note a command that no reader may send."""
        self.bus.journal.harmful(what)

    def header_changed(self, what: str) -> None:
        """Note a header change, which must not happen while the car moves."""
        if self.bus.car is not None and self.bus.car.moving:
            self.harmful(f"{what} while moving")

    def _defaults(self) -> Settings:
        settings = Settings()
        settings.use(self.memory.protocol, automatic=self.memory.automatic)
        return settings

    def _take(self, at_s: float, value: int) -> None:
        if at_s < self._deaf_until_s or self._hung:
            return
        if at_s < self._busy_until_s:
            self._interrupt(at_s)
            return
        if self.settings.echo and value != 0:
            self._echo(at_s, value)
        if value == 0x0D:
            line, self._line = bytes(self._line), bytearray()
            self._run(at_s, line)
        elif value not in (0x00, 0x0A) and len(self._line) <= LINE_LIMIT:
            self._line.append(value)

    def _echo(self, at_s: float, value: int) -> None:
        echoed = self.faults.echo(bytes([value]))
        self._send(Chunk(at_s, b"\r\n" if value == 0x0D and self.settings.linefeeds else echoed))

    def _interrupt(self, at_s: float) -> None:
        """A byte while busy stops the work at hand and is itself lost (data sheet)."""
        self._outbox = deque(waiting for waiting in self._outbox if waiting[0] <= at_s + self._link_s)
        self._effects.clear()
        self._sent_s = at_s
        self._busy_until_s = 0.0
        self._answer_text(at_s + COMMAND_S, "STOPPED")

    def _run(self, at_s: float, line: bytes) -> None:
        text = _plain(line)
        if not text:
            text = _plain(self._previous)
        else:
            self._previous = line
        at_s += COMMAND_S
        self._ran_s = at_s
        if self._browned_out(at_s):
            self.settings = self._defaults()
            self._answer_text(at_s, "LV RESET")
        elif self.profile.knows_only:
            self._run_unknowing(at_s, text)
        elif text.startswith(("AT", "ST")):
            self._run_command(at_s, text)
        elif is_request(text, self.settings):
            self._run_request(at_s, text)
        else:
            self._answer_text(at_s, "?")

    def _browned_out(self, at_s: float) -> bool:
        car = self.bus.car
        if car is None:
            return False
        car.advance(at_s)
        return car.supply_v < BROWN_OUT_V

    def _run_unknowing(self, at_s: float, text: str) -> None:
        if self.profile.knows_only == "modem":
            known = text in ("ATZ", "ATE0", "ATE1", "AT")
            if text != "AT" and known:
                self.settings.echo = text != "ATE0"
            self._send(Chunk(at_s, b"\r\nOK\r\n" if known else b"\r\nERROR\r\n"))
        else:
            self._answer_text(at_s, "?")

    def _run_command(self, at_s: float, text: str) -> None:
        if text.startswith("STPX") and self.profile.stn:
            self._run_request(at_s, text)
            return
        found = find(text, self.profile)
        if found and found[0].name in self.profile.never_answers:
            self._send(Chunk(at_s, self._newline()))
            return
        result = found[0].run(self, found[1]) if found else None
        if isinstance(result, Act):
            self._act(at_s, result)
        else:
            self._answer_text(at_s, result or "?")

    def _act(self, at_s: float, act: Act) -> None:
        if act is Act.MONITOR:
            self._busy_until_s = FOR_EVER_S
            return
        self.settings = self._defaults()
        if act is Act.DEFAULTS:
            self._answer_text(at_s, "OK")
            return
        done_s = at_s + (self.profile.reset_s if act is Act.RESET else 0.05)
        self._deaf_until_s = done_s
        banner = self.profile.noise_at_reset + b"\r\r" + self.profile.banner.encode("ascii") + self._end()
        self._reply([Chunk(done_s, banner)], from_bus=False)

    def _run_request(self, at_s: float, text: str) -> None:
        if text.startswith("01") and 0 < self.profile.hangs_over_pids < len(text) // 2 - 1:
            self._busy_until_s = FOR_EVER_S
            return
        exchange = Exchange(self.bus, self.settings, self.memory, self.profile, self._search_s)
        lines, done_s = exchange.run(at_s, text)
        newline = self._newline()
        chunks = [
            Chunk(moment, line if isinstance(line, bytes) else line.encode("ascii") + newline) for moment, line in lines
        ]
        ends = (newline if self.profile.blank_line_after_data else b"") + b">"
        self._asked_s = at_s
        chunks.append(Chunk(self._prompt_s(chunks, done_s), ends))
        self._reply(chunks, from_bus=True)

    def _prompt_s(self, chunks: list[Chunk], done_s: float) -> float:
        """The adapter waits for more only after it has printed what it has."""
        if not chunks:
            return done_s
        printed_s = self._sent_s
        for chunk in chunks:
            printed_s = max(chunk.at_s, printed_s) + len(chunk.data) * self._byte_s
        return max(printed_s + done_s - chunks[-1].at_s, done_s)

    def _reply(self, chunks: Sequence[Chunk], *, from_bus: bool) -> None:
        effect = Effect.NONE
        if self.faults.faults or self._late:
            chunks, effect = self._struck(Reply(tuple(chunks)), from_bus=from_bus)
        for chunk in chunks:
            self._send(chunk)
        if effect is not Effect.NONE:
            self._carry_out(effect)
        if from_bus:
            self._busy_until_s = self._sent_s

    def _struck(self, reply: Reply, *, from_bus: bool) -> tuple[Sequence[Chunk], Effect]:
        """What faults make of an answer, and the one that came too late before it."""
        reply = self.faults.apply(reply, from_bus=from_bus)
        if from_bus and self._late:
            reply = Reply((Chunk(reply.starts_s, self._late), *reply.chunks), reply.effect)
            self._late = b""
        if reply.effect is Effect.LATE:
            self._late = b"".join(chunk.data for chunk in reply.chunks).replace(b">", b"").rstrip(b"\r\n") + b"\r"
            reply = reply.saying("NO DATA")
        return reply.chunks, reply.effect

    def _carry_out(self, effect: Effect) -> None:
        if effect is Effect.HANG:
            self._hung = True
        elif effect is Effect.RESET:
            self.settings = self._defaults()
        elif effect is Effect.SAG and self.bus.car is not None:
            self.bus.car.sag(SAG_V, SAG_S)
        elif effect in (Effect.DROP, Effect.UNPLUG):
            self._effects.append((self._sent_s, effect))

    def _answer_text(self, at_s: float, text: str) -> None:
        self._reply([Chunk(at_s, text.encode("ascii") + self._end())], from_bus=False)

    def _newline(self) -> bytes:
        return b"\r\n" if self.settings.linefeeds else b"\r"

    def _end(self) -> bytes:
        return self._newline() * (2 if self.profile.blank_line else 1) + b">"

    def _send(self, chunk: Chunk) -> None:
        """Queue bytes behind those already leaving, at the pace of the serial line."""
        self._sent_s = max(chunk.at_s, self._sent_s) + len(chunk.data) * self._byte_s
        if len(self._outbox) < OUTBOX_LIMIT:
            self._outbox.append((self._sent_s + self._link_s, chunk.data))


_NO_CHARACTERS = bytes(range(0x21))


def _plain(line: bytes) -> str:
    """A line as the adapter reads it: spaces and control characters do not count, case neither."""
    return bytes(line).translate(None, _NO_CHARACTERS).decode("latin-1").upper()
