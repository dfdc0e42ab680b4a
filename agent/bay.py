"""One bay as a pure state machine: what happened in, the next state and what to do about it out.

The rule kept here: values of two cars are never mixed. Whatever could be another car gets another intake id, and
what was read before it was complete is dropped.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from functools import singledispatch

from collector.events import (
    AdapterMissing,
    AdapterReady,
    BayEvent,
    CarPlugged,
    CarUnplugged,
    DriveBegan,
    DriveDone,
    ScanDone,
    ScanFailed,
    ScanProgress,
    VinSeen,
)
from evidence.snapshot import Purpose
from protocols.readings import AdapterIdentity, CarReading

VIN_CHANGED = "scan.vin_changed"


class Stage(StrEnum):
    """What the bay's card shows."""

    CONNECTING = "connecting"
    ADAPTER_MISSING = "adapter_missing"
    EMPTY = "empty"
    READING = "reading"
    AWAITING_ANSWERS = "awaiting_answers"
    COMPLETE = "complete"


@dataclass(frozen=True, slots=True)
class PluggedCar:
    """The car at the plug. ``read`` once its scan is complete, ``sent`` once its snapshot is on its way.

    ``changed_from`` is the VIN that answered at this plug before this one, without anything being unplugged.
    ``driving`` while it moves with the adapter plugged in.
    """

    intake_id: str
    plugged_at: datetime
    battery_v: float | None = None
    vin: str = ""
    step: str = ""
    done: int = 0
    total: int = 0
    odometer_m: int | None = None
    codes: tuple[str, ...] | None = None
    purpose: Purpose | None = None
    read: bool = False
    silent: bool = False
    answered: bool = False
    sent: bool = False
    changed_from: str = ""
    driving: bool = False


@dataclass(frozen=True, slots=True)
class BayState:
    """``reason`` is a catalogue key: why the adapter is missing or why the last scan failed."""

    name: str
    stage: Stage = Stage.CONNECTING
    adapter: AdapterIdentity | None = None
    reason: str = ""
    detail: str = ""
    retry_in_s: float = 0.0
    car: PluggedCar | None = None
    changed_from: str = ""


@dataclass(frozen=True, slots=True)
class Answered:
    """How far ``intake_id`` is: ``complete`` when no question is left, ``sent`` when its snapshot is on its way."""

    intake_id: str
    complete: bool
    sent: bool = False


@dataclass(frozen=True, slots=True)
class PurposeKnown:
    """The ledger (or one tap) says why the car of ``intake_id`` is here."""

    intake_id: str
    purpose: Purpose


Happening = BayEvent | Answered | PurposeKnown


@dataclass(frozen=True, slots=True)
class IdentifyCar:
    """Look the VIN up: which purpose, and answers given before an interrupted scan of the same car."""

    intake_id: str
    vin: str


@dataclass(frozen=True, slots=True)
class KeepReading:
    """Store a complete reading and judge it. ``changed_from`` is the VIN that answered before at the same plug."""

    intake_id: str
    reading: CarReading
    silent: bool
    changed_from: str = ""


@dataclass(frozen=True, slots=True)
class DropReading:
    """The scan of ``intake_id`` will never be complete; answers already given stay with it."""

    intake_id: str
    vin: str


@dataclass(frozen=True, slots=True)
class KeepDrive:
    """A drive after the reading of ``intake_id``: judge its car anew with what it showed."""

    intake_id: str
    drive: DriveDone


Effect = IdentifyCar | KeepReading | DropReading | KeepDrive
NewId = Callable[[], str]


@dataclass(frozen=True, slots=True)
class _Moment:
    """When it happened, and where a new intake gets its id from."""

    now: datetime
    new_id: NewId


Step = tuple[BayState, tuple[Effect, ...]]


def advance(state: BayState, happening: Happening, *, now: datetime, new_id: NewId) -> Step:
    """The next state of a bay and the effects its owner must carry out, in order. Pure but for ``new_id``."""
    return _on(happening, state, _Moment(now, new_id))


@singledispatch
def _on(happening: object, state: BayState, moment: _Moment) -> Step:
    raise TypeError(f"no bay knows {type(happening).__name__}")


@_on.register
def _(happening: AdapterMissing, state: BayState, moment: _Moment) -> Step:
    emptied = replace(_emptied(state, Stage.ADAPTER_MISSING), adapter=None)
    return (
        replace(emptied, reason=happening.reason, detail=happening.detail, retry_in_s=happening.retry_in_s),
        _dropped(state),
    )


@_on.register
def _(happening: AdapterReady, state: BayState, moment: _Moment) -> Step:
    return replace(_emptied(state, Stage.EMPTY), adapter=happening.identity, changed_from=""), _dropped(state)


@_on.register
def _(happening: CarPlugged, state: BayState, moment: _Moment) -> Step:
    return _begun(state, moment, battery_v=happening.battery_v), _dropped(state)


