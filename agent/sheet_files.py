"""The folder of a box's sheets: a folder for each, photos by content, and the chain as a file to hand out."""

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

import structlog

from evidence.sheet.chain import Link, SealedSheet, canonical
from sync.durable import write_whole
from sync.storage_key import refused
from sync.vault import PLAIN, SEALED_MAGIC, DamagedContentError, Vault

SEALED = "json"
RENDERINGS = ("en.html", "zh.html", "en.pdf", "zh.pdf")
"""What a sheet is handed out as, besides the sealed value itself."""
MEDIA_TYPES = {"html": "text/html; charset=utf-8", "pdf": "application/pdf", "json": "application/json"}
CHAIN_FILE = "chain.jsonl"

log = structlog.get_logger()


def file_name(number: int, kind: str) -> str:
    """``sheet-0007.zh.pdf``."""
    return f"sheet-{number:04d}.{kind}"


class SheetFiles:
    """Everything below ``folder``, which only the box's user may read, written through ``vault``."""

    def __init__(self, folder: Path, vault: Vault = PLAIN) -> None:
        self._folder = folder
        self._vault = vault

    def write(self, number: int, files: Mapping[str, bytes]) -> None:
        """Put a sheet's files in place whole; what a crash left of the same number makes room."""
        target = self._folder / f"{number:04d}"
        draft = self._folder / f"{number:04d}.new"
        for old in (draft, target):
            shutil.rmtree(old, ignore_errors=True)
        draft.mkdir(parents=True, mode=0o700)
        for kind, data in files.items():
            self._write(draft / file_name(number, kind), data)
        draft.rename(target)

    def read(self, number: int, kind: str) -> bytes | None:
        """One file of a sheet; None when it was erased or never was, or cannot be decrypted any more."""
        return self._read(self._folder / f"{number:04d}" / file_name(number, kind))

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
        self._write(self._folder / CHAIN_FILE, b"".join(canonical(link) + b"\n" for link in links))

    def write_photo(self, sha256: str, data: bytes) -> None:
        path = self._photo(sha256)
        if path.exists():
            return
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._write(path, data)

    def read_photo(self, sha256: str) -> bytes | None:
        return self._read(self._photo(sha256))

    def _photo(self, sha256: str) -> Path:
        return self._folder / "photos" / sha256

    def _write(self, path: Path, data: bytes) -> None:
        write_whole(path, [self._vault.seal(path.name, data)])

    def _read(self, path: Path) -> bytes | None:
        if not path.is_file():
            return None
        try:
            return self._vault.unseal(path.name, path.read_bytes())
        except DamagedContentError as error:
            log.error("file not readable any more, treated as erased", reason=str(error))
            return None


def read_chain(path: Path, vault: Vault = PLAIN) -> tuple[Link, ...]:
    """The links of a chain file; ValueError when a line is none, OSError when it cannot be read.

    Raise SettingsError when it is encrypted and not by ``vault``.
    """
    return tuple(Link.model_validate_json(line) for line in content_of(path, vault).splitlines() if line)


def content_of(path: Path, vault: Vault = PLAIN, limit: int = -1) -> bytes:
    """What a file that was handed out or lies in the box's folder says, at most about ``limit`` bytes of it.

    Raise SettingsError when it is encrypted and not by ``vault``, OSError when it cannot be read.
    """
    with path.open("rb") as file:
        data = file.read(limit)
    if not data.startswith(SEALED_MAGIC):
        return data
    try:
        return vault.unseal(path.name, data)
    except DamagedContentError as error:
        raise refused("seal.file_sealed", file=path) from error
