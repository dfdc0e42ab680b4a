"""What is asked of the boxes: a queue of commands, and facts about cars that go down to where the car was read."""

import json
from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "commands",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("device", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("params", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("created_by", sa.String(length=80), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("answer", sa.Text(), nullable=False, server_default=""),
        sa.Column("closed_at", sa.BigInteger(), nullable=True),
        sa.Column("sent_at", sa.BigInteger(), nullable=True),
        sa.Column("sends", sa.Integer(), nullable=False, server_default="0"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("commands_by_state", "commands", ["state", "device"])
    op.create_index("commands_by_device", "commands", ["device", "created_at"])
    op.create_table(
        "facts",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("vehicle_id", sa.String(length=64), nullable=False),
        sa.Column("fact", sa.Text(), nullable=False),
        sa.Column("entered_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["vehicle_id"], ["vehicles.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(op.f("ix_facts_vehicle_id"), "facts", ["vehicle_id"])
    op.create_index(op.f("ix_facts_entered_at"), "facts", ["entered_at"])
    op.create_table(
        "facts_sent",
        sa.Column("fact_id", sa.String(length=64), nullable=False),
        sa.Column("device", sa.String(length=64), nullable=False),
        sa.Column("command_id", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["fact_id"], ["facts.id"]),
        sa.PrimaryKeyConstraint("fact_id", "device"),
    )
    op.create_index(op.f("ix_facts_sent_command_id"), "facts_sent", ["command_id"])
    _services_so_far()


def _services_so_far() -> None:
    """Services that were recorded before facts went down are facts too."""
    known = ("id", "vehicle_id", "done_at", "odometer_m", "items_json", "engine_run_s", "hev_m", "recorded_at")
    orders = sa.table("workorders", *(sa.column(name) for name in known))
    facts = sa.table("facts", *(sa.column(name) for name in ("id", "vehicle_id", "fact", "entered_at")))
    rows = [
        {"id": row.id, "vehicle_id": row.vehicle_id, "fact": _fact(row), "entered_at": row.recorded_at}
        for row in op.get_bind().execute(sa.select(orders))
    ]
    if rows:
        op.bulk_insert(facts, rows)


def _fact(row: sa.Row[tuple[object, ...]]) -> str:
    return json.dumps(
        {
            "kind": "service",
            "id": row.id,
            "done_at": datetime.fromtimestamp(row.done_at / 1000, UTC).isoformat(),
            "odometer_m": row.odometer_m,
            "items": json.loads(row.items_json),
            "engine_run_s": row.engine_run_s,
            "hev_m": row.hev_m,
        }
    )
