"""Alert episodes: one alert for as long as one thing is wrong with one car, however often it is seen or sent again."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from evidence.snapshot import Finding, Severity

ALERTING = frozenset({Severity.STOP, Severity.SOON})
"""Notes are for the car's own page; nobody is called for them."""
CALENDAR_RULE = "service.due"
"""The exception: a note whose whole point is that somebody is reminded, once a stage."""
CODES_RULE = "codes.new"
"""A code is new at one visit only, but stays the same episode for as long as it stands there."""

_RANK = {Severity.NOTE: 0, Severity.SOON: 1, Severity.STOP: 2}
_SEPARATOR = ", "
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
    """What within its rule a finding is about (trouble codes, a service item and its stage); "" for the rule alone."""
    if finding.rule == CALENDAR_RULE:
        return f"{finding.params.get('item', '')}/{finding.params.get('state', '')}"[:MAX_SUBJECT]
    name = "codes" if finding.rule == CODES_RULE else "item"
    return str(finding.params.get(name, ""))[:MAX_SUBJECT]


def compare(
    episodes: Iterable[Episode],
    findings: Sequence[Finding],
    snapshot_id: str,
    *,
    standing_codes: Collection[str] = (),
    undecided: Collection[str] = (),
) -> Changes:
    """What to open, update and close so that the open alerts say what ``findings`` say.

    ``episodes`` are oldest first; of two with the same rule and subject (cars merged) the older one stays.
    ``standing_codes`` are the trouble codes that the car was last seen with. ``undecided`` are rules that could not be
    checked this time: a visit that read too little settles nothing.
    """
    wanted = {(finding.rule, subject_of(finding)): finding for finding in findings if _alerts(finding)}
    kept: dict[tuple[str, str], Episode] = {}
    closed: list[Episode] = []
    for episode in episodes:
        key = (episode.rule, episode.subject)
        if key not in kept and (key in wanted or episode.rule in undecided or _stands(episode, standing_codes)):
            kept[key] = episode
        else:
            closed.append(episode)
    told = {code for episode in kept.values() for code in _codes(episode.rule, episode.subject)}
    return Changes(
        opened=tuple(Opening(f, key[1]) for key, f in wanted.items() if key not in kept and not _covered(key, told)),
        updated=tuple(_update(kept[key], finding, snapshot_id) for key, finding in wanted.items() if key in kept),
        closed=tuple(closed),
    )


def _alerts(finding: Finding) -> bool:
    return finding.severity in ALERTING or finding.rule == CALENDAR_RULE


def _stands(episode: Episode, standing_codes: Collection[str]) -> bool:
    return not _codes(episode.rule, episode.subject).isdisjoint(standing_codes)


def _covered(key: tuple[str, str], told: Collection[str]) -> bool:
    """Whether people have been told of every code in it already."""
    codes = _codes(*key)
    return bool(codes) and codes.issubset(told)


def _codes(rule: str, subject: str) -> frozenset[str]:
    return frozenset(subject.split(_SEPARATOR)) if rule == CODES_RULE and subject else frozenset()


def _update(episode: Episode, finding: Finding, snapshot_id: str) -> Update:
    again = bool(snapshot_id) and snapshot_id != episode.snapshot_id
    worsened = _RANK[finding.severity] > _RANK[episode.severity]
    return Update(episode, finding, episode.occurrences + again, worsened)
