"""What the back office shows: the shapes its API returns and its pages render."""

from datetime import date, datetime
from typing import Annotated, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, computed_field
from pydantic_core import PydanticCustomError

from evidence.snapshot import CheckPart, Finding, Result, Severity, Snapshot, Text
from sync.command_facts import StockState as StockState

FIRST_YEAR, LAST_YEAR = 1900, 2199
OfDay = TypeVar("OfDay", date, datetime)


def _of_cars(when: OfDay) -> OfDay:
    """Refuse years in which no car told anything; at the calendar's ends even a time zone overflows."""
    if not FIRST_YEAR <= when.year <= LAST_YEAR:
        raise PydanticCustomError("date_out_of_range", "not a year of cars")
    return when


Moment = Annotated[datetime, AfterValidator(_of_cars)]
Day = Annotated[date, AfterValidator(_of_cars)]


class View(BaseModel):
    model_config = ConfigDict(frozen=True, populate_by_name=True)


class CodeView(View):
    code: str
    dtc_class: str = Field(alias="class")
    ecu: str
    text: Text = Text()


class OdometerView(View):
    """The current value: the best trusted one, never the maximum."""

    odometer_m: int | None = None
    source: str = ""
    trust: str = ""
    at: datetime | None = None


class VehicleSummary(View):
    id: str
    vin: str = ""
    plate: str = ""
    stock_number: str = ""
    make: str = ""
    model: str = ""
    model_year: int | None = None
    stock_state: StockState = StockState.ARRIVED
    current_odometer_m: int | None = None
    verdict: Result = Result.NOT_DETERMINABLE
    worst_severity: Severity | None = None
    awaiting_dash: bool = False
    open_alerts: int = 0
    last_seen_at: datetime | None = None


class DueView(View):
    """One service item: negative remains mean overdue (COVESA VSS Service.DistanceToService semantics)."""

    item: str
    state: str
    remaining_m: int | None = None
    remaining_days: int | None = None
    text: Text = Text()
    remaining_hours: int | None = None
    forecast_from: date | None = None
    forecast_until: date | None = None
    source: str = ""
    is_default: bool = False
    """Whether the plan fits any car because no better one is known."""


class EpisodeView(View):
    """What became of one trouble code; ``state`` as in the catalogue's section ``episode``."""

    code: str
    ecu: str = ""
    state: str
    severity: str
    number: int = 1
    opened_at: datetime | None = None
    changed_at: datetime | None = None
    last_seen_at: datetime | None = None
    repaired_at: datetime | None = None
    monitor: str = ""
    text: Text = Text()


class UseView(View):
    """How the car is used: ``severity`` and ``oil`` as somebody confirmed, ``signs`` what its counters suggest."""

    severity: str = ""
    oil: str = ""
    confirmed_by: str = ""
    signs: tuple[Text, ...] = ()


class CodeChangeView(View):
    """What became of a code since the visit before: ``fate`` as in the catalogue's section ``fate``."""

    fate: str
    code: str
    ecu: str = ""
    text: Text = Text()


class UnitChangeView(View):
    """A control unit that says another thing of itself; ``what`` is ``vin``, ``calibration_ids`` or ``cvns``."""

    ecu: str
    what: str
    before: tuple[str, ...]
    now: tuple[str, ...]


class ChangesView(View):
    """The latest visit against the one before, at ``since``. ``codes`` is null where either list was not read."""

    since: datetime | None = None
    codes: tuple[CodeChangeView, ...] | None = None
    units: tuple[UnitChangeView, ...] = ()
    battery_v_a_month: float | None = None


class StatementView(View):
    """What the seller said to a finding, as ``operator`` wrote it down."""

    rule: str
    text: str
    operator: str = ""
    at: datetime | None = None


