"""Clock and disk of the processes under test: put years off while they run, made to fail, by ``fault_shim.c``.

The shim stands between them and the system, so that what they read is what any program would read. Monotonic clocks go
on as they are, as when a battery was lost or a first NTP fix comes.
"""

import os
from pathlib import Path

from tests.sync.power import compiled

SHIM = Path(__file__).parent / "fault_shim.c"
YEAR_S = 365 * 86_400


class FaultShim:
    """Start processes with its ``environment``; nothing jumps or fails where there is no C compiler (``works``)."""

    def __init__(self, folder: Path) -> None:
        self._clock, self._sync_fails = folder / "clock", folder / "sync_fails"
        self._clock.write_bytes(bytes(8))
        library = compiled(folder, SHIM)
        self.works = library is not None
        self.environment = {**os.environ, "CLOCK_OFF": str(self._clock), "SYNC_FAILS": str(self._sync_fails)}
        if library:
            self.environment["LD_PRELOAD"] = str(library)

    def jump(self, years: int) -> None:
        """Put the clock of all of them so many years off the true one."""
        with self._clock.open("r+b") as clock:
            clock.write((years * YEAR_S).to_bytes(8, "little", signed=True))

    def sync_flag(self, pid: int) -> Path:
        """While this file exists, no sync succeeds in that process."""
        return self._sync_fails.with_name(f"{self._sync_fails.name}.{pid}")
