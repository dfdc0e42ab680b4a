"""The folder of a box's sheets: a folder for each, photos by content, and the chain as a file to hand out."""

import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from evidence.sheet.chain import Link, SealedSheet, canonical

SEALED = "json"
RENDERINGS = ("en.html", "zh.html", "en.pdf", "zh.pdf")
"""What a sheet is handed out as, besides the sealed value itself."""
MEDIA_TYPES = {"html": "text/html; charset=utf-8", "pdf": "application/pdf", "json": "application/json"}
CHAIN_FILE = "chain.jsonl"


def file_name(number: int, kind: str) -> str:
    """``sheet-0007.zh.pdf``."""
    return f"sheet-{number:04d}.{kind}"


class SheetFiles:
    """Everything below ``folder``, which only the box's user may read."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def write(self, number: int, files: Mapping[str, bytes]) -> None:
        """Put a sheet's files in place whole; what a crash left of the same number makes room."""
        target = self._folder / f"{number:04d}"
        draft = self._folder / f"{number:04d}.new"
        for old in (draft, target):
            shutil.rmtree(old, ignore_errors=True)
        draft.mkdir(parents=True, mode=0o700)
        for kind, data in files.items():
            _write(draft / file_name(number, kind), data)
        draft.rename(target)

    def read(self, number: int, kind: str) -> bytes | None:
        """One file of a sheet; None when it was erased or never was."""
        path = self._folder / f"{number:04d}" / file_name(number, kind)
        return path.read_bytes() if path.is_file() else None

    def sealed(self, number: int) -> SealedSheet | None:
        data = self.read(number, SEALED)
        return SealedSheet.model_validate_json(data) if data else None

    def erase(self, numbers: Sequence[int], photos: Sequence[str]) -> None:
        """Erase sheets and photos; the chain keeps their hashes and nothing that tells of the car."""
        for number in numbers:
            shutil.rmtree(self._folder / f"{number:04d}", ignore_errors=True)
        for sha256 in photos:
            self._photo(sha256).unlink(missing_ok=True)

    def write_chain(self, links: Sequence[Link]) -> None:
        """The chain, a link a line: with it anybody can verify a sheet without the ledger."""
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        draft = self._folder / f"{CHAIN_FILE}.new"
        _write(draft, b"".join(canonical(link) + b"\n" for link in links))
        draft.replace(self._folder / CHAIN_FILE)

    def write_photo(self, sha256: str, data: bytes) -> None:
        path = self._photo(sha256)
        if path.exists():
            return
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        draft = path.with_suffix(".new")
        _write(draft, data)
        draft.replace(path)

    def read_photo(self, sha256: str) -> bytes | None:
        path = self._photo(sha256)
        return path.read_bytes() if path.is_file() else None

    def _photo(self, sha256: str) -> Path:
        return self._folder / "photos" / sha256


def read_chain(path: Path) -> tuple[Link, ...]:
    """The links of a chain file; ValueError when a line is none, OSError when it cannot be read."""
    return tuple(Link.model_validate_json(line) for line in path.read_bytes().splitlines() if line)


def _write(path: Path, data: bytes) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(handle)
