"""Keeps the daemon small: a library is loaded without another that it would use only for what a daemon never does."""

import importlib
import sys


def load_without(unwanted: str, library: str) -> None:
    """Import ``library`` as if ``unwanted`` were not installed; does nothing when either is loaded already."""
    if unwanted in sys.modules or library in sys.modules:
        return
    sys.modules[unwanted] = None  # type: ignore[assignment]  # what the import system takes for "not there"
    try:
        importlib.import_module(library)
    finally:
        del sys.modules[unwanted]
