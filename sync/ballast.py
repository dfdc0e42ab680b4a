"""Room in reserve: on a disk that is really full even deleting needs some, so a file beside the database holds it."""

import os
from contextlib import suppress
from pathlib import Path


class Ballast:
    """A file of ``size`` bytes that says nothing; given back to the disk when there is no other room left."""

    def __init__(self, path: Path, size: int) -> None:
        self._path = path
        self._size = size

    @property
    def stands(self) -> bool:
        """Whether the room is there to be spent."""
        try:
            return self._path.stat().st_size >= self._size
        except OSError:
            return False

    def build(self) -> bool:
        """Take the room if it is to be had; return whether it is held now."""
        if self.stands:
            return True
        try:
            self._take()
        except OSError:
            self.spend()
        return self.stands

    def spend(self) -> bool:
        """Give the room back; return whether there was any."""
        stood = self.stands
        with suppress(OSError):
            self._path.unlink()
        return stood

    def disk_is_full(self) -> bool:
        """Whether less than the ballast's size is free beside it."""
        try:
            usage = os.statvfs(self._path.parent)
        except (OSError, AttributeError):  # no statvfs on Windows: then every full store may be a full disk
            return True
        return usage.f_bavail * usage.f_frsize < self._size

    def _take(self) -> None:
        descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT, 0o600)
        try:
            if hasattr(os, "posix_fallocate"):
                os.posix_fallocate(descriptor, 0, self._size)
            else:
                os.write(descriptor, bytes(self._size))
        finally:
            os.close(descriptor)
