"""The order of visits that came without a sequence: by their clocks, as far as those can be believed."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from evidence.history import Visit, in_utc
from evidence.snapshot import ClockQuality

# a year before which no car of today was read: a clock that was never set stands at its epoch
OLDEST_YEAR = 2005
AHEAD = timedelta(days=2)


def by_time(visits: Sequence[Visit], now: datetime | None = None) -> tuple[Visit, ...]:
    """Visits oldest first, whatever order they came in.

    One whose clock was never set, or runs ahead of ``now``, cannot be placed by it: it stays behind the visit it came
    after. Visits of the same moment stand in the order of their ids.
    """
    groups: list[list[Visit]] = [[]]
    for visit in visits:
        if _believed(visit, now):
            groups.append([visit])
        else:
            groups[-1].append(visit)
    first, dated = groups[0], groups[1:]
    dated.sort(key=lambda group: _moment(group[0]))
    return (*first, *(visit for group in dated for visit in group))


def _believed(visit: Visit, now: datetime | None) -> bool:
    if visit.at is None or in_utc(visit.at).year < OLDEST_YEAR:
        return False
    unset = "clock" in visit.snapshot.model_fields_set and visit.snapshot.clock is ClockQuality.NONE
    return not unset and (now is None or in_utc(visit.at) <= in_utc(now) + AHEAD)


def _moment(visit: Visit) -> tuple[datetime, str]:
    assert visit.at is not None  # noqa: S101 - only believed visits are asked
    return in_utc(visit.at), visit.snapshot.id
