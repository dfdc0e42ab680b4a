"""One visit to one car as the office knows it: the snapshot with everything that was learned about it later."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from backoffice.chronology import Dated, wall_time
from evidence.history import in_utc
from evidence.snapshot import ClockQuality, Snapshot
from sync.records import MileageBody, StatementBody


@dataclass(frozen=True, slots=True)
class Answer:
    """What a person said about a visit after its snapshot had gone."""

    dated: Dated
    body: MileageBody


@dataclass(frozen=True, slots=True)
class Statement:
    """What the seller said to a finding of the visit."""

    dated: Dated
    body: StatementBody


@dataclass(frozen=True, slots=True)
class VisitFact:
    """One visit as known now: ``snapshot`` with the answers filled in. ``joined`` are visits that are this one."""

    snapshot: Snapshot
    dated: Dated
    dash_m: int | None
    papers_m: int | None
    answers: tuple[Answer, ...] = ()
    statements: tuple[Statement, ...] = ()
    joined: tuple["VisitFact", ...] = ()

    @property
    def at(self) -> datetime:
        """When the car was plugged in, to the best of all clocks."""
        taken, clock = self.snapshot.taken_at, self.snapshot.clock
        record = self.dated.stored.record
        if taken is None or (clock is not record.tq and clock is not ClockQuality.NTP):
            return self.dated.at
        # the same clock stamped both: what is known to be wrong with one is wrong with the other
        wrong_by = self.dated.at - wall_time(record.t, self.dated.at) if clock is record.tq else timedelta()
        try:
            return in_utc(taken) + wrong_by
        except OverflowError:
            return self.dated.at

    @property
    def awaiting_dash(self) -> bool:
        return self.dash_m is None
