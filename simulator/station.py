"""One socket in a simulated bay: the car in it, the adapters on it, and what a hand does to them."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from simulator.adapter import Adapter
from simulator.bus import Bus
from simulator.car import METRES_PER_KM, Car
from simulator.clock import CLOCKS
from simulator.errors import SimulatorError
from simulator.faults import Effect, Fault, FaultPlan, parse_fault
from simulator.journal import Journal
from simulator.library import load
from simulator.pids import whole_km
from simulator.ports import Port
from simulator.profiles import PROFILES
from simulator.pty_port import PtyPort
from simulator.scenario import Scenario, Step
from simulator.settings import Memory
from simulator.tcp_port import TcpPort
from simulator.truth import maker_reads, truth

if TYPE_CHECKING:
    from simulator.radio import Radio

DEFAULT_ECU_MS = 15.0
REPLUG_S = 2.0


class Station:
    """Everything one simulator process shows to the outside."""

    def __init__(
        self,
        scenario: Scenario,
        visit: int,
        *,
        profile: str = "",
        baud: int = 0,
        ecu_ms: float = 0.0,
        search_ms: float | None = None,
        link_ms: float = 0.0,
        seed: int = 0,
        faults: list[str] | None = None,
        car_powers: bool = True,
        clock: str = "real",
    ) -> None:
        self._profile = PROFILES[profile or scenario.adapter.profile]
        self._baud = baud or scenario.adapter.baud or self._profile.baud
        self._search_s = None if search_ms is None else search_ms / 1000
        self._link_s = link_ms / 1000
        self._seed = seed
        self._faults = [*scenario.adapter.faults, *(faults or [])]
        self._car_powers = car_powers
        self._ports: list[Port] = []
        self._plans: dict[int, FaultPlan] = {}
        self._tasks: set[asyncio.Future[Any]] = set()
        self._radio: Radio | None = None
        self.journal = Journal()
        self.scenario = scenario
        self.visit = visit
        self.bus = Bus(None, self.journal, (ecu_ms or scenario.adapter.ecu_ms or DEFAULT_ECU_MS) / 1000)
        self.clock = self.bus.clock = CLOCKS[clock]()
        self.bus.asked = self._asked
        # Carries out an order of the scenario's script; set by whoever understands orders.
        self.obeys: Callable[[str], object] | None = None
        self._steps: list[Step] = []
        self._put_in(scenario, visit)

    @property
    def urls(self) -> list[str]:
        """The adapter URLs, in the order the ports were asked for."""
        return [port.url for port in self._ports]

    def truth(self) -> dict[str, object]:
        """What is true of the car that is, or was last, in the socket."""
        return truth(self.scenario, self.visit)

    def maker_reads(self) -> list[dict[str, object]]:
        """The maker's own distance requests this car answers, and what they say."""
        return maker_reads(self.scenario, self.visit)

    async def add_tcp(self, host: str, port: int) -> None:
        """Listen on one more TCP port (0 picks a free one)."""
        await self._add(TcpPort(host, port, self._maker()))

    async def add_pty(self, path: Path) -> None:
        """Offer one more serial adapter behind a link at ``path``."""
        await self._add(PtyPort(path, self._maker()))

    async def add_rfcomm(self, controller: str) -> None:
        """Offer one more classic Bluetooth adapter, on the virtual air or (``usb:0``) on a real controller."""
        radio = self._radio_or_refuse("--rfcomm")
        from simulator.radio_ports import RfcommPort

        await self._add(RfcommPort(radio, controller, self._maker()))

    async def add_ble(self, controller: str, gatt: str) -> None:
        """Offer one more Bluetooth LE adapter with the serial service ``gatt``."""
        radio = self._radio_or_refuse("--ble")
        from simulator.radio_ports import BlePort

        await self._add(BlePort(radio, controller, gatt, self._maker()))

    async def dongle(self) -> str:
        """Where another program attaches its Bluetooth host to reach the virtual air; empty without Bluetooth."""
        return await self._radio.offer_dongles() if self._radio is not None else ""

    async def close(self) -> None:
        """Take everything away."""
        self.clock.forget()
        for task in self._tasks:
            task.cancel()
        for port in self._ports:
            await port.power_off()
        if self._radio is not None:
            await self._radio.close()

    async def unplug(self) -> None:
        """The car is gone; an adapter that lived on its battery goes with it."""
        self.bus.car = None
        if self._car_powers:
            for port in self._ports:
                await port.power_off()

    async def plug(self, name: str = "", visit: int = 0) -> None:
        """Plug the same car again, or another scenario's."""
        scenario = load(name) if name else self.scenario
        number = visit or (len(scenario.visits) if name else self.visit)
        if not 1 <= number <= len(scenario.visits):
            raise SimulatorError(f"plug: {scenario.name} has visits 1 to {len(scenario.visits)}")
        self._put_in(scenario, number)
        for port in self._ports:
            await port.power_on()

    def drop(self) -> None:
        """Cut the links; car and adapters stay."""
        for port in self._ports:
            port.cut()

    def car_now(self) -> Car | None:
        """The car in the socket with the time until now behind it; None while the socket is empty."""
        if self.bus.car is not None:
            self.bus.car.advance(self.clock.now_s())
        return self.bus.car

    def wait(self, seconds: float) -> None:
        """Let simulated time pass at once."""
        self.car_now()
        self.clock.skip(seconds)
        self.car_now()

    def drive(self, distance_m: float, speed_kmh: float) -> None:
        """Cover a distance at one speed, its time passing at once; SimulatorError when there is no car."""
        car = self.car_now()
        if car is None:
            raise SimulatorError("drive: no car is plugged in")
        car.start()
        before_kmh = car.speed_kmh
        car.keep_speed(speed_kmh)
        self.wait(distance_m * 3.6 / speed_kmh)
        car.keep_speed(before_kmh)

    def dash_km(self) -> int:
        """What the dashboard shows now: what it showed on arrival, and what was driven since."""
        visit = self.scenario.visits[self.visit - 1]
        car = self.car_now()
        driven_m = car.shown_m - visit.odometer_m if car is not None else 0.0
        return visit.dash_km + whole_km(visit.odometer_m % METRES_PER_KM + driven_m)

    def set_faults(self, texts: list[str]) -> None:
        """Strike with other faults from now on; SimulatorError when one is unknown."""
        faults = [parse_fault(text) for text in texts]
        self._faults = texts
        for plan in self._plans.values():
            plan.faults = [replace(fault) for fault in faults]

    def _put_in(self, scenario: Scenario, visit: int) -> None:
        self.scenario, self.visit = scenario, visit
        self.bus.car = scenario.car(visit)
        self.bus.car.advance(self.clock.now_s())
        self._plan(scenario.visits[visit - 1].steps)

    def _plan(self, steps: Iterable[Step]) -> None:
        self.clock.forget()
        self._steps = [step for step in steps if step.after_requests is not None]
        self._arrived_after = self.journal.requests
        for step in steps:
            if step.after_s is not None:
                self.clock.plan(self.clock.now_s() + step.after_s, partial(self._follow, step))

    def _asked(self, requests: int) -> None:
        while self._steps and requests - self._arrived_after >= (self._steps[0].after_requests or 0):
            self._follow(self._steps.pop(0))

    def _follow(self, step: Step) -> None:
        outcome = self.obeys(step.order) if self.obeys is not None else None
        if isinstance(outcome, Awaitable):
            self._keep(asyncio.ensure_future(outcome))

    def _keep(self, task: "asyncio.Future[Any]") -> None:
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _radio_or_refuse(self, option: str) -> "Radio":
        """The Bluetooth side of this process; its library is an extra and is loaded only here."""
        if self._radio is None:
            try:
                from simulator.radio import Radio
            except ImportError:
                raise SimulatorError(f"{option} needs the library bumble: pip install bumble") from None
            self._radio = Radio()
        return self._radio

    async def _add(self, port: Port) -> None:
        await port.power_on()
        self._ports.append(port)

    def _maker(self) -> "AdapterMaker":
        return AdapterMaker(self, len(self._ports))

    def make_adapter(self, memory: Memory, place: int) -> Adapter:
        """A freshly powered adapter for port number ``place``; its memory and its faults outlive a power cut."""
        if place not in self._plans:
            self._plans[place] = FaultPlan(self._fault_list(), random.Random(f"{self._seed}/{place}").getrandbits(64))
        return Adapter(
            self._profile,
            self.bus,
            baud=self._baud,
            faults=self._plans[place],
            memory=memory,
            search_s=self._search_s,
            link_s=self._link_s,
            lost=self._lost,
        )

    def _fault_list(self) -> list[Fault]:
        return [parse_fault(text) for text in self._faults]

    def _lost(self, effect: Effect) -> None:
        if effect is Effect.DROP:
            self.drop()
            return
        self._keep(asyncio.get_running_loop().create_task(self._pull_and_replug()))

    async def _pull_and_replug(self) -> None:
        await self.unplug()
        if not self._car_powers:
            self.drop()
        await asyncio.sleep(REPLUG_S)
        await self.plug()


class AdapterMaker:
    """Makes the adapter of one port each time it gets power, with the memory and the faults it had before."""

    def __init__(self, station: Station, place: int) -> None:
        self._station = station
        self._place = place
        self._memory = Memory()

    def __call__(self) -> Adapter:
        """The adapter, freshly powered."""
        return self._station.make_adapter(self._memory, self._place)
