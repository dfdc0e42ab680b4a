"""How the demo looks in a terminal: one row a car, and the summary at the end."""

from collections.abc import Iterator

from rich.table import Table

from agent.demo.visit import Visit
from config.catalogue import Language, render

COLUMNS = ("bay", "scenario", "stage", "vin", "odometer", "verdict", "findings")


def visits_table(visits: dict[str, list[Visit]], language: Language) -> Table:
    """All plug-ins so far and to come."""
    table = Table(title=render("demo.title", language))
    for column in COLUMNS:
        table.add_column(render(f"demo.column_{column}", language), overflow="fold")
    for queue in visits.values():
        for visit in queue:
            table.add_row(*_cells(visit, language))
    return table


def _cells(visit: Visit, language: Language) -> tuple[str, ...]:
    odometer_m = visit.vehicle.get("current_odometer_m")
    verdict = visit.vehicle.get("verdict")
    return (
        visit.bay,
        f"{visit.plug.scenario} {visit.plug.visit}",
        render(f"demo.stage_{visit.stage}", language),
        str(visit.truth.get("vin", "")),
        f"{odometer_m / 1000:,.1f} km" if odometer_m is not None else "",
        render(f"verdict.{verdict}.title", language) if verdict else "",
        render("demo.findings_joint", language).join(
            render(f"rule.{finding['rule']}.title", language) for finding in visit.vehicle.get("findings", ())
        ),
    )


def summary_lines(visits: dict[str, list[Visit]], language: Language) -> Iterator[str]:
    """What agreed and what did not, each difference on a line of its own."""
    shown = [visit for queue in visits.values() for visit in queue]
    agreed = sum(visit.stage == "agreed" for visit in shown)
    yield render("demo.summary", language, agreed=agreed, total=len(shown))
    for visit in shown:
        name = f"{visit.plug.scenario} {visit.plug.visit}"
        if visit.error:
            yield f"  {name}: {visit.error}"
        elif visit.stage != "agreed":
            yield from (f"  {name}: {line}" for line in visit.differences or [render("demo.not_reached", language)])
