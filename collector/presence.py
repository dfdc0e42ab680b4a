"""Whether the car that was read is still the one at the plug, found out with the least that has to be asked.

The adapter's own voltmeter answers nearly always, and the bus stays silent. The car is asked for its VIN, once, when
the voltage steps (an engine that starts or stops, or another car), seldom where the adapter cannot measure, and a few
times in the first minutes where nobody knows yet whether what it measures is the car at all.
"""

from collections.abc import Callable

from collector.car import PRESENT_V, Car
from collector.errors import CarSilentError
from collector.standard import read_vins
from protocols.readings import CarReading

VOLTAGE_STEP_V = 0.4  # between two looks; a resting battery and one under charge differ by more than 1 V
STEP_PAUSE_S = 10.0  # lamps and fans make a running engine's voltage step again and again
UNSURE_FIRST_S = 15.0
UNSURE_MAX_S = 240.0  # a car that stands for hours is asked ever more seldom
DOUBTED_ASKS = 4  # 15, 45, 105 and 225 s after a scan, while the voltage was never seen to come or to go with a car


class Presence:
    """Watches one car after its scan. ``fell_silent`` tells whether ``lasts`` ended because nobody answered."""

    def __init__(self, car: Car, read: CarReading | None, now_s: Callable[[], float]) -> None:
        self.fell_silent = False
        self._car = car
        self._now_s = now_s
        self._doubted = False
        self._not_before_s = now_s()
        self._pause_s = UNSURE_FIRST_S
        self._next_s = now_s() + UNSURE_FIRST_S
        self._asks_left = DOUBTED_ASKS
        self.was_read(read)

    def was_read(self, read: CarReading | None) -> None:
        """Take the VINs and the voltage of a scan that was just finished; None when it was not."""
        self._vins = frozenset(ecu.vin for ecu in read.ecus if ecu.vin) if read else frozenset()
        self._volts = read.battery_v if read else None

    @property
    def volts(self) -> float | None:
        """The supply at the last look."""
        return self._volts

    async def lasts(self) -> bool:
        """True while it is still that car, as far as one look can tell."""
        try:
            return await self._lasts()
        except CarSilentError:  # it was pulled while it was being asked
            return False

    async def _lasts(self) -> bool:
        volts = await self._car.supply_v()
        before, self._volts = self._volts, volts
        if volts is None:
            return self._car.silent or self._now_s() < self._next_s or await self._answers()
        self._doubted |= before is not None and abs(volts - before) >= VOLTAGE_STEP_V
        self._doubted |= self._supply_may_be_its_own()
        if volts < PRESENT_V or not self._doubted or self._now_s() < self._not_before_s:
            return volts >= PRESENT_V
        self._doubted, self._not_before_s = False, self._now_s() + STEP_PAUSE_S
        return not await self._is_another()

    def _supply_may_be_its_own(self) -> bool:
        """Whether it is time to look at the car behind a voltage that was never seen to fall, or to come, with one.

        An adapter with a supply of its own may measure that: cars change behind it and the voltage stays. A battery at
        its floor is left alone.
        """
        if self._car.supply_falls or not self._asks_left or self._now_s() < self._next_s:
            return False
        self._asks_left -= 1
        self._grow_pause()
        return not self._car.resting

    def _grow_pause(self) -> None:
        self._pause_s = min(2 * self._pause_s, UNSURE_MAX_S)
        self._next_s = self._now_s() + self._pause_s

    async def _is_another(self) -> bool:
        """Whether units tell VINs of which none was read, and the same once more: one garbled answer proves nothing."""
        now = await self._vins_now() if self._vins else frozenset()
        return bool(now) and not self._vins & now and now == await self._vins_now()

    async def _answers(self) -> bool:
        """Ask the car itself whether it is there and who it is; the next time after a longer pause."""
        self._grow_pause()
        now = await self._vins_now() if self._vins else frozenset()
        if now:
            return bool(self._vins & now) or now != await self._vins_now()
        self.fell_silent = not await self._car.speaks()
        return not self.fell_silent

    async def _vins_now(self) -> frozenset[str]:
        return frozenset((await read_vins(self._car)).values())
