"""How urgent a trouble code is, by rules an owner edits: per code, system or make. The most specific rule wins."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from config.errors import SettingsError
from config.rule_files import files_of, line_of, read_rules

SEVERITIES = Path(__file__).parent / "severities"
ANY = "*"


class Urgency(StrEnum):
    """What a code asks for: not to drive, act soon, to know, or nothing."""

    STOP = "stop"
    SOON = "soon"
    NOTE = "note"
    IGNORE = "ignore"


@dataclass(frozen=True, slots=True)
class SeverityRule:
    """``code`` is a whole code (``P0301``) or the beginning of a system's (``P030*``, ``C0*``, ``*`` for all)."""

    id: str
    code: str
    make: str
    urgency: Urgency
    why: str

    def fits(self, code: str, make: str) -> bool:
        beginning = self.code.removesuffix(ANY)
        of_code = code.startswith(beginning) if self.code.endswith(ANY) else code == self.code
        return of_code and self.make in (make, ANY)

    @property
    def specificity(self) -> tuple[int, bool, bool]:
        """The longer beginning wins, a whole code over a beginning, a make over any make."""
        return len(self.code.removesuffix(ANY)), not self.code.endswith(ANY), self.make != ANY


class _Row(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, defer_build=True)

    id: Annotated[str, Field(pattern=r"^[a-z0-9_-]{1,40}$")]
    code: Annotated[str, Field(pattern=r"^([PCBU][0-9A-F]{0,3}\*|[PCBU][0-9A-F]{4}(-[0-9A-F]{2})?|\*)$")]
    make: Annotated[str, Field(min_length=1, max_length=40)] = ANY
    severity: Literal["stop", "soon", "note", "ignore"]
    why: Annotated[str, Field(min_length=3, max_length=200)]


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, defer_build=True)

    rule: list[_Row] = Field(max_length=5000)


def load_severities(directory: Path = SEVERITIES) -> tuple[SeverityRule, ...]:
    """All rules of a directory; SettingsError names file, line and key, also of two that fit the same codes."""
    seen: dict[tuple[str, str], str] = {}
    rules: list[SeverityRule] = []
    for path in files_of(directory):
        file, text = read_rules(path, _File)
        for place, row in enumerate(file.rule):
            which = (row.code, row.make)
            if which in seen:
                where = f"{path}:{line_of(text, 'rule', place, 'code')}"
                raise SettingsError(f"{where}: rules '{seen[which]}' and '{row.id}' fit the same codes; keep one")
            seen[which] = row.id
            rules.append(SeverityRule(row.id, row.code, row.make, Urgency(row.severity), row.why))
    return tuple(rules)


@cache
def default_severities() -> tuple[SeverityRule, ...]:
    """The rules that come with the program."""
    return load_severities()


def urgency_of(rules: Iterable[SeverityRule], code: str, make: str = "") -> Urgency:
    """How urgent ``code`` is on a car of ``make``; ``soon`` where no rule fits."""
    fitting = [rule for rule in rules if rule.fits(code, make)]
    return max(fitting, key=lambda rule: rule.specificity).urgency if fitting else Urgency.SOON
