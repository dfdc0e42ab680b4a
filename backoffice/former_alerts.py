"""Open alerts that an earlier version wrote in other words: they go on as what they are called now.

Nobody is told a second time of what stood before an upgrade. Every function works on the caller's transaction.
"""

from collections.abc import Iterable, Sequence

from sqlalchemy import insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from backoffice.alerts import CODES_SUMMARY, STAGED_RULES, Episode, subject_of
from backoffice.cars import NewId
from backoffice.tables import alerts
from evidence.episodes import RULE as EPISODE_RULE
from evidence.snapshot import Finding


async def go_on(
    connection: AsyncConnection, open_alerts: Sequence[Episode], findings: Iterable[Finding], new_id: NewId
) -> bool:
    """Rename what ``findings`` now call otherwise; one alert that spoke of several things becomes one for each.

    True when anything was renamed.
    """
    former = [one for one in open_alerts if _is_former(one)]
    if not former:
        return False
    known = {(one.rule, one.subject) for one in open_alerts}
    wanted = [(one.rule, subject_of(one)) for one in findings]
    renamed = False
    for old in former:
        names = [name for name in dict.fromkeys(wanted) if name not in known and _speaks_of(old, *name)]
        known |= set(names)
        for place, (rule, subject) in enumerate(names):
            await _name(connection, old.id if place == 0 else await _copy(connection, old.id, new_id()), rule, subject)
            renamed = True
    return renamed


def _is_former(alert: Episode) -> bool:
    return alert.rule == CODES_SUMMARY or (alert.rule in STAGED_RULES and alert.subject.count("/") < 2)


def _speaks_of(former: Episode, rule: str, subject: str) -> bool:
    """A list of codes of any unit spoke of each one's episode; a stage of a service went without its date."""
    if former.rule == CODES_SUMMARY:
        return rule == EPISODE_RULE and subject.split("/")[0] in former.subject.split(", ")
    return rule == former.rule and subject.startswith(f"{former.subject}/")


async def _name(connection: AsyncConnection, alert_id: str, rule: str, subject: str) -> None:
    await connection.execute(update(alerts).where(alerts.c.id == alert_id).values(rule=rule, subject=subject))


async def _copy(connection: AsyncConnection, alert_id: str, copy_id: str) -> str:
    """The same alert once more, with who has seen it; told already, so no message is owed."""
    row = (await connection.execute(select(alerts).where(alerts.c.id == alert_id))).mappings().one()
    await connection.execute(insert(alerts).values(dict(row) | {"id": copy_id}))
    return copy_id
