"""The lock file beside a database: one process at a time, and a marker that betrays a copied or restored file."""

import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from sync.errors import OutboxError

_MARKER_LIMIT = 4096


@dataclass(frozen=True, slots=True)
class Marker:
    """``token`` changes with each opening and stands in the database too; ``stream`` is the last one in use."""

    token: str = ""
    stream: str = ""


class FileLock:
    """Held from construction to ``release``; the system lets go of it when the process dies, however it dies."""

    def __init__(self, path: Path) -> None:
        """Lock ``path``; raise OutboxError at once when another process holds it."""
        path.parent.mkdir(parents=True, exist_ok=True)
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            _lock(self._descriptor)
        except OSError as error:
            os.close(self._descriptor)
            raise OutboxError(f"{path}: in use by another process; stop that one first") from error

    def read(self) -> Marker:
        """Return the marker, an empty one when there is none or it is torn."""
        os.lseek(self._descriptor, 0, os.SEEK_SET)
        try:
            content = json.loads(os.read(self._descriptor, _MARKER_LIMIT))
            return Marker(str(content["token"]), str(content["stream"]))
        except (ValueError, KeyError, TypeError):
            return Marker()

    def write(self, marker: Marker) -> None:
        content = json.dumps({"token": marker.token, "stream": marker.stream}).encode()
        os.lseek(self._descriptor, 0, os.SEEK_SET)
        os.ftruncate(self._descriptor, 0)
        os.write(self._descriptor, content)

    def release(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()


if sys.platform == "win32":
    import msvcrt

    def _lock(descriptor: int) -> None:
        # beyond the marker: Windows locks bytes, not files
        os.lseek(descriptor, _MARKER_LIMIT, os.SEEK_SET)  # no mutate: only on Windows
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)  # no mutate: only on Windows
else:
    import fcntl

    def _lock(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
