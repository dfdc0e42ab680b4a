"""``docs/reference/adapter-quirks.md`` is complete: each line has a test, and no text, adapter or fault is left out."""

import re
from pathlib import Path

import pytest

from protocols.elm327 import Notice
from simulator.faults import FAULTS as KINDS
from simulator.profiles import PROFILES
from tests.collector.test_scan import FAULTS

ROOT = Path(__file__).parent.parent.parent
TABLE = (ROOT / "docs" / "reference" / "adapter-quirks.md").read_text(encoding="utf-8")
NAMED = sorted(set(re.findall(r"`((?:collector|protocols)/test_\w+)::(test_\w+)`", TABLE)))
ROWS = [line for line in TABLE.splitlines() if line.startswith("|") and not re.match(r"\|(?: text| quirk|---)", line)]


@pytest.mark.parametrize(("module", "name"), NAMED)
def test_a_test_that_the_table_names_exists(module: str, name: str) -> None:
    source = (ROOT / "tests" / f"{module}.py").read_text(encoding="utf-8")

    assert re.search(rf"^(?:async )?def {name}\(", source, re.MULTILINE)


def test_every_line_names_its_test() -> None:
    assert len(ROWS) > 70
    assert [row for row in ROWS if "::test_" not in row] == []


def test_every_notice_of_the_session_stands_in_the_table() -> None:
    assert [notice.name for notice in Notice if f"| {notice.name} |" not in TABLE] == []


def test_every_simulated_adapter_and_fault_stands_in_the_table() -> None:
    assert [name for name in (*PROFILES, *KINDS) if f"`{name}`" not in TABLE] == []


def test_every_fault_of_the_simulator_is_met() -> None:
    assert {fault.partition("=")[0] for fault in FAULTS} == set(KINDS)
