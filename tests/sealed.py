"""What tests of encryption at rest share: a key, what the bytes below a folder tell, and the folder as it is."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

from sync.vault import Vault
from tests.needs import unmet

KEY = "5a" * 32
OTHER_KEY = "c3" * 32
NOBODY = 65534


def need_cipher() -> None:
    """The test that calls this ends here where the extra is not installed."""
    if find_spec("sqlcipher3") is None:
        unmet("SQLCipher (extra encrypted)")


def key_file(folder: Path, content: str = KEY, name: str = "storage-key") -> Path:
    """A key as a person would keep it: outside the state folder, for its owner alone."""
    path = folder / name
    path.touch(mode=0o600)
    path.write_text(content + "\n")
    return path


def files_below(folder: Path) -> dict[str, bytes]:
    """Every file below ``folder`` and all that is in it."""
    found = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in found}


def telling(folder: Path, *words: str) -> dict[str, set[str]]:
    """The files that hold one of ``words`` in their bytes, in either of the encodings a program might use."""
    forms = {word: (word.encode(), word.encode("utf-16-le"), word.encode("utf-16-be")) for word in words}
    told = {
        name: {word for word, spellings in forms.items() if any(spelling in data for spelling in spellings)}
        for name, data in files_below(folder).items()
    }
    return {name: found for name, found in told.items() if found}


def vault_with(key: str = KEY) -> Vault:
    from sync.sealed_vault import SealedVault

    return SealedVault(bytes.fromhex(key))


@contextmanager
def as_somebody() -> Iterator[None]:
    """Root may read everything, so a test that root runs has to become somebody else."""
    ours = os.geteuid()
    if ours == 0:
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(ours)
