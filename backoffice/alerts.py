"""Alert episodes: one alert for as long as one thing is wrong with one car, however often it is seen or sent again."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from evidence.snapshot import Finding, Severity

ALERTING = frozenset({Severity.STOP, Severity.SOON})
"""Notes are for the car's own page; nobody is called for them."""

_RANK = {Severity.NOTE: 0, Severity.SOON: 1, Severity.STOP: 2}
SUBJECT_PARAMS = ("code", "item", "subject")
MAX_SUBJECT = 200


@dataclass(frozen=True, slots=True)
class Episode:
    """An alert that is open. ``snapshot_id`` is the visit that last showed it."""

    id: str
    rule: str
    subject: str
    severity: Severity
    snapshot_id: str
    occurrences: int


@dataclass(frozen=True, slots=True)
class Opening:
    finding: Finding
    subject: str


@dataclass(frozen=True, slots=True)
class Update:
    """``worsened`` means people must be told again."""

    episode: Episode
    finding: Finding
    occurrences: int
    worsened: bool


@dataclass(frozen=True, slots=True)
class Changes:
    opened: tuple[Opening, ...] = ()
    updated: tuple[Update, ...] = ()
    closed: tuple[Episode, ...] = ()


def subject_of(finding: Finding) -> str:
    """What within its rule a finding is about (a trouble code, a service item); "" when the rule says it all."""
    for name in SUBJECT_PARAMS:
        if name in finding.params:
            return str(finding.params[name])[:MAX_SUBJECT]
    return ""


def compare(episodes: Iterable[Episode], findings: Sequence[Finding], snapshot_id: str) -> Changes:
    """What to open, update and close so that the open alerts say what ``findings`` say.

    ``episodes`` are oldest first; of two with the same rule and subject (cars merged) the older one stays.
    """
    wanted = {(finding.rule, subject_of(finding)): finding for finding in findings if finding.severity in ALERTING}
    kept: dict[tuple[str, str], Episode] = {}
    closed: list[Episode] = []
    for episode in episodes:
        key = (episode.rule, episode.subject)
        if key in wanted and key not in kept:
            kept[key] = episode
        else:
            closed.append(episode)
    return Changes(
        opened=tuple(Opening(finding, key[1]) for key, finding in wanted.items() if key not in kept),
        updated=tuple(_update(episode, wanted[key], snapshot_id) for key, episode in kept.items()),
        closed=tuple(closed),
    )


def _update(episode: Episode, finding: Finding, snapshot_id: str) -> Update:
    again = bool(snapshot_id) and snapshot_id != episode.snapshot_id
    worsened = _RANK[finding.severity] > _RANK[episode.severity]
    return Update(episode, finding, episode.occurrences + again, worsened)
