"""How much of recorded traffic with known meaning is decoded right, by kind of recording."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.table import Table

from agent.replay import capture_cases, replay_case
from config.catalogue import Language, render
from config.profiles import load_profiles
from protocols.capture import CaptureCase, Expected
from protocols.errors import DecodeError

_TOLERANCE = 0.0015
_ROUNDING = 0.001
_NO_VALUE = frozenset({"zero_field", "not_available", "saturated_or_not_available"})
# unit: what it measures, and how much of that one is
_UNITS = {
    "km": ("m", 1000.0),
    "mi": ("m", 1609.344),
    "m": ("m", 1.0),
    "kPa": ("kPa", 1.0),
    "kilopascal": ("kPa", 1.0),
    "psi": ("kPa", 6.894757),
    "bars": ("kPa", 100.0),
}
_SOURCE_FORMULA = "source_formula"
_MAKERS_OWN = frozenset({"uds22", "local21"})
_COLUMNS = ("cases", "right", "share", "not_counted")

SOURCE_ERRORS = frozenset(
    (f"01{pid:02X}", f"SHRTFT{bank}{sensor}") for pid in range(0x14, 0x1C) for bank in (1, 2) for sensor in range(1, 5)
)
"""(request, signal) whose expected value contradicts SAE J1979: the source subtracts 128 from a trim, not 100.

Neutral (80 hex) would be -28 %. Only values of basis ``source_formula`` are left out; see docs/adr/0007.
"""


@dataclass(slots=True)
class KindScore:
    """Cases of one kind; ``wrong`` holds the ids of those not decoded as expected.

    ``not_counted`` is the number of expected values left out because they contradict the standard.
    """

    cases: int = 0
    not_counted: int = 0
    wrong: list[str] = field(default_factory=list)

    @property
    def share(self) -> float:
        return 1 - len(self.wrong) / self.cases if self.cases else 1.0


def score(paths: Iterable[Path]) -> dict[str, KindScore]:
    """Score by kind over the capture files among ``paths``; files that cannot be read count nothing."""
    return _grouped(paths, lambda case: case.kind)


def score_by_make(paths: Iterable[Path]) -> dict[str, KindScore]:
    """The same by make, without the makers' own signals: what a profile or a standard explains (docs/adr/0007)."""
    return _grouped(paths, lambda case: case.make if case.kind not in _MAKERS_OWN else "")


def _grouped(paths: Iterable[Path], group_of: Callable[[CaptureCase], str]) -> dict[str, KindScore]:
    profiles = load_profiles()
    scores: dict[str, KindScore] = {}
    for case in (case for path in paths for case in _readable_cases(path)):
        if case.expected and (name := group_of(case)):
            group = scores.setdefault(name, KindScore())
            group.cases += 1
            group.not_counted += sum(_is_source_error(case, entry) for entry in case.expected)
            if not is_right(case, replay_case(case, profiles)):
                group.wrong.append(case.id)
    return dict(sorted(scores.items()))


def _readable_cases(path: Path) -> list[CaptureCase]:
    try:
        return list(capture_cases(path))
    except (OSError, ValueError, DecodeError):
        return []


def is_right(case: CaptureCase, result: Mapping[str, Any]) -> bool:
    """Whether ``result`` holds all that is expected of ``case``, and nothing where nothing may be read."""
    if "incomplete_or_corrupt" in case.flags:
        return result["status"] != "ok" and not result["readings"]
    if case.kind == "vin":
        return bool(result["vin"] == case.expected[0].value)
    if case.kind == "dtc":
        return sorted(entry["code"] for entry in result["dtcs"]) == sorted(_codes(case))
    wanted = [entry for entry in case.expected if not _is_source_error(case, entry)]
    if case.kind == "odometer":
        wanted = [entry for entry in wanted if entry.assessment]
    return all(_is_met(entry, result) for entry in wanted) and _is_silent_if_empty(wanted, result)


def _is_source_error(case: CaptureCase, entry: Expected) -> bool:
    if case.request is None or case.basis != _SOURCE_FORMULA:
        return False
    return (case.request.hex().upper(), entry.signal) in SOURCE_ERRORS


def _codes(case: CaptureCase) -> list[str]:
    value = case.expected[0].value
    return [str(code) for code in value] if isinstance(value, list) else []


def _is_met(entry: Expected, result: Mapping[str, Any]) -> bool:
    if entry.assessment in _NO_VALUE:
        return True
    return any(_same(entry, reading) for reading in result["readings"])


def _is_silent_if_empty(wanted: list[Expected], result: Mapping[str, Any]) -> bool:
    """If every field is empty, no value may be shown at all."""
    if wanted and all(entry.assessment in _NO_VALUE for entry in wanted):
        return result["status"] == "no_value" and not result["readings"]
    return True


def _same(entry: Expected, reading: Mapping[str, Any]) -> bool:
    expected, value = entry.value, reading["value"]
    if not isinstance(expected, (int, float)) or not isinstance(value, (int, float)):
        return bool(expected == value)
    wanted, shown = (_UNITS.get(unit, ("", 1.0)) for unit in (entry.unit, reading["unit"]))
    scale = wanted[1] / shown[1] if wanted[0] == shown[0] else 1.0
    return abs(expected * scale - value) <= max(_TOLERANCE * abs(expected * scale), _ROUNDING)


def score_table(scores: Mapping[str, KindScore], language: Language, first: str = "kind") -> Table:
    """The score as a table for people; ``first`` names what stands in its first column (``kind``, ``make``)."""
    table = Table(*(render(f"replay_score.{column}", language) for column in (first, *_COLUMNS)))
    for kind, entry in scores.items():
        right = entry.cases - len(entry.wrong)
        table.add_row(kind, str(entry.cases), str(right), f"{entry.share:.1%}", str(entry.not_counted))
    return table
