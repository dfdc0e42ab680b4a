"""Tables of the record store. ``records`` is the truth; the others are drawn from it and may be drawn again.

Instants are integer milliseconds since 1970 UTC: no database loses their time zone and they compare as numbers.
"""

from datetime import UTC, datetime
from hashlib import blake2b
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
    literal_column,
)
from sqlalchemy.sql import operators
from sqlalchemy.sql.operators import OperatorType
from sqlalchemy.types import TypeEngine


class Instant(TypeDecorator[datetime]):
    """An aware datetime kept as milliseconds."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        return None if value is None else round(value.timestamp() * 1000)

    def process_result_value(self, value: Any | None, dialect: Dialect) -> datetime | None:
        return None if value is None else datetime.fromtimestamp(value / 1000, UTC)


class Short(TypeDecorator[str]):
    """A text of so many characters at most; a longer one is cut, with a mark of the whole, so that two stay two.

    What a car or a box says may be of any length; some databases refuse it, or an index of it.
    """

    impl = String
    cache_ok = True

    def __init__(self, length: int) -> None:
        super().__init__(length)
        self.length = length

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        if value is None or len(value) <= self.length:
            return value
        mark = blake2b(value.encode(errors="replace"), digest_size=4).hexdigest()
        return (value[: max(0, self.length - len(mark))] + mark)[: self.length]

    def coerce_compared_value(self, op: OperatorType | None, value: Any) -> TypeEngine[Any]:
        return self if op in (operators.eq, operators.ne, operators.in_op) else String()  # a pattern stays whole


metadata = MetaData()

DEVICE = Short(64)
STREAM = Short(64)
OPAQUE_ID = Short(64)
SNAPSHOT_ID = Short(200)
WHOLE_SNAPSHOT_ID = String()
ENTRY_ID = Short(260)

records = Table(
    "records",
    metadata,
    Column("device", DEVICE, primary_key=True),
    Column("stream", STREAM, primary_key=True),
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("received_at", Instant, nullable=False),
    Column("kind", Short(16), nullable=False),
    Column("boot", Short(64), nullable=False),
    Column("vehicle_id", OPAQUE_ID),
    Column("snapshot_id", SNAPSHOT_ID),
    Column("projected", Boolean, nullable=False),
    Column("record", Text, nullable=False),
)

# A database uses an index of some records only for a statement that names their condition word for word.
OF_A_CAR = records.c.vehicle_id.is_not(None)
WAITING = records.c.projected.is_(False)
OF_A_CLOCK = records.c.kind == literal_column("'clock'")


def _some(name: str, where: ColumnElement[bool], *columns: Column[Any]) -> None:
    """An index that raw readings, the most by far, stay out of."""
    Index(name, *columns, sqlite_where=where, postgresql_where=where)


_some("records_by_car", OF_A_CAR, records.c.vehicle_id)
_some("records_by_boot", OF_A_CAR, records.c.device, records.c.boot, records.c.vehicle_id)
_some("records_waiting", WAITING, records.c.device, records.c.stream, records.c.seq)
_some("records_clocks", OF_A_CLOCK, records.c.device, records.c.boot)
# SQLite numbers its rows in the order of their arrival
Index("records_latest", records.c.received_at, info={"only": "postgresql"})

streams = Table(
    "streams",
    metadata,
    Column("device", DEVICE, primary_key=True),
    Column("stream", STREAM, primary_key=True),
    # Every seq below this one is stored, refused, given up by a tombstone or noted as a hole.
    Column("checked_below", BigInteger, nullable=False),
    Column("last_received_at", Instant, nullable=False),
)

gaps = Table(
    "gaps",
    metadata,
    Column("device", DEVICE, primary_key=True),
    Column("stream", STREAM, primary_key=True),
    Column("first_seq", BigInteger, primary_key=True, autoincrement=False),
    Column("last_seq", BigInteger, primary_key=True, autoincrement=False),
    Column("cause", Short(16), primary_key=True),
    Column("reason", Text, nullable=False),
    Column("found_at", Instant, nullable=False),
)

vehicles = Table(
    "vehicles",
    metadata,
    Column("id", OPAQUE_ID, primary_key=True),
    Column("merged_into", OPAQUE_ID),
    Column("vin", Short(17), nullable=False, index=True),
    Column("plate_key", Short(20), nullable=False, index=True),
    Column("stock_key", Short(40), nullable=False, index=True),
    Column("stock_state", Short(16), nullable=False),
    Column("market", Short(2), nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("last_seen_at", Instant),
    Column("reviewed_at", Instant),
    # VehicleSummary and VehicleDetail as last judged; alerts and stock state are added when they are read.
    Column("summary", Text, nullable=False),
    Column("detail", Text, nullable=False),
    # How the car is used and which oil it has, as a person confirmed; empty while nobody did.
    Column("use_severity", Short(16), nullable=False, server_default=""),
    Column("use_confirmed_by", Short(80), nullable=False, server_default=""),
    Column("oil", Short(32), nullable=False, server_default=""),
    # a row holds a whole page of a car: lists and rounds are found in these alone
    Index("vehicles_by_sight", "last_seen_at", "id", "merged_into", "vin", "plate_key", "stock_key"),
    Index("vehicles_by_review", "reviewed_at", "stock_state", "merged_into", "id"),
)

identities = Table(
    "identities",
    metadata,
    Column("kind", Short(8), primary_key=True),
    Column("value", Short(200), primary_key=True),
    Column("vehicle_id", OPAQUE_ID, ForeignKey("vehicles.id"), nullable=False, index=True),
)

plates = Table(
    "plates",
    metadata,
    Column("vehicle_id", OPAQUE_ID, ForeignKey("vehicles.id"), primary_key=True),
    Column("plate_key", Short(20), primary_key=True, index=True),
    Column("plate", Short(40), nullable=False),
    Column("first_seen_at", Instant, nullable=False),
    Column("last_seen_at", Instant, nullable=False),
)

odometer_entries = Table(
    "odometer_entries",
    metadata,
    Column("vehicle_id", OPAQUE_ID, ForeignKey("vehicles.id"), primary_key=True),
    Column("position", Integer, primary_key=True, autoincrement=False),
    Column("snapshot_id", WHOLE_SNAPSHOT_ID, nullable=False),
    Column("at", Instant),
    Column("source", Short(64), nullable=False),
    Column("ecu", Short(16), nullable=False),
    Column("odometer_m", BigInteger, nullable=False),
    Column("raw", Text, nullable=False),
    Column("trust", Short(16), nullable=False),
    Column("quarantined", Text, nullable=False),
    Column("entry_id", ENTRY_ID, nullable=False, server_default=""),
    # What a person said when withdrawing the value; the value itself stays as it came.
    Column("voided", Text, nullable=False, server_default=""),
    Column("voided_by", Short(80), nullable=False, server_default=""),
    Column("voided_at", Instant),
    # What a replaced cluster or another unit of the dashboard adds to ``odometer_m``.
    Column("offset_m", BigInteger, nullable=False, server_default="0"),
)

codes = Table(
    "codes",
    metadata,
    Column("vehicle_id", OPAQUE_ID, ForeignKey("vehicles.id"), primary_key=True),
    Column("code", Short(16), primary_key=True),
    Column("dtc_class", Short(16), primary_key=True),
    Column("ecu", Short(16), primary_key=True),
    Column("first_seen_at", Instant),
    Column("last_seen_at", Instant),
    Column("present", Boolean, nullable=False),
)

workorders = Table(
    "workorders",
    metadata,
    Column("id", OPAQUE_ID, primary_key=True),
    Column("vehicle_id", OPAQUE_ID, ForeignKey("vehicles.id"), nullable=False, index=True),
    Column("done_at", Instant, nullable=False),
    Column("odometer_m", BigInteger),
    Column("items_json", Text, nullable=False),
    Column("operator", Short(80), nullable=False),
    Column("note", Text, nullable=False),
    Column("recorded_at", Instant, nullable=False),
    Column("engine_run_s", BigInteger),
    Column("hev_m", BigInteger),
)

stock_changes = Table(
    "stock_changes",
    metadata,
    Column("id", OPAQUE_ID, primary_key=True),
    Column("vehicle_id", OPAQUE_ID, ForeignKey("vehicles.id"), nullable=False, index=True),
    Column("state", Short(16), nullable=False),
    Column("by", Short(80), nullable=False),
    Column("at", Instant, nullable=False),
    Column("from_state", Short(16), nullable=False, server_default=""),
    Column("note", Text, nullable=False, server_default=""),
)

# What people decided about a car's records. Only ever added to: taking a decision back is a decision of its own.
decisions = Table(
    "decisions",
    metadata,
    Column("id", OPAQUE_ID, primary_key=True),
    Column("vehicle_id", OPAQUE_ID, ForeignKey("vehicles.id"), nullable=False, index=True),
    Column("kind", Short(16), nullable=False),
    # What it is about: an entry of the ledger, a visit, a car, or the decision that it takes back.
    Column("subject", ENTRY_ID, nullable=False, index=True),
    Column("body", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("by", Short(80), nullable=False),
    Column("at", Instant, nullable=False),
)

alerts = Table(
    "alerts",
    metadata,
    Column("id", OPAQUE_ID, primary_key=True),
    Column("vehicle_id", OPAQUE_ID, ForeignKey("vehicles.id"), nullable=False, index=True),
    Column("rule", Short(64), nullable=False),
    Column("subject", Short(200), nullable=False),
    Column("severity", Short(8), nullable=False),
    Column("text_en", Text, nullable=False),
    Column("text_zh", Text, nullable=False),
    Column("evidence", Text, nullable=False),
    # The visit that last showed it: a replay of the same visit is not another occurrence.
    Column("snapshot_id", WHOLE_SNAPSHOT_ID, nullable=False),
    Column("opened_at", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
    Column("occurrences", Integer, nullable=False),
    Column("acknowledged_at", Instant),
    Column("acknowledged_by", Short(80), nullable=False),
    Column("closed_at", Instant, index=True),
    # Put off until then: not shown as open and told once more afterwards, if it still stands.
    Column("snoozed_until", Instant),
    Column("snoozed_by", Short(80), nullable=False, server_default=""),
    Column("snooze_reason", Text, nullable=False, server_default=""),
    Index("alerts_by_subject", "vehicle_id", "rule", "subject"),
    Index("alerts_open", "closed_at", "opened_at", "snoozed_until", "vehicle_id"),
)

notifications = Table(
    "notifications",
    metadata,
    Column("id", OPAQUE_ID, primary_key=True),
    Column("alert_id", OPAQUE_ID, ForeignKey("alerts.id"), nullable=False),
    Column("severity", Short(8), nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("not_before", Instant, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("last_error", Text, nullable=False),
    Column("sent_at", Instant, index=True),
    UniqueConstraint("alert_id", "severity", name="one_notification_a_severity"),
)

deliveries = Table(
    "deliveries",
    metadata,
    Column("notification_id", OPAQUE_ID, ForeignKey("notifications.id"), primary_key=True),
    Column("channel", Short(64), primary_key=True),
    Column("delivered_at", Instant, nullable=False),
)
