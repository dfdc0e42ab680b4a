"""Makes the package ``forecourt_sim`` of the folder ``simulator``: other import name, own identifiers instead of facts
compiled from databases under a licence of their own.

What a maker asks its units for (identifier, width, scale) and where a unit listens that ISO 15765-4 does not name are
such facts. In the scenarios of this distribution each is replaced by data made up here; every other line stays.
"""

import re
import shutil
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

PACKAGE = "forecourt_sim"
SOURCE = "simulator"

# ISO 14229-1 leaves FD00 to FEFF to suppliers; the words of these answers are ours.
OWN_IDENTIFIER = 0x22FD01
OWN_READ = ("bytes = 4", "unit_m = 100")
# ISO 15765-4 names 7E0 to 7E7 for the units of a car. The first two are the engine's and the gearbox's.
FIRST_OWN_ADDRESS = 0x7E2
STANDARD_ADDRESS = re.compile(r"7E[0-7]|18DA[0-9A-F]{2}F1|[0-9A-F]{1,2}")
ANSWERS_ABOVE = 8
OWN_EXTENSION = "E1"

_IMPORT = re.compile(rf"(?m)^(\s*(?:from|import) ){SOURCE}(?=[. ])")
_HEADER = re.compile(r"\[\[?([a-z.]+)\]\]?")
_HEX_KEY = re.compile(r'(?m)^(request|answer|extended) = "([0-9A-Fa-f]+)"')
_VALUE = re.compile(r"[a-z_]+ = ")


def renamed(code: str) -> str:
    """A module with its imports of ``simulator`` under the name it is installed by."""
    return _IMPORT.sub(rf"\g<1>{PACKAGE}", code)


def with_own_data(scenario: str) -> str:
    """A scenario with the makers' requests, scales and addresses replaced by ours."""
    blocks = re.split(r"(?m)^(?=\[)", scenario)
    own_units, own_reads = 0, 0
    made = []
    for block in blocks:
        header = _HEADER.match(block)
        name = header[1] if header else ""
        if name == "car.ecu.read":
            block = _own_read(block, OWN_IDENTIFIER + own_reads)
            own_reads += 1
        elif name == "car.ecu" and not _is_standard(block):
            block = _own_address(block, FIRST_OWN_ADDRESS + own_units)
            own_units += 1
        made.append(block)
    return "".join(made)


def _is_standard(unit: str) -> bool:
    asked = dict(_HEX_KEY.findall(unit)).get("request", "")
    return bool(STANDARD_ADDRESS.fullmatch(asked.upper()))


def _own_address(unit: str, address: int) -> str:
    own = {"request": f"{address:03X}", "answer": f"{address + ANSWERS_ABOVE:03X}", "extended": OWN_EXTENSION}
    return _HEX_KEY.sub(lambda found: f'{found[1]} = "{own[found[1]]}"', unit)


def _own_read(block: str, identifier: int) -> str:
    """Our request in place of the maker's; comments and empty lines stay."""
    header, *lines = block.splitlines(keepends=True)
    kept = [line for line in lines if not _VALUE.match(line)]
    return "".join((header, f'request = "{identifier:06X}"\n', *(f"{line}\n" for line in OWN_READ), *kept))


def stage(source: Path, target: Path) -> None:
    """Copy ``source`` to ``target`` as the package that is built."""
    for path in sorted(source.rglob("*")):
        place = target / path.relative_to(source)
        if path.is_dir() or "__pycache__" in path.parts:
            continue
        place.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix == ".py":
            place.write_text(renamed(path.read_text(encoding="utf-8")), encoding="utf-8")
        elif path.suffix == ".toml" and path.parent.name == "scenarios":
            place.write_text(with_own_data(path.read_text(encoding="utf-8")), encoding="utf-8")
        else:
            shutil.copyfile(path, place)


class CustomBuildHook(BuildHookInterface):
    """Stages the package before a build and removes the staged copy after it."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Hand the staged package to the builder; in an unpacked source distribution the builder finds it by itself."""
        if (Path(self.root) / PACKAGE).is_dir():
            return
        self._staged = Path(tempfile.mkdtemp(prefix="forecourt-sim-"))
        stage(Path(self.root).parents[1] / SOURCE, self._staged)
        build_data["force_include"][str(self._staged)] = PACKAGE

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Remove the staged copy."""
        staged = getattr(self, "_staged", None)
        if staged is not None:
            shutil.rmtree(staged)
