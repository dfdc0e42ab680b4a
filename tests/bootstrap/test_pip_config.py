"""pip's settings: variables outrank the user's file, which outranks the machine's."""

from pathlib import Path

import pytest

from bootstrap.pip_config import pip_setting


@pytest.fixture
def variables(tmp_path: Path) -> dict[str, str]:
    (tmp_path / ".pip").mkdir()
    (tmp_path / ".config" / "pip").mkdir(parents=True)
    (tmp_path / ".pip" / "pip.conf").write_text("[global]\nindex-url = https://old.example/simple\ntimeout = 9\n")
    (tmp_path / ".config" / "pip" / "pip.conf").write_text("[global]\nindex-url = https://user.example/simple\n")
    return {"HOME": str(tmp_path)}


def test_the_newer_place_of_the_users_file_wins(variables: dict[str, str]) -> None:
    assert pip_setting("index-url", variables) == "https://user.example/simple"
    assert pip_setting("timeout", variables) == "9"


def test_a_variable_wins_over_every_file(variables: dict[str, str]) -> None:
    variables["PIP_INDEX_URL"] = "https://variable.example/simple"

    assert pip_setting("index-url", variables) == "https://variable.example/simple"


def test_the_section_of_the_install_command_wins_over_the_global_one(variables: dict[str, str], tmp_path: Path) -> None:
    named = tmp_path / "named.conf"
    named.write_text("[global]\nfind-links = /global\n[install]\nfind-links = /install\n")
    variables["PIP_CONFIG_FILE"] = str(named)

    assert pip_setting("find-links", variables) == "/install"


def test_a_file_that_is_no_configuration_is_passed_over(variables: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / ".config" / "pip" / "pip.conf").write_bytes(b"\xff\xfe nonsense")

    assert pip_setting("timeout", {**variables, "PIP_CONFIG_FILE": "/dev/null"}) == ""
