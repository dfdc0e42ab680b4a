"""The wall clock of the processes under test, put years off while they run, as a lost battery or a first NTP fix does.

libfaketime stands between them and the system, so that what they read is what any program would read, the stamps of
SQLite's and of the system's files included. The monotonic clocks go on as they are, as on a real machine.
"""

import os
from pathlib import Path

SHARED = Path("/dev/shm")
PLACES = ("/usr/lib", "/usr/local/lib")
LOOK_S = 1  # how often a process looks whether its clock has jumped
YEAR_S = 365 * 86_400


def find_faketime() -> Path | None:
    """The library (package libfaketime), or None."""
    found = (path for place in PLACES for path in Path(place).glob("**/faketime/libfaketimeMT.so.1"))
    return next(found, None)


class FakeClock:
    """One clock for all processes that are started with its ``environment``; the true one without the library."""

    def __init__(self, folder: Path) -> None:
        self._library = find_faketime()
        self._offset = folder / "clock"
        self.jump(0)

    @property
    def environment(self) -> dict[str, str]:
        if self._library is None:
            return dict(os.environ)
        faked = {
            "LD_PRELOAD": str(self._library),
            "FAKETIME_TIMESTAMP_FILE": str(self._offset),
            "FAKETIME_CACHE_DURATION": str(LOOK_S),
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }
        return {**os.environ, **faked}

    def jump(self, years: int) -> None:
        """Put the clock so many years off the true one."""
        draft = self._offset.with_name("clock.new")
        draft.write_text(f"{years * YEAR_S:+d}\n", encoding="ascii")
        draft.replace(self._offset)  # nobody may read half a number


def clear_up() -> None:
    """Remove the shared memory of processes that were killed: the library does it only when one ends by itself."""
    for left in SHARED.glob("*faketime_s*_[0-9]*"):
        if not Path("/proc", left.name.rpartition("_")[2]).exists():
            left.unlink(missing_ok=True)
