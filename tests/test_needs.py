"""The rule for missing tools: named, skipped at a desk, failed in CI, told at the end."""

import pytest

from tests import needs
from tests.conftest import budgets, part_of, skips_by_reason
from tests.needs import missing_for, need_program, unmet


@pytest.fixture
def empty_machine(tmp_path: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(needs, "SBIN", "")


@pytest.mark.usefixtures("empty_machine")
def test_every_missing_tool_is_named_with_its_package() -> None:
    assert missing_for("broker") == ["mosquitto (package mosquitto)"]
    assert missing_for("browser") == ["Chromium (package chromium)", "a Chinese font (package fonts-wqy-microhei)"]
    assert missing_for("peer") == []


def test_a_missing_tool_is_a_skip_at_a_desk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CI", raising=False)

    with pytest.raises(pytest.skip.Exception, match="needs socat"):
        unmet("socat")


@pytest.mark.usefixtures("empty_machine")
def test_a_missing_tool_is_a_failure_in_ci(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "true")

    with pytest.raises(pytest.fail.Exception, match="needs socat"):
        need_program("socat", "socat")


def test_an_installed_program_is_found() -> None:
    assert need_program("sh", "dash").name == "sh"


def test_skips_are_gathered_under_their_reason() -> None:
    reports = [
        pytest.TestReport(name, ("", 0, ""), {}, "skipped", ("file.py", 1, f"Skipped: needs {tool}"), "setup")
        for name, tool in (("a", "socat"), ("b", "mosquitto"), ("c", "socat"))
    ]

    assert skips_by_reason(reports) == {"needs socat": ["a", "c"], "needs mosquitto": ["b"]}


@pytest.mark.parametrize(
    ("node_id", "part"),
    [("tests/sync/test_outbox.py::test_a", "tests/sync"), ("tests/evidence/checks/test_k1.py::x", "tests/evidence"),
     ("tests/test_docs.py::test_a[x/y]", "tests/")],
)  # fmt: skip
def test_a_test_belongs_to_its_folder(node_id: str, part: str) -> None:
    assert part_of(node_id) == part
    assert part in budgets()
