"""The contract ``forecourt.snapshot/1``: one visit to one car as JSON.

Every field may be missing when a snapshot comes from elsewhere; what is missing is "not known", never zero.
"""

from datetime import datetime
from enum import StrEnum
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from protocols.readings import DtcClass, ItemStatus, Monitor, Trust


class ClockQuality(StrEnum):
    """How far the wall clock can be believed."""

    NONE = "none"
    RTC = "rtc"
    NTP = "ntp"


class Severity(StrEnum):
    """What a person should do about a finding: not drive, act soon, or know."""

    STOP = "stop"
    SOON = "soon"
    NOTE = "note"


class Result(StrEnum):
    """Outcome of a check and of the whole verdict. Only a car's own contradiction is ``impossible``."""

    CONSISTENT = "consistent"
    SUSPICIOUS = "suspicious"
    IMPOSSIBLE = "impossible"
    NOT_DETERMINABLE = "not_determinable"


class Purpose(StrEnum):
    """Why the car was plugged in."""

    INTAKE = "intake"
    RE_READ = "re_read"
    DELIVERY = "delivery"


class VinStatus(StrEnum):
    """Where the VIN comes from."""

    READ = "read"
    TYPED = "typed"
    CONFLICTING = "conflicting"
    MISSING = "missing"


class CheckDigit(StrEnum):
    """VIN position 9 (ISO 3779 leaves it free in Europe: there a wrong one is only a hint)."""

    VALID = "valid"
    INVALID = "invalid"
    NOT_CHECKED = "not_checked"


class Part(BaseModel):
    """Base of all contract models: frozen, unknown keys of newer versions ignored."""

    # built when first used: a process that starts needs few of these, and building all takes 40 ms
    model_config = ConfigDict(frozen=True, extra="ignore", populate_by_name=True, defer_build=True)


class Text(Part):
    """One sentence in both languages."""

    en: str = ""
    zh: str = ""


class AdapterPart(Part):
    url: str = ""
    reported: str = ""
    chip: str = ""
    capabilities: tuple[str, ...] = ()


class LinkPart(Part):
    protocol: str = ""


class VehiclePart(Part):
    """Identity of the car; ``fuel`` is SAE J1979 PID 51's meaning (``petrol``, ``diesel``, ``electric`` ...)."""

    vin: str = ""
    vin_status: VinStatus = VinStatus.MISSING
    vin_check_digit: CheckDigit = CheckDigit.NOT_CHECKED
    make: str = ""
    model: str = ""
    model_source: Literal["", "learned", "picked"] = ""
    model_year: int | None = None
    fuel: str = ""
    plate: str = ""
    stock_number: str = ""


class EcuPart(Part):
    address: str
    name: str = ""
    vin: str = ""
    calibration_ids: tuple[str, ...] = ()
    cvns: tuple[str, ...] = ()


class OdometerPart(Part):
    """One witness; ``source`` is ``01A6``, a profile row's id, ``dash`` or ``papers``."""

    source: str
    ecu: str = ""
    odometer_m: int | None = None
    raw: str = ""
    status: ItemStatus = ItemStatus.READ
    trust: Trust = Trust.HINT


class DtcPart(Part):
    code: str
    dtc_class: DtcClass = Field(alias="class")
    ecu: str = ""
    text: Text = Text()


class FrozenValue(Part):
    signal: str
    value: float | int | str | bool
    unit: str = ""


class FreezeFramePart(Part):
    ecu: str = ""
    frame: int = 0
    code: str = ""
    values: tuple[FrozenValue, ...] = ()


class CounterPart(Part):
    """One ECU's value of a counter; ``saturated`` means "at least this much"."""

    ecu: str = ""
    value: int | None = None
    status: ItemStatus = ItemStatus.READ
    saturated: bool = False


class CountersPart(Part):
    """Counters by name; a list because each ECU keeps its own."""

    distance_with_mil_m: tuple[CounterPart, ...] = ()
    warmups_since_clear: tuple[CounterPart, ...] = ()
    distance_since_clear_m: tuple[CounterPart, ...] = ()
    time_with_mil_s: tuple[CounterPart, ...] = ()
    time_since_clear_s: tuple[CounterPart, ...] = ()
    engine_run_time_s: tuple[CounterPart, ...] = ()
    distance_since_reflash_m: tuple[CounterPart, ...] = ()


