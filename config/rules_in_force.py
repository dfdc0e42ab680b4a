"""The rules an owner may edit while the program runs: plans and severities, taken over whole or not at all."""

from dataclasses import dataclass
from pathlib import Path

from config.errors import SettingsError
from config.plans import PLANS, PlanItem, load_plans
from config.severity_rules import SEVERITIES, SeverityRule, load_severities

Stamp = tuple[tuple[str, int, int], ...]


@dataclass(frozen=True, slots=True)
class Rules:
    """What cars are judged by besides the checks."""

    plans: tuple[PlanItem, ...]
    severities: tuple[SeverityRule, ...]


def load_rules(plans: Path = PLANS, severities: Path = SEVERITIES) -> Rules:
    """Both directories; raise SettingsError with file, line and key."""
    return Rules(load_plans(plans), load_severities(severities))


class RulesInForce:
    """The rules now in force, and why newer files are not. Raises SettingsError when the first ones are wrong."""

    def __init__(self, plans: Path | None = None, severities: Path | None = None) -> None:
        self._folders = (plans or PLANS, severities or SEVERITIES)
        self._stamp: Stamp | None = self._look()
        self.rules = load_rules(*self._folders)
        self.refused = ""
        """The first mistake in the files as they are now; empty when they are in force."""

    def reload(self) -> bool:
        """Read the files again whether or not they look changed; as `refresh` otherwise."""
        self._stamp = None
        return self.refresh()

    def refresh(self) -> bool:
        """Take over changed files; True when the rules in force changed. A mistake leaves the old ones and is kept."""
        stamp = self._look()
        if stamp == self._stamp:
            return False
        self._stamp = stamp
        try:
            rules = load_rules(*self._folders)
        except SettingsError as error:
            self.refused = str(error)
            return False
        self.refused = ""
        changed, self.rules = rules != self.rules, rules
        return changed

    def _look(self) -> Stamp:
        """Name, time and size of every file: what an editor cannot save without changing."""
        files = [path for folder in self._folders for path in sorted(folder.glob("*.toml"))]
        found = []
        for path in files:
            try:
                state = path.stat()
            except OSError:
                continue  # gone between listing and looking: the next look sees it gone
            found.append((str(path), state.st_mtime_ns, state.st_size))
        return tuple(found)
