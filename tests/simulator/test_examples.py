"""The example scenario can be copied with confidence: it loads, it shows every key, and what it says comes true."""

import re
from pathlib import Path
from typing import Any

import pytest

from simulator.library import load
from simulator.toml_reader import Table
from tests.simulator.bench import Bench

EXAMPLE = Path(__file__).parents[2] / "examples" / "my-car.toml"


def test_it_shows_every_key_that_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: set[str] = set()
    value_of = Table._value

    def noted(table: Table, key: str, kind: type, wanted: str, default: Any) -> Any:
        asked.add(key)
        return value_of(table, key, kind, wanted, default)

    monkeypatch.setattr(Table, "_value", noted)
    load(str(EXAMPLE))

    text = EXAMPLE.read_text(encoding="utf-8")
    assert [key for key in sorted(asked) if not re.search(rf"(?m)^(\[+[a-z._]*)?{key}\b", text)] == []


def test_the_how_tos_name_it_in_both_languages() -> None:
    for name in ("simulate-a-car.md", "simulate-a-car.zh-CN.md"):
        text = (EXAMPLE.parents[1] / "docs" / "how-to" / name).read_text(encoding="utf-8")
        assert "(../../examples/my-car.toml)" in text


def test_extended_addressing_needs_its_byte_and_its_own_flow_control() -> None:
    bench = Bench(str(EXAMPLE)).ready()
    for command in ("ATSH6F1", "ATCRA612"):
        bench.ask(command)
    assert bench.lines("22F190") == ["NO DATA"]
    bench.ask("ATCEA12")
    assert bench.lines("22F190") == ["612F1101462F1904C53"]

    for command in ("ATFCSH6F1", "ATFCSD12300000", "ATFCSM1"):
        bench.ask(command)

    assert bench.lines("22F190") == [
        "612F1101462F1904C53",
        "612F12156414134394A",
        "612F122384B32303030",
        "612F123393034000000",
    ]


def test_a_unit_may_ask_for_patience_and_count_differently() -> None:
    bench = Bench(str(EXAMPLE)).ready()
    bench.ask("ATSH7E0")

    assert bench.lines("22295A") == ["7E8037F2278", "7E80662295A00BC50"]
    assert bench.lines("22F187")[1] == "7E8100E62F187303445"
