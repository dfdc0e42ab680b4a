"""The command ``forecourt-office``: one line and an exit code for each way it can end."""

import json
import signal
import socket
from pathlib import Path

import httpx

from tests.backoffice.office_process import config_file, finish, start


def test_run_says_where_it_listens_serves_and_ends_cleanly_on_sigterm(tmp_path: Path) -> None:
    process = start("run", "--config", str(config_file(tmp_path)))
    assert process.stdout is not None
    url = json.loads(process.stdout.readline())["url"]
    health = httpx.get(f"{url}/healthz", timeout=10).json()
    busy = finish(start("migrate", "--config", str(config_file(tmp_path))))
    process.send_signal(signal.SIGTERM)
    code, out, err = finish(process)

    assert health["status"] == "ok"
    assert (code, out) == (0, "")
    assert "Traceback" not in err
    assert busy[0] == 2
    assert busy[2].count("\n") == 1
    assert "another forecourt-office uses this file" in busy[2]


def test_migrate_is_safe_to_run_again(tmp_path: Path) -> None:
    config = str(config_file(tmp_path))
    results = [finish(start("migrate", "--config", config)) for _ in range(2)]

    assert results == [(0, '{"database": "up to date", "records": 0}\n', "")] * 2


def test_a_port_in_use_is_the_owners_choice(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        config = config_file(tmp_path, http_port=taken.getsockname()[1])
        code, out, err = finish(start("run", "--config", str(config)))

    assert (code, out) == (2, "")
    assert err.count("\n") == 1
    assert "set http.port" in err


def test_a_state_directory_that_cannot_be_used_is_the_worlds_failure(tmp_path: Path) -> None:
    config = config_file(tmp_path)
    (tmp_path / "state").write_text("in the way")
    code, _, err = finish(start("ingest", "--config", str(config)))

    assert code == 3
    assert err.count("\n") == 1


def test_an_unknown_key_is_named(tmp_path: Path) -> None:
    (tmp_path / "office.toml").write_text("colour = 1\n")
    code, _, err = finish(start("run", "--config", str(tmp_path / "office.toml")))

    assert code == 2
    assert err == f"forecourt-office: {tmp_path}/office.toml: unknown setting 'colour'; remove it or correct its name\n"
