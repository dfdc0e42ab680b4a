"""Alert episodes: one alert for as long as one thing is wrong with one car, however often it is seen or sent again."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from evidence.due import DueState
from evidence.episodes import RULE as EPISODE_RULE
from evidence.snapshot import Finding, Severity

ALERTING = frozenset({Severity.STOP, Severity.SOON})
"""Notes are for the car's own page; nobody is called for them."""
CALENDAR_RULE = "service.due"
"""The exception: a note whose whole point is that somebody is reminded, once a stage."""
OVERDUE_RULE = "service.overdue"
STAGED_RULES = frozenset({CALENDAR_RULE, OVERDUE_RULE})
LASTING_RULES = STAGED_RULES | {EPISODE_RULE}
"""Their subjects name one thing for good: one that closed and comes back is the same alert."""
CODES_SUMMARY = "codes.new"
"""What is new at one visit, for the car's page. People are called once an episode of each code."""

_SUBJECTS = {
    EPISODE_RULE: ("code", "ecu", "episode"),
    CALENDAR_RULE: ("item", "state", "last_date"),
    OVERDUE_RULE: ("item", "state", "last_date"),
}
_RANK = {Severity.NOTE: 0, Severity.SOON: 1, Severity.STOP: 2}
_STAGES = [str(state) for state in DueState]
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
    """What within its rule a finding is about: an episode of a code, a stage of a service since it was last done."""
    said = (str(finding.params.get(name, "")) for name in _SUBJECTS.get(finding.rule, ("item",)))
    return "/".join(part for part in said if part)[:MAX_SUBJECT]


def is_news(rule: str, subject: str, told: Collection[str]) -> bool:
    """Whether people must hear of an opened alert, ``told`` being the subjects of this car's former ones.

    A clock put right may bring a stage back that was told already, or an earlier one: neither is news.
    """
    if subject in told:
        return False
    item, stage, since = _staged(subject)
    if rule not in STAGED_RULES or stage not in _STAGES:
        return True
    former = (_staged(one) for one in told)
    return not any(
        (one[0], one[2]) == (item, since) and one[1] in _STAGES and _STAGES.index(one[1]) > _STAGES.index(stage)
        for one in former
    )


def is_worse(now: Severity, before: Severity) -> bool:
    return _RANK[now] > _RANK[before]


def _staged(subject: str) -> tuple[str, str, str]:
    item, stage, since = [*subject.split("/", 2), "", ""][:3]
    return item, stage, since


def compare(
    episodes: Iterable[Episode],
    findings: Sequence[Finding],
    snapshot_id: str,
    *,
    undecided: Collection[str] = (),
) -> Changes:
    """What to open, update and close so that the open alerts say what ``findings`` say.

    ``episodes`` are oldest first; of two with the same rule and subject (cars merged) the older one stays.
    ``undecided`` are rules that could not be checked this time: a visit that read too little settles nothing.
    """
    wanted = {(finding.rule, subject_of(finding)): finding for finding in findings if _alerts(finding)}
    kept: dict[tuple[str, str], Episode] = {}
    closed: list[Episode] = []
    for episode in episodes:
        key = (episode.rule, episode.subject)
        if key not in kept and (key in wanted or episode.rule in undecided):
            kept[key] = episode
        else:
            closed.append(episode)
    return Changes(
        opened=tuple(Opening(f, key[1]) for key, f in wanted.items() if key not in kept),
        updated=tuple(_update(kept[key], finding, snapshot_id) for key, finding in wanted.items() if key in kept),
        closed=tuple(closed),
    )


def _alerts(finding: Finding) -> bool:
    if finding.rule == CODES_SUMMARY:
        return False
    return finding.severity in ALERTING or finding.rule == CALENDAR_RULE


def _update(episode: Episode, finding: Finding, snapshot_id: str) -> Update:
    again = bool(snapshot_id) and snapshot_id != episode.snapshot_id
    worsened = is_worse(finding.severity, episode.severity)
    return Update(episode, finding, episode.occurrences + again, worsened)
