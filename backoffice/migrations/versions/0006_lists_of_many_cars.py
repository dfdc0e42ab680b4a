"""Lists of a hundred thousand cars from an index alone: their rows hold whole pages each."""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(
        "vehicles_by_sight", "vehicles", ["last_seen_at", "id", "merged_into", "vin", "plate_key", "stock_key"]
    )
    op.create_index("vehicles_by_review", "vehicles", ["reviewed_at", "stock_state", "merged_into", "id"])
    op.create_index("alerts_open", "alerts", ["closed_at", "opened_at", "snoozed_until", "vehicle_id"])
