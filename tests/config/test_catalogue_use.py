"""Every catalogue key that the code or a page writes out exists: a missing sentence is found here, not by a person."""

import re
from collections.abc import Iterable
from pathlib import Path

import pytest

from config.catalogue import keys
from config.settings import BaySettings

ROOT = Path(__file__).parents[2]
_KEY = re.compile(r"""["'](@?)([a-z_]+(?:\.[A-Za-z0-9_]+)+)["']""")
_SECTIONS = {key.split(".")[0] for key in keys()}
# settings are named like keys
_SETTINGS = {f"bay.{name}" for name in BaySettings.model_fields}
# file names and module paths that look like keys
_FILES = re.compile(r"\.(html|css|js|db|toml|json|sql|pid|log|md|svg|txt|xml|sock|csv|service)$")


def _sources() -> Iterable[Path]:
    for folder in ("agent", "backoffice", "collector", "evidence"):
        yield from sorted((ROOT / folder).rglob("*.py"))
        yield from sorted((ROOT / folder).rglob("*.html"))


@pytest.mark.parametrize("source", list(_sources()), ids=lambda path: str(path.relative_to(ROOT)))
def test_every_key_written_in_the_code_exists(source: Path) -> None:
    named = {key for _, key in _KEY.findall(source.read_text(encoding="utf-8"))}
    ours = {key for key in named if key.split(".")[0] in _SECTIONS and not _FILES.search(key)} - _SETTINGS

    missing = {key for key in ours if not _exists(key)}
    assert missing == set()


def _exists(key: str) -> bool:
    """A key, a rule's id, or the beginning of keys that the code completes."""
    begins = key.endswith("_") and any(other.startswith(key) for other in keys())
    return begins or key in keys() or f"rule.{key}.title" in keys()
