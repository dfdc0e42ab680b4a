"""Trouble-code episodes: what becomes of one code of one control unit over a car's visits.

An episode begins when a code is first seen and ends when the car has proved that the fault is gone. A code that merely
is not listed any more proves nothing: its monitor must have run since.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, tzinfo
from enum import StrEnum

from config.severity_rules import SeverityRule, Urgency, urgency_of
from evidence.codes import codes_were_read
from evidence.findings import finding
from evidence.history import History, Visit, in_utc
from evidence.monitors import cleared_between, monitor_of, ran_since_clear
from evidence.snapshot import DtcPart, Finding, Severity, Snapshot
from protocols.readings import DtcClass


class EpisodeState(StrEnum):
    """Where an episode stands after the last visit whose codes could be read."""

    NEW = "new"
    PENDING = "pending"
    CONFIRMED = "confirmed"
    PERMANENT = "permanent"
    RETURNED = "returned"
    CLEARED = "cleared_not_repaired"
    GONE = "gone_unproven"
    HEALED = "healed"


ABSENT = frozenset({EpisodeState.CLEARED, EpisodeState.GONE, EpisodeState.HEALED})
RULE = "codes.episode"


@dataclass(frozen=True, slots=True)
class CodeEpisode:
    """``number`` counts the episodes of this code on this unit. ``monitor`` must run again before it is healed.

    ``repaired_at`` is the work recorded after the code was last seen: a claim, not yet a proof.
    """

    code: str
    ecu: str
    number: int
    state: EpisodeState
    opened_at: datetime | None
    changed_at: datetime | None
    last_seen_at: datetime | None
    visits_seen: int
    monitor: str
    evidence: tuple[str, ...] = ()
    repaired_at: datetime | None = None

    @property
    def open(self) -> bool:
        return self.state is not EpisodeState.HEALED


_Key = tuple[str, str]


def episodes_of(history: History, zone: tzinfo = UTC) -> tuple[CodeEpisode, ...]:
    """All episodes of a car, the oldest first; ended ones stay with their last state.

    Work is known by its day in ``zone``: one recorded on the day a code was last seen came after it.
    """
    running: dict[_Key, CodeEpisode] = {}
    ended: list[CodeEpisode] = []
    before: Snapshot | None = None
    work = tuple(sorted(in_utc(service.done_at).astimezone(zone) for service in history.services))
    for visit in history.visits:
        if not codes_were_read(visit.snapshot):
            continue
        listed = _listed(visit.snapshot.dtcs)
        for key in dict.fromkeys((*running, *listed)):
            known = running.get(key)
            if known is not None and not known.open and key in listed:
                ended.append(known)  # healed and back: another episode
            running[key] = _after(known, key, visit, listed.get(key, ()), before, work)
        before = visit.snapshot
    return tuple(sorted((*ended, *running.values()), key=_order))


def urgency(episode: CodeEpisode, rules: Iterable[SeverityRule], make: str = "") -> Urgency:
    """How urgent an episode is; a pending code is the car's own suspicion and only to be known."""
    by_rule = urgency_of(rules, episode.code, make)
    suspected = episode.state is EpisodeState.PENDING and by_rule is not Urgency.IGNORE
    return Urgency.NOTE if suspected else by_rule


def episode_findings(
    episodes: Iterable[CodeEpisode], rules: Sequence[SeverityRule], make: str = "", zone: tzinfo = UTC
) -> tuple[Finding, ...]:
    """One finding an open episode, with the words of its state and days as they were in ``zone``.

    None for codes that the rules ignore.
    """
    urgent = ((episode, urgency(episode, rules, make)) for episode in episodes if episode.open)
    return tuple(_finding(episode, Severity(how), zone) for episode, how in urgent if how is not Urgency.IGNORE)


def _finding(episode: CodeEpisode, severity: Severity, zone: tzinfo) -> Finding:
    params: dict[str, str | int | float] = {
        "code": episode.code,
        "ecu": episode.ecu or "-",
        "state": str(episode.state),
        "episode": episode.number,
        "monitor": f"@office.monitor_{episode.monitor}",
        "since_date": _day(episode.opened_at, zone),
        "repaired_date": _day(episode.repaired_at, zone),
    }
    repaired = episode.repaired_at is not None and episode.state in ABSENT
    variant = "text_repaired" if repaired else f"text_{episode.state}"
    return finding(RULE, severity, params, evidence=episode.evidence, variant=variant)


