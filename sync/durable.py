"""Files that are there whole or not at all, whatever the power does meanwhile."""

import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

DRAFT = ".new"
"""How the name of a file ends that is being written; one that is found was never finished."""


def write_whole(path: Path, parts: Iterable[bytes]) -> None:
    """Put ``parts`` in the place of ``path``, readable by its owner alone; on the disk when this returns.

    What was at ``path`` stays as it was when anything goes wrong. Root writes in the name of whose file or folder it
    was. Raises OSError.
    """
    draft = path.with_name(path.name + DRAFT)
    draft.unlink(missing_ok=True)
    try:
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.writelines(parts)
            file.flush()
            os.fsync(file.fileno())
        own_like(draft, path if path.exists() else path.parent)
        draft.replace(path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def begin_file(path: Path) -> None:
    """An empty file for its owner alone where none is, its name on the disk when this returns. Raises OSError."""
    if not path.exists():
        path.touch(mode=0o600)
        sync_folder(path.parent)


def own_like(path: Path, other: Path) -> None:
    """Give ``path`` to whom ``other`` belongs, where we may: a person's sudo must not shut the service out."""
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        wanted = other.stat()
        os.chown(path, wanted.st_uid, wanted.st_gid)


def sync_folder(folder: Path) -> None:
    """Make the names in ``folder`` survive a power cut; not every system can."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