class LivePart(Part):
    signal: str
    value: float | int | str | bool
    unit: str = ""
    ecu: str = ""


class ItemPart(Part):
    item: str
    status: ItemStatus
    detail: str = ""


class Finding(Part):
    """One thing a person should know: the rule that says so, on what evidence, with which numbers."""

    rule: str
    severity: Severity
    evidence: tuple[str, ...] = ()
    params: dict[str, str | int | float] = Field(default_factory=dict)
    text: Text = Text()


class CheckPart(Part):
    """One of K1 to K10. ``confidence`` is 0..1; ``assumption`` names what was taken for granted.

    ``sentence`` is the catalogue key of ``text``: with ``params`` a page renders it anew, dates in its own zone.
    """

    check: str
    rule: str
    result: Result
    confidence: float = 0.0
    evidence: tuple[str, ...] = ()
    params: dict[str, str | int | float] = Field(default_factory=dict)
    assumption: str = ""
    sentence: str = ""
    text: Text = Text()


class RoadTestPart(Part):
    """A drive with both distances counted: by the wheels' speed and by the odometer (K9).

    ``odometer_step_m`` is how coarse the odometer counts: 100 for 01 A6, 1000 for most dashboards.
    """

    began_at: datetime | None = None
    ended_at: datetime | None = None
    source: str = "01A6"
    odometer_start_m: int | None = None
    odometer_end_m: int | None = None
    odometer_step_m: int = 100
    speed_distance_m: int | None = None
    counter_start_m: int | None = None
    counter_end_m: int | None = None


class Wear(StrEnum):
    """How worn a part looks to a person."""

    NONE = "none"
    LIGHT = "light"
    HEAVY = "heavy"


class InspectionPart(Part):
    """What a person saw (K10). ``tyre_dots`` are WWYY of each tyre; None and empty are "not looked at"."""

    person: str = ""
    tyre_dots: tuple[str, ...] = ()
    tread_mm: float | None = None
    pedals: Wear | None = None
    steering_wheel: Wear | None = None
    driver_seat: Wear | None = None
    sticker_odometer_m: int | None = None
    sticker_at: datetime | None = None


class TimingPart(Part):
    total_s: float = 0.0
    requests: int = 0
    bytes_sent: int = 0
    bytes_received: int = 0


class Snapshot(Part):
    """One visit: identity, evidence, codes, what could not be read, findings and the provisional verdict.

    ``notice`` names the privacy notice under which the visit was recorded.
    """

    schema_: Literal["forecourt.snapshot/1"] = Field("forecourt.snapshot/1", alias="schema")
    id: str = ""
    taken_at: datetime | None = None
    clock: ClockQuality = ClockQuality.NONE
    bay: str = ""
    operator: str = ""
    purpose: Purpose = Purpose.INTAKE
    notice: str = ""
    adapter: AdapterPart = AdapterPart()
    link: LinkPart = LinkPart()
    vehicle: VehiclePart = VehiclePart()
    ecus: tuple[EcuPart, ...] = ()
    odometer: tuple[OdometerPart, ...] = ()
    dtcs: tuple[DtcPart, ...] = ()
    announced_dtc_count: int | None = None
    mil: bool | None = None
    readiness: dict[str, Monitor] = Field(default_factory=dict)
    freeze_frames: tuple[FreezeFramePart, ...] = ()
    counters: CountersPart = CountersPart()
    live: tuple[LivePart, ...] = ()
    battery_v: float | None = None
    items: tuple[ItemPart, ...] = ()
    road_test: RoadTestPart | None = None
    inspection: InspectionPart | None = None
    checks: tuple[CheckPart, ...] = ()
    findings: tuple[Finding, ...] = ()
    verdict: Result = Result.NOT_DETERMINABLE
    timing: TimingPart = TimingPart()
