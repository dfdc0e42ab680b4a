"""What people decide about a car: values withdrawn, clusters replaced, visits and cars joined; steps of the stock."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "decisions",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("vehicle_id", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("subject", sa.String(length=260), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("by", sa.String(length=80), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["vehicle_id"], ["vehicles.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(op.f("ix_decisions_vehicle_id"), "decisions", ["vehicle_id"], unique=False)
    op.create_index(op.f("ix_decisions_subject"), "decisions", ["subject"], unique=False)
    op.add_column("odometer_entries", sa.Column("entry_id", sa.String(length=260), nullable=False, server_default=""))
    op.add_column("odometer_entries", sa.Column("voided", sa.Text(), nullable=False, server_default=""))
    op.add_column("odometer_entries", sa.Column("voided_by", sa.String(length=80), nullable=False, server_default=""))
    op.add_column("odometer_entries", sa.Column("voided_at", sa.BigInteger()))
    op.add_column("odometer_entries", sa.Column("offset_m", sa.BigInteger(), nullable=False, server_default="0"))
    op.add_column("stock_changes", sa.Column("from_state", sa.String(length=16), nullable=False, server_default=""))
    op.add_column("stock_changes", sa.Column("note", sa.Text(), nullable=False, server_default=""))
