"""What an owner and people decide: how a car is used, an alert put off with a reason, meters at a service."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("alerts", sa.Column("snoozed_until", sa.BigInteger()))
    op.add_column("alerts", sa.Column("snoozed_by", sa.String(length=80), nullable=False, server_default=""))
    op.add_column("alerts", sa.Column("snooze_reason", sa.Text(), nullable=False, server_default=""))
    op.add_column("vehicles", sa.Column("use_severity", sa.String(length=16), nullable=False, server_default=""))
    op.add_column("vehicles", sa.Column("use_confirmed_by", sa.String(length=80), nullable=False, server_default=""))
    op.add_column("vehicles", sa.Column("oil", sa.String(length=32), nullable=False, server_default=""))
    op.add_column("workorders", sa.Column("engine_run_s", sa.BigInteger()))
    op.add_column("workorders", sa.Column("hev_m", sa.BigInteger()))
    op.create_index("alerts_by_subject", "alerts", ["vehicle_id", "rule", "subject"])
