"""What can be wrong before a simulated car starts: a scenario file, or a word on the command line."""

from pathlib import Path


class SimulatorError(Exception):
    """Something the person who started the simulator must change; the text says what, in one line."""


class ScenarioError(SimulatorError):
    """A scenario cannot be used; names the file, the line (0 if unknown), the key and the reason."""

    def __init__(self, file: Path, line: int, key: str, reason: str) -> None:
        self.file = file
        self.line = line
        self.key = key
        self.reason = reason
        where = f"{file.name}:{line}" if line else file.name
        super().__init__(f"{where}: {key}: {reason}" if key else f"{where}: {reason}")
