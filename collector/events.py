"""What happens in one bay, in the order a technician would tell it. The collector's only output."""

from dataclasses import dataclass

from protocols.readings import AdapterIdentity, CarReading


@dataclass(frozen=True, slots=True)
class AdapterMissing:
    """No adapter on the bay's address; ``reason`` is a catalogue key (``adapter.refused``, ``adapter.no_prompt``)."""

    reason: str
    detail: str
    retry_in_s: float


@dataclass(frozen=True, slots=True)
class AdapterReady:
    """An adapter answers; whether a car is behind it is not known yet."""

    identity: AdapterIdentity


@dataclass(frozen=True, slots=True)
class CarPlugged:
    """The adapter has supply from a car; reading begins."""

    battery_v: float | None


@dataclass(frozen=True, slots=True)
class VinSeen:
    """The car has said its VIN."""

    vin: str


@dataclass(frozen=True, slots=True)
class ScanProgress:
    """``done`` of ``total`` steps; ``step`` is a catalogue key (``step.odometer``).

    What a person waits for comes along as soon as it is read, and is not judged yet: an odometer, and the codes of all
    lists. None until then, and where it could not be read.
    """

    step: str
    done: int
    total: int
    odometer_m: int | None = None
    codes: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class ScanDone:
    """Everything that could be read was read. ``silent`` when the car answered nothing at all."""

    reading: CarReading
    silent: bool


@dataclass(frozen=True, slots=True)
class ScanFailed:
    """The link broke, or the car was swapped, before the scan was complete; nothing of it may be kept."""

    reason: str
    detail: str


@dataclass(frozen=True, slots=True)
class CarUnplugged:
    """The car is gone; whatever comes next may be another one."""


@dataclass(frozen=True, slots=True)
class DriveBegan:
    """The car moves with the adapter plugged in."""


@dataclass(frozen=True, slots=True)
class DriveDone:
    """That drive is over, ``ended_before_s`` ago: the same way by the odometer, by speed and by counter 31, in metres.

    Without ``lasted_s`` it was too short to say anything. ``source`` is ``dash`` where no odometer could be read live.
    """

    source: str = ""
    odometer_start_m: int | None = None
    odometer_end_m: int | None = None
    speed_distance_m: int | None = None
    counter_start_m: int | None = None
    counter_end_m: int | None = None
    lasted_s: float = 0.0
    ended_before_s: float = 0.0


BayEvent = (
    AdapterMissing
    | AdapterReady
    | CarPlugged
    | VinSeen
    | ScanProgress
    | ScanDone
    | ScanFailed
    | CarUnplugged
    | DriveBegan
    | DriveDone
)