def _day(at: datetime | None, zone: tzinfo) -> str:
    return at.astimezone(zone).date().isoformat() if at else "@value.unknown"


def _listed(dtcs: Iterable[DtcPart]) -> dict[_Key, tuple[DtcPart, ...]]:
    listed: dict[_Key, tuple[DtcPart, ...]] = {}
    for part in dtcs:
        key = (part.code, part.ecu)
        listed[key] = (*listed.get(key, ()), part)
    return listed


def _after(
    known: CodeEpisode | None,
    key: _Key,
    visit: Visit,
    parts: Sequence[DtcPart],
    before: Snapshot | None,
    work: Iterable[datetime],
) -> CodeEpisode:
    """The episode after one more visit."""
    at = in_utc(visit.at) if visit.at else None
    if not parts:
        assert known is not None  # noqa: S101 - a key is either listed or known
        return _unseen(known, visit.snapshot, before, at, work)
    place = [f"{visit.snapshot.id}/dtcs/{visit.snapshot.dtcs.index(part)}" for part in parts]
    fresh = known is None or not known.open
    state = _seen(known, {part.dtc_class for part in parts})
    if known is None or fresh:
        number = known.number + 1 if known else 1
        return CodeEpisode(*key, number, state, at, at, at, 1, monitor_of(key[0]), tuple(place))
    return replace(
        known,
        state=state,
        changed_at=known.changed_at if state is known.state else at,
        last_seen_at=at,
        visits_seen=known.visits_seen + 1,
        evidence=tuple(place),
        repaired_at=None,
    )


def _seen(known: CodeEpisode | None, classes: set[DtcClass]) -> EpisodeState:
    """State of a code that is listed, by the lists it stands in."""
    if classes == {DtcClass.PERMANENT}:
        return EpisodeState.PERMANENT
    if known is not None and known.state in (*ABSENT, EpisodeState.RETURNED):
        return EpisodeState.RETURNED
    if DtcClass.STORED not in classes:
        return EpisodeState.PENDING
    return EpisodeState.NEW if known is None else EpisodeState.CONFIRMED


def _unseen(
    known: CodeEpisode, now: Snapshot, before: Snapshot | None, at: datetime | None, work: Iterable[datetime]
) -> CodeEpisode:
    """State of a code that is listed no more."""
    if not known.open:
        return known
    cleared = cleared_between(before, now, known.ecu) if before is not None else None
    if known.state in (EpisodeState.CLEARED, EpisodeState.GONE):
        # how it went was settled at the visit that first missed it
        cleared = True if known.state is EpisodeState.CLEARED else cleared
    state = _gone_as(cleared=cleared, proven=ran_since_clear(now, known.monitor))
    repaired = known.repaired_at or _repair_after(known, at, work)
    return replace(
        known, state=state, changed_at=known.changed_at if state is known.state else at, repaired_at=repaired
    )


def _gone_as(*, cleared: bool | None, proven: bool) -> EpisodeState:
    """A car that was not cleared forgot the code by itself; one that was must have looked again."""
    if cleared is False or proven:
        return EpisodeState.HEALED
    return EpisodeState.CLEARED if cleared else EpisodeState.GONE


def _repair_after(known: CodeEpisode, at: datetime | None, work: Iterable[datetime]) -> datetime | None:
    """When work was last recorded since the code's last sight, in UTC; ``work`` is in the zone of its days."""
    seen_at = known.last_seen_at
    if seen_at is None:
        return None
    fitting = (
        in_utc(when)
        for when in work
        if when.date() >= seen_at.astimezone(when.tzinfo).date() and (at is None or when <= at)
    )
    return max(fitting, default=None)


def _order(episode: CodeEpisode) -> tuple[float, str, str, int]:
    opened = episode.opened_at.timestamp() if episode.opened_at else 0.0
    return opened, episode.code, episode.ecu, episode.number
