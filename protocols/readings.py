"""What one visit to a car yields, before anybody judges it: values with their ECU, raw bytes and status.

Everything here is a frozen value; units are in the names.
"""

from dataclasses import dataclass, field
from enum import StrEnum


class ItemStatus(StrEnum):
    """How asking for one item ended. "No codes" and "could not be asked" are never the same."""

    READ = "read"
    UNSUPPORTED = "unsupported"
    REFUSED = "refused"
    TIMEOUT = "timeout"
    CORRUPT = "corrupt"
    NOT_ASKED = "not_asked"


class Trust(StrEnum):
    """Where an odometer value comes from, strongest first within its kind."""

    STANDARD = "standard"
    CONFIRMED = "confirmed"
    HINT = "hint"
    TYPED = "typed"
    PHOTO = "photo"
    PAPER = "paper"
    UPSTREAM = "upstream"


class DtcClass(StrEnum):
    """Which list a trouble code stands in (services 03, 07, 0A)."""

    STORED = "stored"
    PENDING = "pending"
    PERMANENT = "permanent"


class Monitor(StrEnum):
    """State of one readiness monitor (SAE J1979, PID 01)."""

    COMPLETE = "complete"
    INCOMPLETE = "incomplete"
    UNSUPPORTED = "unsupported"


@dataclass(frozen=True, slots=True)
class Reading:
    """One decoded signal; ``request`` is the hex asked (``010C``), ``ecu`` the answering address (``7E8``)."""

    request: str
    signal: str
    value: float | int | str | bool
    unit: str
    ecu: str
    raw: bytes = b""


@dataclass(frozen=True, slots=True)
class Item:
    """One thing we meant to ask, and how that ended; ``detail`` holds the NRC, the ECU or the reason."""

    item: str
    status: ItemStatus
    detail: str = ""


@dataclass(frozen=True, slots=True)
class EcuIdentity:
    """One control unit: ``address`` is its answer id (``7E8``, ``18DAF110``, ``10``)."""

    address: str
    name: str = ""
    vin: str = ""
    calibration_ids: tuple[str, ...] = ()
    cvns: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class OdometerWitness:
    """One odometer answer. ``source`` is ``01A6`` or the profile row's id; ``odometer_m`` is None unless read."""

    source: str
    ecu: str
    odometer_m: int | None
    raw: str
    status: ItemStatus
    trust: Trust


@dataclass(frozen=True, slots=True)
class TroubleCode:
    """A diagnostic trouble code as one ECU reports it in one list."""

    code: str
    dtc_class: DtcClass
    ecu: str


@dataclass(frozen=True, slots=True)
class Counter:
    """A counter of one ECU; ``name`` carries the unit (``distance_since_clear_m``). None unless read."""

    name: str
    ecu: str
    value: int | None
    status: ItemStatus
    saturated: bool = False


@dataclass(frozen=True, slots=True)
class FreezeFrame:
    """Service 02: the values one ECU froze when it stored ``code``."""

    ecu: str
    frame: int
    code: str
    readings: tuple[Reading, ...] = ()


@dataclass(frozen=True, slots=True)
class AdapterIdentity:
    """What the adapter says and, more to the point, what it was seen able to do."""

    url: str
    reported: str = ""
    chip: str = ""
    capabilities: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Timing:
    """Cost of one visit; ``requests`` counts lines sent, AT included."""

    total_s: float = 0.0
    requests: int = 0
    bytes_sent: int = 0
    bytes_received: int = 0


@dataclass(frozen=True, slots=True)
class CarReading:
    """Everything one visit read, with the status of every item. ``mil`` is None when it could not be read."""

    adapter: AdapterIdentity
    protocol: str = ""
    vin: str = ""
    vin_status: ItemStatus = ItemStatus.NOT_ASKED
    fuel: str = ""
    ecus: tuple[EcuIdentity, ...] = ()
    odometer: tuple[OdometerWitness, ...] = ()
    dtcs: tuple[TroubleCode, ...] = ()
    announced_dtc_count: int | None = None
    mil: bool | None = None
    readiness: dict[str, Monitor] = field(default_factory=dict)
    freeze_frames: tuple[FreezeFrame, ...] = ()
    counters: tuple[Counter, ...] = ()
    live: tuple[Reading, ...] = ()
    battery_v: float | None = None
    items: tuple[Item, ...] = ()
    timing: Timing = Timing()
