"""Keeps the daemon small and quick to start: what is loaded on the way that a daemon never uses, and how."""

import ctypes
import gc
import importlib
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

M_ARENA_MAX = -8  # malloc.h of glibc


def load_without(unwanted: str, library: str) -> None:
    """Import ``library`` as if ``unwanted`` were not installed; does nothing when either is loaded already."""
    if unwanted in sys.modules or library in sys.modules:
        return
    sys.modules[unwanted] = None  # type: ignore[assignment]  # what the import system takes for "not there"
    try:
        importlib.import_module(library)
    finally:
        del sys.modules[unwanted]


def look_for_no_plugins() -> None:
    """Keep pydantic from looking for extensions in all that is installed: 10 ms, and 80 from a cold disk."""
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")


def share_one_heap() -> None:
    """Before any thread: all take from one heap of the C library, where each of ours would keep one of its own.

    The daemon's threads mostly wait; their heaps held 5 MB. Does nothing where the C library is not glibc.
    """
    if sys.platform == "linux" and (mallopt := getattr(ctypes.CDLL(None), "mallopt", None)) is not None:
        mallopt(M_ARENA_MAX, 1)


@contextmanager
def nothing_collected() -> Iterator[None]:
    """Load with the garbage collector at rest: code is not garbage, and looking for some was a tenth of the start.

    What is there afterwards is left out of its later looks, too.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