@_on.register
def _(happening: VinSeen, state: BayState, moment: _Moment) -> Step:
    begun, effects = _same_car_or_next(state, happening.vin, moment)
    car = _car_of(begun)
    if car.vin == happening.vin:
        return begun, effects
    # a silent car that begins to speak (the key was turned) goes on with the same intake
    identified = replace(begun, stage=Stage.READING, car=replace(car, vin=happening.vin, read=False, silent=False))
    return identified, (*effects, IdentifyCar(car.intake_id, happening.vin))


@_on.register
def _(happening: ScanProgress, state: BayState, moment: _Moment) -> Step:
    if state.car is None or state.car.read:
        return state, ()
    car = replace(state.car, step=happening.step, done=happening.done, total=happening.total)
    car = replace(car, odometer_m=happening.odometer_m, codes=happening.codes)
    return replace(state, car=car), ()


@_on.register
def _(happening: ScanDone, state: BayState, moment: _Moment) -> Step:
    begun, effects = _same_car_or_next(state, happening.reading.vin, moment)
    known = _car_of(begun)
    car = replace(known, vin=happening.reading.vin or known.vin, read=True, silent=happening.silent)
    stage = Stage.COMPLETE if car.answered else Stage.AWAITING_ANSWERS
    kept = KeepReading(car.intake_id, happening.reading, happening.silent, car.changed_from)
    return replace(begun, stage=stage, car=car), (*effects, kept)


@_on.register
def _(happening: ScanFailed, state: BayState, moment: _Moment) -> Step:
    if state.car is None or state.car.read:
        return state, ()
    changed_from = state.car.vin if happening.reason == VIN_CHANGED else ""
    emptied = replace(_emptied(state, Stage.EMPTY), changed_from=changed_from)
    return replace(emptied, reason=happening.reason, detail=happening.detail), _dropped(state)


@_on.register
def _(happening: CarUnplugged, state: BayState, moment: _Moment) -> Step:
    emptied = replace(_emptied(state, Stage.EMPTY), changed_from="")
    # why the scan just failed stays on the card until the next car
    return replace(emptied, reason=state.reason, detail=state.detail), _dropped(state)


@_on.register
def _(happening: DriveBegan, state: BayState, moment: _Moment) -> Step:
    if state.car is None or not state.car.read:
        return state, ()
    return replace(state, car=replace(state.car, driving=True)), ()


@_on.register
def _(happening: DriveDone, state: BayState, moment: _Moment) -> Step:
    if state.car is None or not state.car.driving:
        return state, ()
    kept = (KeepDrive(state.car.intake_id, happening),) if happening.lasted_s else ()
    return replace(state, car=replace(state.car, driving=False)), kept


@_on.register
def _(happening: Answered, state: BayState, moment: _Moment) -> Step:
    if state.car is None or state.car.intake_id != happening.intake_id:
        return state, ()
    stage = state.stage
    if state.car.read:
        stage = Stage.COMPLETE if happening.complete else Stage.AWAITING_ANSWERS
    car = replace(state.car, answered=happening.complete, sent=happening.sent)
    return replace(state, stage=stage, car=car), ()


@_on.register
def _(happening: PurposeKnown, state: BayState, moment: _Moment) -> Step:
    if state.car is None or state.car.intake_id != happening.intake_id:
        return state, ()
    return replace(state, car=replace(state.car, purpose=happening.purpose)), ()


def same_vin_elsewhere(bays: tuple[BayState, ...], bay: str, vin: str) -> BayState | None:
    """Another bay at whose plug the same VIN hangs right now."""
    others = (other for other in bays if other.name != bay and other.car is not None)
    return next((other for other in others if vin and other.car and other.car.vin == vin), None)


def _same_car_or_next(state: BayState, vin: str, moment: _Moment) -> Step:
    """The state in which ``vin`` may be noted: another VIN than the one already seen is another car.

    A car that was read and sent begins a new intake when it is read again.
    """
    car = state.car
    if car is None:
        return _begun(state, moment, battery_v=None), ()
    another = bool(vin and car.vin and vin != car.vin)
    if not another and not car.sent:
        return state, ()
    next_car = _begun(replace(state, changed_from=car.vin if another else ""), moment, battery_v=car.battery_v)
    return next_car, _dropped(state)


def _begun(state: BayState, moment: _Moment, *, battery_v: float | None) -> BayState:
    car = PluggedCar(moment.new_id(), moment.now, battery_v, changed_from=state.changed_from)
    return replace(state, stage=Stage.READING, car=car, reason="", detail="", retry_in_s=0.0, changed_from="")


def _emptied(state: BayState, stage: Stage) -> BayState:
    return replace(state, stage=stage, car=None, reason="", detail="", retry_in_s=0.0)


def _dropped(state: BayState) -> tuple[Effect, ...]:
    if state.car is None or state.car.read:
        return ()
    return (DropReading(state.car.intake_id, state.car.vin),)


def _car_of(state: BayState) -> PluggedCar:
    if state.car is None:
        raise RuntimeError("a car was begun a line above")
    return state.car