class VehicleDetail(VehicleSummary):
    fuel: str = ""
    odometer: OdometerView = OdometerView()
    mil: bool | None = None
    battery_v: float | None = None
    dtcs: tuple[CodeView, ...] = ()
    distance_since_clear_m: int | None = None
    warmups_since_clear: int | None = None
    checks: tuple[CheckPart, ...] = ()
    findings: tuple[Finding, ...] = ()
    due: tuple[DueView, ...] = ()
    episodes: tuple[EpisodeView, ...] = ()
    use: UseView = UseView()
    changes: ChangesView | None = None
    """Null while the car was read only once."""
    statements: tuple[StatementView, ...] = ()
    same_stock_number: tuple[str, ...] = ()
    """Other cars in stock that go by the same number: one of them was mistyped, or has two files."""
    snapshot_id: str = ""
    latest_snapshot: Snapshot | None = None
    latest_odometer_m: int | None = None
    """What the latest visit said by itself, believed or not; ``current_odometer_m`` is what is believed."""


class TimelineEvent(View):
    """One line of a car's history; ``odometer_m`` feeds the mileage chart when present."""

    id: str
    at: datetime | None
    clock: str = "none"
    kind: str
    title: Text
    detail: Text = Text()
    odometer_m: int | None = None
    source: str = ""
    trust: str = ""
    quarantined: str = ""
    device: str = ""
    snapshot_id: str = ""
    shown_m: int | None = None
    """What the witness showed, where a replaced cluster or the dashboard's unit makes ``odometer_m`` another."""
    entry_id: str = ""
    voided: str = ""
    """Why somebody withdrew the value; it stays and counts for nothing."""
    voided_by: str = ""
    voided_at: datetime | None = None


class DecisionView(View):
    """Something that a person decided about a car's file. ``standing`` is False once it was taken back."""

    id: str
    kind: str
    subject: str
    text: Text
    reason: str
    person: str
    at: datetime
    standing: bool = True
    other: str = ""
    """The other car, where one is concerned."""


class AlertView(View):
    """One thing somebody must see; one alert an episode, updated rather than repeated."""

    id: str
    vehicle_id: str
    rule: str
    severity: Severity
    text: Text
    stock_number: str = ""
    vin_tail: str = ""
    opened_at: datetime
    updated_at: datetime
    occurrences: int = 1
    acknowledged_at: datetime | None = None
    acknowledged_by: str = ""
    closed_at: datetime | None = None
    snoozed_until: datetime | None = None
    snoozed_by: str = ""
    snooze_reason: str = ""


class RecordView(View):
    """One raw record as it arrived; ``record`` is its JSON."""

    device: str
    stream: str
    seq: int
    kind: str
    received_at: datetime
    vehicle_id: str = ""
    snapshot_id: str = ""
    record: dict[str, object]

    @computed_field  # type: ignore[prop-decorator]
    @property
    def id(self) -> str:
        """Its name in addresses: device, stream and seq."""
        return f"{self.device}.{self.stream}.{self.seq}"


class RecordFilter(View):
    """Which records to list, newest received first; what is empty does not filter."""

    vehicle_id: str = ""
    device: str = ""
    kind: str = ""
    received_from: Moment | None = None
    received_until: Moment | None = None
    limit: int = Field(100, ge=1, le=1000)
    offset: int = Field(0, ge=0)


class WorkOrder(View):
    """A service that was done: it moves the due dates of its items on. ``vehicle_id`` or ``vin`` says whose."""

    model_config = ConfigDict(extra="forbid")  # a misspelt ``odometer_m`` would move the due distance unseen

    vehicle_id: str = ""
    vin: str = ""
    done_at: Moment
    odometer_m: int | None = Field(None, ge=0, le=9_999_999_000)
    engine_run_s: int | None = Field(None, ge=0, le=1_000_000_000)
    hev_m: int | None = Field(None, ge=0, le=9_999_999_000)
    items: tuple[str, ...] = Field(("oil_and_filter",), min_length=1, max_length=40)
    operator: str = Field(min_length=1, max_length=80)
    note: str = Field("", max_length=2000)


class Notification(View):
    """A new or worsened alert that people outside the pages have yet to hear of.

    ``delivered`` names the channels that already took it: a retry leaves those out.
    """

    id: str
    alert: AlertView
    attempts: int = 0
    delivered: tuple[str, ...] = ()
