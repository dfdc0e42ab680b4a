"""What arrived last is found by an index where rows have no order of their own."""

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    if op.get_bind().dialect.name != "sqlite":
        op.create_index("records_latest", "records", ["received_at"])
