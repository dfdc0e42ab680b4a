"""Tables for the terminal; Rich counts Chinese characters as two cells wide."""

from collections.abc import Iterable
from typing import Any

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text as Styled

from agent.wording import said, verdict_text, words_of
from config.catalogue import Language, has, render, shown
from config.makes import spoken_make
from evidence.snapshot import CounterPart, Result, Severity, Snapshot
from protocols.readings import ItemStatus

_COLOURS = {
    Result.CONSISTENT: "green",
    Result.SUSPICIOUS: "yellow",
    Result.IMPOSSIBLE: "red",
    Result.NOT_DETERMINABLE: "cyan",
    Severity.STOP: "red",
    Severity.SOON: "yellow",
    Severity.NOTE: "cyan",
}


def verdict_table(snapshot: Snapshot, language: Language) -> RenderableType:
    """What one scan found: the car, its mileage witnesses, codes, verdict with its reasons, and what was not read."""
    verdict = Styled(render(f"verdict.{snapshot.verdict}.title", language), style=f"bold {_COLOURS[snapshot.verdict]}")
    return Group(
        _facts(snapshot, language),
        Padding(verdict, (1, 0, 0, 0)),
        verdict_text(snapshot, language),
        _findings(snapshot, language),
        _checks(snapshot, language),
        _cost(snapshot, language),
    )


def replay_table(results: Iterable[dict[str, Any]], language: Language) -> RenderableType:
    """One row a recorded case."""
    table = _table(language, "cli_table.case", "cli_table.result", "cli_table.readings")
    for result in results:
        table.add_row(str(result["id"]), str(result["status"]), _read_words(result))
    return table


def judge_table(judged: Iterable[dict[str, Any]], language: Language) -> RenderableType:
    """One row a car's history."""
    table = _table(language, "cli_table.car", "cli_table.verdict", "cli_table.odometer", "cli_table.check")
    for row in judged:
        spoken = [f"{c['check']} {render('result.' + c['result'], language)}" for c in row["checks"] if _speaks(c)]
        odometer = shown("odometer_m", row["current_odometer_m"], language)
        table.add_row(row["id"], render(f"verdict.{row['verdict']}.title", language), odometer, "\n".join(spoken))
    return table


def _speaks(check: dict[str, Any]) -> bool:
    return check["result"] in (Result.SUSPICIOUS, Result.IMPOSSIBLE)


def _facts(snapshot: Snapshot, language: Language) -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")  # Chinese has no spaces to break at, and nothing may be cut off
    for name, value in _rows(snapshot, language):
        table.add_row(name, value)
    return table


def _rows(snapshot: Snapshot, language: Language) -> Iterable[tuple[str, str]]:
    yield "VIN", snapshot.vehicle.vin or render("value.unknown", language)
    yield render("cli_table.car", language), _car(snapshot, language)
    for part in snapshot.odometer:
        name = render("cli_table.odometer", language)
        yield name, f"{_odometer(part.odometer_m, part.status, language)}  {_source(part.source, part.ecu, language)}"
    yield render("cli_table.codes", language), _codes(snapshot, language)
    yield render("cli_table.mil", language), _lamp(snapshot.mil, language)
    yield from _counters(snapshot, language)
    yield render("cli_table.battery", language), shown("battery_v", snapshot.battery_v, language)
    yield render("cli_table.ecus", language), ", ".join(f"{ecu.address} {ecu.name}".strip() for ecu in snapshot.ecus)
    yield render("cli_table.not_read", language), _not_read(snapshot, language)


def _car(snapshot: Snapshot, language: Language) -> str:
    vehicle = snapshot.vehicle
    words = (
        spoken_make(vehicle.make, language),
        vehicle.model,
        str(vehicle.model_year or ""),
        said(f"fuel.{vehicle.fuel}", language) if vehicle.fuel else "",
        vehicle.plate,
        vehicle.stock_number,
    )
    return " · ".join(word for word in words if word) or render("value.unknown", language)


def _odometer(odometer_m: int | None, status: ItemStatus, language: Language) -> str:
    return render(f"status.{status}", language) if odometer_m is None else shown("odometer_m", odometer_m, language)


def _source(source: str, ecu: str, language: Language) -> str:
    words = render(f"source.{source}", language) if has(f"source.{source}") else source
    return f"({words}, {ecu})" if ecu else f"({words})"


def _codes(snapshot: Snapshot, language: Language) -> str:
    if not snapshot.dtcs:
        asked = any(item.item.startswith("dtcs.") and item.status is ItemStatus.READ for item in snapshot.items)
        return render("cli_table.none_stored" if asked else "cli_table.could_not_be_asked", language)
    return "\n".join(
        f"{part.code} {render(f'class.{part.dtc_class}', language)} {part.ecu}  {words_of(part, language)}".rstrip()
        for part in snapshot.dtcs
    )


def _lamp(mil: bool | None, language: Language) -> str:  # noqa: FBT001 - a value, not a switch
    if mil is None:
        return render("value.unknown", language)
    return render("cli_table.on" if mil else "cli_table.off", language)


def _counters(snapshot: Snapshot, language: Language) -> Iterable[tuple[str, str]]:
    for name in type(snapshot.counters).model_fields:
        parts: tuple[CounterPart, ...] = getattr(snapshot.counters, name)
        values = [f"{shown(name, part.value, language)} {part.ecu}".strip() for part in parts if part.value is not None]
        if values:
            yield render(f"counter.{name}", language), ", ".join(values)


def _not_read(snapshot: Snapshot, language: Language) -> str:
    failed = [item for item in snapshot.items if item.status is not ItemStatus.READ]
    return ", ".join(f"{item.item} ({render(f'status.{item.status}', language)})" for item in failed)


def _findings(snapshot: Snapshot, language: Language) -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for finding in snapshot.findings:
        severity = Styled(render(f"severity.{finding.severity}", language), style=_COLOURS[finding.severity])
        table.add_row(severity, getattr(finding.text, language))
    return table


def _checks(snapshot: Snapshot, language: Language) -> Table:
    table = _table(language, "cli_table.check", "cli_table.result")
    for check in snapshot.checks:
        result = Styled(render(f"result.{check.result}", language), style=_COLOURS[check.result])
        table.add_row(f"{check.check} {render(f'check.{check.check}.title', language)}", result)
    return table


def _cost(snapshot: Snapshot, language: Language) -> str:
    timing = snapshot.timing
    received = timing.bytes_received
    return render(
        "cli_table.cost", language, total_s=round(timing.total_s, 1), requests=timing.requests, received=received
    )


def _table(language: Language, *headings: str) -> Table:
    table = Table()
    for heading in headings:
        table.add_column(render(heading, language), overflow="fold")
    return table


def _read_words(result: dict[str, Any]) -> str:
    words = [f"{r['signal']} {r['value']} {r['unit']} {r['ecu']}".strip() for r in result["readings"]]
    words += [f"VIN {result['vin']}"] if result["vin"] else []
    words += [f"{d['code']} {d['class']} {d['ecu']}" for d in result["dtcs"]]
    return "; ".join(words) or str(result["reason"] or "")
