"""The name of a visit is compared with the one in its record, so it is kept whole. SQLite never minded its length."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        for table in ("alerts", "odometer_entries"):
            op.alter_column(table, "snapshot_id", type_=sa.String())
