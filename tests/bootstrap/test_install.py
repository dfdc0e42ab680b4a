"""Installing: uv hears what only pip would know, and a broken uv is stepped over."""

from pathlib import Path

import pytest

from bootstrap.install import install_step, usable_uv, uv_options


def test_uv_is_told_what_only_pip_would_know() -> None:
    variables = {
        "PIP_CONFIG_FILE": "/dev/null",
        "PIP_INDEX_URL": "https://mirror.example/simple",
        "PIP_EXTRA_INDEX_URL": "https://one.example https://two.example",
        "PIP_FIND_LINKS": "/wheels",
    }

    options = " ".join(uv_options(variables))

    assert options == (
        "--default-index https://mirror.example/simple --index https://one.example --index https://two.example"
        " --find-links /wheels --index-strategy unsafe-best-match"
    )


def test_uvs_own_index_setting_is_left_to_uv() -> None:
    variables = {"PIP_CONFIG_FILE": "/dev/null", "PIP_INDEX_URL": "https://mirror.example", "UV_DEFAULT_INDEX": "x"}

    assert uv_options(variables) == []


def test_a_uv_that_does_not_answer_is_no_uv(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stub = tmp_path / "uv"
    stub.write_text("#!/bin/sh\nexit 127\n")
    stub.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))

    assert usable_uv() is None


def test_an_installers_words_are_shown_only_when_it_fails(capsys: pytest.CaptureFixture[str]) -> None:
    assert install_step(["sh", "-c", "echo noise"], {"PATH": "/bin:/usr/bin"})
    assert not install_step(["sh", "-c", "echo the reason; exit 1"], {"PATH": "/bin:/usr/bin"})

    assert capsys.readouterr().err == "the reason\n"
