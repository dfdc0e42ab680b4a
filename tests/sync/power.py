"""Power cuts over the real outbox on a real file: its writes are logged, and the disk is rebuilt as a cut leaves it.

What was not synced may be there, be missing, or be there in single sectors. Needs a C compiler (Linux).
"""

import os
import random
import shutil
import sqlite3
import struct
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from sync.vault import PLAIN, Vault

ROOT = Path(__file__).parent.parent.parent
SHIM = Path(__file__).parent / "write_log.c"
WORKLOAD = "tests.sync.power_workload"
SECTOR = 512
_HEAD = struct.Struct("<c23sqq")
_LINE = struct.Struct("<cqq")


@dataclass(frozen=True, slots=True)
class Step:
    """``W`` write, ``T`` truncate, ``S`` sync, ``U`` unlink of a file; ``P`` a promise that the workload was given."""

    kind: str
    name: str
    offset: int
    data: bytes


def compiled(folder: Path, source: Path = SHIM) -> Path | None:
    """The library to preload, by default the one that logs writes; None without a compiler."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None or sys.platform != "linux":
        return None
    library = folder / source.with_suffix(".so").name
    subprocess.run([compiler, "-O1", "-shared", "-fPIC", "-o", library, source, "-ldl"], check=True)
    return library


def recorded(folder: Path, library: Path, *, synchronous: str, rounds: int, key: str = "") -> list[Step]:
    """Let the workload run on an outbox in ``folder`` and return all it did to its disk, in order.

    With a ``key`` (hexadecimal) the outbox is an encrypted one.
    """
    folder.mkdir()
    environment = os.environ | {"LD_PRELOAD": str(library), "WRITE_LOG": str(folder / "log")}
    command = [sys.executable, "-m", WORKLOAD, str(folder), synchronous, str(rounds), *([key] if key else [])]
    subprocess.run(command, cwd=ROOT, env=environment, check=True, timeout=300)
    return list(_steps((folder / "log").read_bytes()))


def _steps(log: bytes) -> Iterator[Step]:
    at = 0
    while at < len(log):
        kind, name, offset, size = _HEAD.unpack_from(log, at)
        at += _HEAD.size
        yield Step(kind.decode(), name.rstrip(b"\0").decode(), offset, log[at : at + size])
        at += size


class Cut:
    """The disk after the first ``count`` steps, and what had been promised by then."""

    def __init__(self, steps: list[Step], count: int, chance: random.Random) -> None:
        self.files: dict[str, bytearray] = {}
        self.owed: set[int] = set()
        self.acknowledged: set[int] = set()
        unsynced: dict[str, list[Step]] = {}
        for step in steps[:count]:
            self._take(step, unsynced)
        for waiting in unsynced.values():
            self._survive(waiting, chance)

    def _take(self, step: Step, unsynced: dict[str, list[Step]]) -> None:
        match step.kind:
            case "P":
                self._promise(step.data)
            case "U":
                self.files.pop(step.name, None)
                unsynced.pop(step.name, None)
            case "S":
                for waiting in unsynced.pop(step.name, []):
                    self._apply(waiting)
            case _:
                self.files.setdefault(step.name, bytearray())
                unsynced.setdefault(step.name, []).append(step)

    def _promise(self, data: bytes) -> None:
        for what, first, last in _LINE.iter_unpack(data):
            seqs = set(range(first, last + 1))
            if what == b"+":
                self.owed |= seqs
            else:
                self.acknowledged |= seqs
                self.owed -= seqs

    def _survive(self, waiting: list[Step], chance: random.Random) -> None:
        """All, nothing, or any part of what was not synced, whole writes or single sectors of them."""
        lot = chance.random()
        for step in waiting if lot >= 0.25 else []:
            if lot < 0.5 or (step.kind == "T" and chance.random() < 0.5):
                self._apply(step)
            elif step.kind == "W":
                self._apply_torn(step, chance)

    def _apply_torn(self, step: Step, chance: random.Random) -> None:
        size = SECTOR if chance.random() < 0.5 else len(step.data)
        for start in range(0, len(step.data), size):
            if chance.random() < 0.5:
                self._apply(Step("W", step.name, step.offset + start, step.data[start : start + size]))

    def _apply(self, step: Step) -> None:
        content = self.files.setdefault(step.name, bytearray())
        if step.kind == "T":
            del content[step.offset :]
            return
        end = step.offset + len(step.data)
        content.extend(bytes(max(0, end - len(content))))
        content[step.offset : end] = step.data

    def judged(self, folder: Path, vault: Vault = PLAIN) -> str:
        """``sound``, or what went wrong: ``lost`` (owed and gone), ``corrupt``."""
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        for name, content in self.files.items():
            (folder / name).write_bytes(content)
        database = vault.connect(folder / "outbox.db")
        try:
            with vault.plainly():
                if database.execute("PRAGMA integrity_check").fetchone()[0] != "ok":
                    return "corrupt"
                there = {seq for (seq,) in database.execute("SELECT seq FROM owed")}
        except sqlite3.DatabaseError as error:
            return "lost" if "no such table" in str(error) else "corrupt"
        finally:
            database.close()
        return "sound" if self.owed <= there else "lost"


def cuts(steps: list[Step], count: int, folder: Path, chance: random.Random, vault: Vault = PLAIN) -> Counter[str]:
    """Cut the power at ``count`` moments after the first promise and say how each ended."""
    first = next(at for at, step in enumerate(steps) if step.kind == "P")
    moments = (chance.randint(first + 1, len(steps)) for _ in range(count))
    return Counter(Cut(steps, moment, chance).judged(folder, vault) for moment in moments)
