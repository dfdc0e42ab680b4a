"""Tables of what is asked of the boxes: commands with their answers, and facts about cars on their way down."""

from sqlalchemy import Column, ForeignKey, Index, Integer, String, Table, Text

from backoffice.tables import DEVICE, OPAQUE_ID, Instant, metadata

commands = Table(
    "commands",
    metadata,
    Column("id", OPAQUE_ID, primary_key=True),
    Column("device", DEVICE, nullable=False),
    Column("kind", String(32), nullable=False),
    # What a closed command told of a car is taken out again.
    Column("params", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("created_by", String(80), nullable=False),
    Column("expires_at", Instant, nullable=False),
    # "waiting", or how it ended: `sync.command.Status`.
    Column("state", String(16), nullable=False),
    Column("answer", Text, nullable=False, server_default=""),
    Column("closed_at", Instant),
    Column("sent_at", Instant),
    Column("sends", Integer, nullable=False, server_default="0"),
    Index("commands_by_state", "state", "device"),
    Index("commands_by_device", "device", "created_at"),
)

facts = Table(
    "facts",
    metadata,
    Column("id", OPAQUE_ID, primary_key=True),
    Column("vehicle_id", OPAQUE_ID, ForeignKey("vehicles.id"), nullable=False, index=True),
    Column("fact", Text, nullable=False),
    Column("entered_at", Instant, nullable=False, index=True),
)

facts_sent = Table(
    "facts_sent",
    metadata,
    Column("fact_id", OPAQUE_ID, ForeignKey("facts.id"), primary_key=True),
    Column("device", DEVICE, primary_key=True),
    Column("command_id", OPAQUE_ID, nullable=False, index=True),
)
