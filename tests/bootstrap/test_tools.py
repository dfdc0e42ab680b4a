"""Tools for the tests by apt: asked for together, one by one when that fails, and never a reason to fail."""

import os
from pathlib import Path

import pytest

from bootstrap.tools import Tool, get_tools, has_library

APT = """#!/bin/sh
echo "$@" >> "$JOURNAL"
case "$*" in *unknown*) echo "E: Unable to locate package unknown" >&2; exit 100;; esac
case "$*" in *socat*) touch "$TOOLS/socat";; esac
"""


@pytest.fixture
def journal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An apt-get that writes down how it was called, and a sudo that needs no password."""
    programs = tmp_path / "bin"
    programs.mkdir()
    for name, text in (("apt-get", APT), ("sudo", '#!/bin/sh\n[ "$1" = -n ] && shift\nexec "$@"\n')):
        (programs / name).write_text(text)
        (programs / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("JOURNAL", str(tmp_path / "journal"))
    monkeypatch.setenv("TOOLS", str(tmp_path))
    monkeypatch.delenv("NO_APT", raising=False)
    return tmp_path / "journal"


def calls(journal: Path) -> list[str]:
    lines = journal.read_text().splitlines() if journal.exists() else []
    return [line.split("DPkg::Lock::Timeout=120 ")[1] for line in lines if not line.endswith(" update")]


def socat(folder: Path) -> Tool:
    return Tool("socat", "socat", (folder / "socat").exists)


def test_nothing_is_asked_for_when_everything_is_there(journal: Path, tmp_path: Path) -> None:
    (tmp_path / "socat").touch()

    get_tools([socat(tmp_path)])

    assert calls(journal) == []


def test_a_missing_tool_is_brought(journal: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    get_tools([socat(tmp_path)])

    assert calls(journal) == ["--no-install-recommends install socat"]
    assert "skipped" not in capsys.readouterr().err


def test_one_unknown_package_costs_only_itself(
    journal: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    get_tools([Tool("a rare thing", "unknown", lambda: False), socat(tmp_path)])

    assert calls(journal)[-1] == "--no-install-recommends install socat"
    said = capsys.readouterr().err
    assert "a rare thing is missing, so the tests that need it are skipped (package unknown)" in said
    assert "socat is missing" not in said


def test_apt_is_left_alone_when_told_so(
    journal: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("NO_APT", "1")

    get_tools([socat(tmp_path)])

    assert calls(journal) == []
    assert "socat is missing" in capsys.readouterr().err


def test_a_machine_without_apt_only_names_what_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    get_tools([socat(tmp_path)])

    assert "socat is missing" in capsys.readouterr().err


def test_a_library_is_there_when_the_loader_finds_it() -> None:
    assert has_library("libc.so.6")()
    assert not has_library("libnobody-has-this.so.9")()
