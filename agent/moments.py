"""Wall time as a person reads it, from a clock's stamp."""

from datetime import UTC, datetime

from sync.clock import Stamp


def wall_time(stamp: Stamp) -> datetime:
    """The stamp's wall time, UTC."""
    return datetime.fromtimestamp(stamp.t / 1000, UTC)
