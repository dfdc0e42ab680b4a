"""The command ``forecourt-office``: one line and an exit code for each way it can end."""

import json
import signal
import socket
from pathlib import Path

import httpx
import pytest
from typer.testing import CliRunner, Result

from backoffice.cli import app
from tests.backoffice.office_process import config_file, finish, start


@pytest.fixture(autouse=True)
def no_settings_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FORECOURT_OFFICE_HTTP__PORT", raising=False)


def office(*arguments: str) -> Result:
    return CliRunner().invoke(app, arguments)


def test_run_says_where_it_listens_serves_and_ends_cleanly_on_sigterm(tmp_path: Path) -> None:
    process = start("run", "--config", str(config_file(tmp_path)))
    assert process.stdout is not None
    url = json.loads(process.stdout.readline())["url"]
    health = httpx.get(f"{url}/healthz", timeout=10).json()
    busy = office("migrate", "--config", str(config_file(tmp_path)))
    process.send_signal(signal.SIGTERM)
    code, out, err = finish(process)

    assert health["status"] == "ok"
    assert (code, out) == (0, "")
    assert "Traceback" not in err
    assert (busy.exit_code, busy.stderr.count("\n")) == (2, 1)
    assert "another forecourt-office uses this file" in busy.stderr


def test_migrate_is_safe_to_run_again(tmp_path: Path) -> None:
    results = [office("migrate", "--config", str(config_file(tmp_path))) for _ in range(2)]

    assert [(r.exit_code, r.stdout) for r in results] == [(0, '{"database": "up to date", "records": 0}\n')] * 2


def test_a_port_in_use_is_the_owners_choice(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        config = config_file(tmp_path, http_port=taken.getsockname()[1])
        result = office("run", "--config", str(config))

    assert (result.exit_code, result.stdout, result.stderr.count("\n")) == (2, "", 1)
    assert "set http.port" in result.stderr


def test_a_state_directory_that_cannot_be_used_is_the_worlds_failure(tmp_path: Path) -> None:
    config = config_file(tmp_path)
    (tmp_path / "state").write_text("in the way")
    result = office("ingest", "--config", str(config))

    assert (result.exit_code, result.stderr.count("\n")) == (3, 1)


def test_an_unknown_key_is_named(tmp_path: Path) -> None:
    path = tmp_path / "office.toml"
    path.write_text("colour = 1\n")
    result = office("run", "--config", str(path))

    assert result.exit_code == 2
    assert result.stderr == f"forecourt-office: {path}: unknown setting 'colour'; remove it or correct its name\n"


def test_a_channel_address_that_nobody_knows_is_refused_before_anything_starts(tmp_path: Path) -> None:
    config = config_file(tmp_path)
    config.write_text(config.read_text() + "[alerts]\napprise_urls = ['nosuch://x:secret@y']\n")
    result = office("run", "--config", str(config))

    assert (result.exit_code, result.stdout, result.stderr.count("\n")) == (2, "", 1)
    assert "secret" not in result.stderr
    assert not (tmp_path / "state").exists()


@pytest.mark.parametrize(
    ("arguments", "toml", "said"),
    [
        (["ingest", "--workers", "3"], "", "--workers 3：一个 SQLite 文件只能由一个进程写入。"),
        (["migrate"], '[database]\ndirectory = "/proc/1/none"\n', "请检查路径及其所有者。"),
    ],
)
def test_a_failure_is_told_in_chinese_too(
    arguments: list[str], toml: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("LC_ALL", "LC_MESSAGES"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LANG", "zh_CN.UTF-8")
    config = config_file(tmp_path)
    if toml:
        config.write_text(toml, encoding="utf-8")

    result = office(*arguments, "--config", str(config))

    assert result.exit_code in (2, 3)
    assert said in result.stderr
    assert result.stderr.count("\n") == 1
