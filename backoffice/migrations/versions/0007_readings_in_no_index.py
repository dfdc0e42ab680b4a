"""Indexes of records hold only the records that are looked for by them: raw readings, the most by far, are in none."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for name in ("ix_records_vehicle_id", "records_by_boot", "records_unprojected"):
        op.drop_index(name, "records")
    projected, kind = sa.column("projected", sa.Boolean()), sa.column("kind", sa.String())
    owned, waiting, clock = sa.column("vehicle_id").is_not(None), projected.is_(False), kind == "clock"
    _create("records_by_car", ["vehicle_id"], owned)
    _create("records_by_boot", ["device", "boot", "vehicle_id"], owned)
    _create("records_waiting", ["device", "stream", "seq"], waiting)
    _create("records_clocks", ["device", "boot"], clock)


def _create(name: str, columns: list[str], where: sa.ColumnElement[bool]) -> None:
    op.create_index(name, "records", columns, sqlite_where=where, postgresql_where=where)
