"""A simulated adapter as a Transport with a clock of its own: nothing waits, and what the wire costs is counted."""

import asyncio
from dataclasses import dataclass, field
from functools import cache

from collector.depth import Depth
from collector.events import ScanProgress, VinSeen
from collector.memory import Memory
from collector.scan import scan_once
from collector.transport import Transport
from config.profiles import load_profiles
from config.settings import AdapterSettings
from protocols.readings import CarReading
from simulator.adapter import Adapter
from simulator.bus import Bus
from simulator.car import Car
from simulator.faults import FaultPlan, parse_fault
from simulator.journal import Journal
from simulator.library import load
from simulator.profiles import PROFILES

FOR_EVER_S = 3600.0
WAITS = AdapterSettings(reply_timeout_s=0.2, search_timeout_s=0.4)
profiles = cache(load_profiles)
loaded = cache(load)


@dataclass
class Line:
    """One command and everything that came before the next one; ``took_s`` by the adapter's clock."""

    sent: bytes
    received: bytes = b""
    took_s: float = 0.0


@dataclass
class Socket:
    """One adapter in one car's socket; each ``open`` is a new link to the same chip."""

    scenario: str = "clean"
    profile: str = "elm-2.2"
    faults: tuple[str, ...] = ()
    baud: int = 0
    link_s: float = 0.0
    powered: bool = True
    now_s: float = 100.0
    lines: list[Line] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.journal = Journal()
        self.bus = Bus(car_of(self.scenario), self.journal)
        faults = FaultPlan([parse_fault(text) for text in self.faults], 1)
        self.chip = Adapter(
            PROFILES[self.profile], self.bus, baud=self.baud, faults=faults, search_s=0.2, link_s=self.link_s
        )

    def plug(self, scenario: str) -> None:
        """Another car, with nothing in between."""
        self.bus.car = car_of(scenario)

    async def open(self, url: str, *, connect_timeout_s: float) -> Transport:
        """An ``Opener``."""
        self.chip.host_left()
        self.lines = []
        return VirtualLink(url, self)

    async def scan(self, memory: Memory | None = None, depth: Depth = Depth.QUICK) -> CarReading:
        """One intake by way of this adapter."""
        reading, _ = await scan_once(
            "tcp:virtual:1", WAITS, profiles(), depth=depth, tell=_heard, memory=memory, opener=self.open
        )
        return reading


class VirtualLink:
    """Hands bytes over and jumps to the moment the answer leaves; an adapter that says nothing is waited for."""

    def __init__(self, url: str, socket: Socket) -> None:
        self.url = url
        self._socket = socket

    async def write(self, data: bytes) -> None:
        self._socket.lines.append(Line(data))
        self._socket.chip.receive(self._socket.now_s, data)

    async def read(self) -> bytes:
        socket = self._socket
        began_s = socket.now_s
        moment = socket.chip.next_s
        if moment is None:
            await asyncio.sleep(FOR_EVER_S)
        socket.now_s = max(began_s, moment or 0.0)
        data = socket.chip.due(socket.now_s)
        if socket.lines:
            socket.lines[-1].received += data
            socket.lines[-1].took_s += socket.now_s - began_s
        return data

    async def close(self) -> None:
        self._socket.chip.host_left()


def car_of(scenario: str) -> Car:
    found = loaded(scenario)
    return found.car(len(found.visits))


async def _heard(event: ScanProgress | VinSeen) -> None:
    pass
