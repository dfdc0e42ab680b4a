"""A short run of what encryption costs; ``benchmarks/sealed.py`` tells the ratio, which a busy machine would blur."""

from pathlib import Path

import pytest

from benchmarks import sealed as benchmark
from sync.storage_key import new_key
from tests.sealed import need_cipher, telling


def test_the_benchmark_takes_every_record_through_both_and_ends_with_the_ratio(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    need_cipher()
    monkeypatch.setattr("sys.argv", ["sealed.py", "--records", "400", "--turns", "1"])

    benchmark.main()

    last = capsys.readouterr().out.splitlines()[-1]
    assert last.startswith("encrypted / plain: insert ")


async def test_what_it_measures_as_encrypted_is(tmp_path: Path) -> None:
    need_cipher()
    key = tmp_path / "key"
    new_key(key)

    await benchmark.measured(tmp_path / "sealed", 200, key)
    await benchmark.measured(tmp_path / "plain", 200, None)

    assert telling(tmp_path / "sealed", "Vehicle.Speed", benchmark.PAD) == {}
    assert "office/office.db" in telling(tmp_path / "plain", "Vehicle.Speed")
