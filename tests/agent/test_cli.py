"""The command line: what goes to which stream, which exit code, and never a traceback."""

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog
from typer.testing import CliRunner

from agent.cli import app
from agent.stores import open_stores
from config.settings import Settings, StorageSettings
from evidence.snapshot import Snapshot
from sync.clock import SystemClock
from tests.simulated import simulated

COMMANDS = ("run", "scan", "replay", "judge", "doctor", "demo")
HELP_S = 0.4  # on a desk's machine; the suite may share its cores, so the test allows three times that


@pytest.fixture
def cli(monkeypatch: pytest.MonkeyPatch) -> Iterator[CliRunner]:
    monkeypatch.setenv("LANG", "en_US.UTF-8")
    for name in ("LC_ALL", "LC_MESSAGES", "FORECOURT_DEBUG"):
        monkeypatch.delenv(name, raising=False)
    yield CliRunner()
    structlog.reset_defaults()  # ``run`` sends the logs of its process to its own stderr


def test_help_names_every_command(cli: CliRunner) -> None:
    said = cli.invoke(app, ["--help"])

    assert said.exit_code == 0
    assert all(command in said.stdout for command in COMMANDS)


def test_help_comes_at_once() -> None:
    def took_s() -> float:
        begun = time.perf_counter()
        subprocess.run([sys.executable, "-c", "from agent.cli import main; main()", "--help"], check=True, stdout=-3)
        return time.perf_counter() - begun

    assert min(took_s() for _ in range(3)) < 3 * HELP_S


def test_help_imports_none_of_the_work() -> None:
    seen = subprocess.run(
        [sys.executable, "-c", "import sys, agent.cli; print(*sys.modules)"], check=True, capture_output=True, text=True
    ).stdout.split()

    assert not {"pydantic", "rich.table", "structlog", "uvicorn", "obd", "paho", "collector.watch"} & set(seen)


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["scan"], 2, "--adapter"),
        (["scan", "--adapter", "ttyUSB0"], 2, "give --adapter an address"),
        (["scan", "--adapter", "tcp:127.0.0.1:9", "--depth", "deep"], 2, "quick or full"),
        (["scan", "--adapter", "tcp:127.0.0.1:9", "--dash-km", "many"], 2, "whole kilometres"),
        (["scan", "--adapter", "tcp:127.0.0.1:9", "--vin", "X"], 2, "17"),
        (["scan", "--adapter", "tcp:127.0.0.1:9"], 3, "adapter"),
        (["scan", "--adapter", "serial:/dev/not-there"], 3, "port"),
        (["scan", "--adapter", "ble:my-adapter"], 2, "give --adapter an address"),
        (["scan", "--adapter", "tcp:127.0.0.1:9", "--lang", "fr"], 2, "en or zh"),
        (["run", "--config", "/not/there.toml"], 2, "no such file"),
        (["judge", "/not/there.jsonl"], 2, "cannot be read"),
        (["replay", "/not/there.json"], 2, "cannot be read"),
        (["frob"], 2, "frob"),
    ],
)
def test_each_mistake_is_said_plainly(cli: CliRunner, arguments: list[str], code: int, words: str) -> None:
    result = cli.invoke(app, arguments)

    assert (result.exit_code, result.stdout) == (code, "")
    assert words in result.stderr
    assert "Traceback" not in result.stderr


def test_an_unknown_setting_is_one_line(cli: CliRunner, tmp_path: Path) -> None:
    config = tmp_path / "forecourt.toml"
    config.write_text('[mqtt]\nurll = "mqtt://x"\n', encoding="utf-8")

    result = cli.invoke(app, ["run", "--config", str(config)])

    assert result.exit_code == 2
    assert result.stderr.strip().count("\n") == 0
    assert "mqtt.urll" in result.stderr


@pytest.mark.parametrize(("language", "words"), [("en", "need the library bleak"), ("zh", "需要 bleak 库")])
@pytest.mark.parametrize("command", ["scan", "run"])
def test_a_missing_library_for_low_energy_is_one_line_that_names_the_extra(
    cli: CliRunner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str, language: str, words: str
) -> None:
    monkeypatch.setitem(sys.modules, "bleak", None)
    config = tmp_path / "forecourt.toml"
    bay = '[[bay]]\nname = "1"\nadapter = "ble:AA:BB:CC:DD:EE:FF"\n'
    config.write_text(f'[storage]\ndirectory = "{tmp_path}"\n{bay}', encoding="utf-8")
    adapter = ["--adapter", "ble:AA:BB:CC:DD:EE:FF"] if command == "scan" else []

    result = cli.invoke(app, [command, *adapter, "--config", str(config), "--lang", language])

    assert (result.exit_code, result.stdout) == (2, "")
    assert words in result.stderr
    assert "forecourt[ble]" in result.stderr
    assert result.stderr.strip().count("\n") == 0


def test_two_bays_with_one_adapter_are_refused(cli: CliRunner, tmp_path: Path) -> None:
    config = tmp_path / "forecourt.toml"
    bay = '[[bay]]\nname = "Bay {}"\nadapter = "tcp:127.0.0.1:9"\n'
    storage = f'[storage]\ndirectory = "{tmp_path}"\n'
    config.write_text(storage + bay.format(1) + bay.format(2), encoding="utf-8")

    result = cli.invoke(app, ["run", "--config", str(config)])

    assert (result.exit_code, "bay.adapter" in result.stderr) == (2, True)


def test_a_fault_of_our_own_is_one_line_too(cli: CliRunner, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("two\nlines")

    monkeypatch.setattr("agent.scanning.scan_car_once", broken)

    result = cli.invoke(app, ["scan", "--adapter", "tcp:127.0.0.1:9"])

    assert result.exit_code == 3
    assert "RuntimeError: two lines" in result.stderr
    assert "Traceback" not in result.stderr


def test_the_language_follows_the_option_then_the_settings_then_the_system(
    cli: CliRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = ["scan", "--adapter", "nowhere"]
    assert "give --adapter" in cli.invoke(app, asked).stderr
    assert "请用 --adapter" in cli.invoke(app, [*asked, "--lang", "zh"]).stderr
    monkeypatch.setenv("FORECOURT_DEVICE__LANGUAGE", "zh")
    assert "请用 --adapter" in cli.invoke(app, asked).stderr
    assert "give --adapter" in cli.invoke(app, [*asked, "--lang", "en"]).stderr


def test_what_goes_wrong_is_said_in_the_language_of_the_settings_file(cli: CliRunner, tmp_path: Path) -> None:
    config = tmp_path / "forecourt.toml"
    config.write_text(f'[device]\nlanguage = "zh"\n[storage]\ndirectory = "{tmp_path}"\n', encoding="utf-8")
    asked = ["rekey", "--new", str(tmp_path / "gone"), "--config", str(config)]
    assert "无法读取" in cli.invoke(app, asked).stderr
    assert "cannot be read" in cli.invoke(app, [*asked, "--lang", "en"]).stderr

    config.write_text("language = ", encoding="utf-8")
    assert cli.invoke(app, asked).stderr.count("\n") == 1


def test_judge_prints_one_judgement_a_car(cli: CliRunner, tmp_path: Path) -> None:
    visits = [
        {"at": "2026-01-01T00:00:00Z", "dash_km": 90000, "snapshot": {"vehicle": {"vin": "LFMAP22C9L0000101"}}},
        {"at": "2026-03-01T00:00:00Z", "dash_km": 40000},
    ]
    file = tmp_path / "cars.jsonl"
    file.write_text(json.dumps({"id": "car-1", "market": "CN", "visits": visits}) + "\n\n", encoding="utf-8")

    result = cli.invoke(app, ["judge", str(file), "--json"])

    (judged,) = [json.loads(line) for line in result.stdout.splitlines()]
    assert judged["id"] == "car-1"
    assert {check["check"] for check in judged["checks"]} == {f"K{number}" for number in range(1, 11)}
    k8 = next(check for check in judged["checks"] if check["check"] == "K8")
    assert k8["result"] == "suspicious"
    assert set(k8) == {"check", "result", "confidence", "evidence"}
    assert "car-1" in cli.invoke(app, ["judge", str(file)]).stdout


@pytest.mark.parametrize("line", ["{", "[]", "7"])
def test_judge_names_the_line_that_is_no_history(cli: CliRunner, tmp_path: Path, line: str) -> None:
    file = tmp_path / "cars.jsonl"
    file.write_text('{"id": "ok"}\n' + line, encoding="utf-8")

    result = cli.invoke(app, ["judge", str(file), "--json"])

    assert (result.exit_code, "line 2" in result.stderr) == (2, True)


def test_judge_leaves_out_a_field_that_says_nothing_and_names_it(cli: CliRunner, tmp_path: Path) -> None:
    file = tmp_path / "cars.jsonl"
    file.write_text('{"id": "x", "visits": [{"dash_km": "far"}]}', encoding="utf-8")

    result = cli.invoke(app, ["judge", str(file), "--json"])

    assert (result.exit_code, json.loads(result.stdout)["id"]) == (0, "x")
    assert "line 1" in result.stderr
    assert "dash_km" in result.stderr


def test_replay_prints_one_line_a_case(cli: CliRunner, tmp_path: Path) -> None:
    file = tmp_path / "odometer.json"
    case = {"id": "c1", "request": "01A6", "link": "can11", "lines": ["7E8 06 41 A6 00 07 FC 58"], "headers": True}
    file.write_text(json.dumps({"schema": "obd-capture/1", "cases": [case]}), encoding="utf-8")

    result = cli.invoke(app, ["replay", str(file), "--json"])

    assert result.exit_code == 0
    assert all(json.loads(line)["id"] for line in result.stdout.splitlines())
    assert cli.invoke(app, ["replay", str(file)]).exit_code == 0


async def test_scan_prints_one_snapshot_and_its_progress_elsewhere() -> None:
    async with simulated("engine-fault") as lot:
        scanned = run_cli("scan", "--adapter", lot.url, "--json", "--plate", "沪A10202", "--dash-km", "86412")

        assert scanned.returncode == 0
        snapshot = Snapshot.model_validate_json(scanned.stdout)
        assert snapshot.vehicle.vin == lot.truth["vin"]
        assert snapshot.vehicle.plate == "沪A10202"
        assert {(part.code, str(part.dtc_class)) for part in snapshot.dtcs} == {
            (dtc["code"], dtc["class"]) for dtc in lot.truth["dtcs"]
        }
        assert str(snapshot.verdict) == lot.truth["verdict"]
        assert sorted({finding.rule for finding in snapshot.findings}) == lot.truth["findings"]
    assert "Reading" in scanned.stderr


async def test_scan_shows_a_person_a_verdict_in_their_language() -> None:
    async with simulated("clean") as lot:
        scanned = run_cli("scan", "--adapter", lot.url, "--depth", "quick", "--lang", "zh")

        assert scanned.returncode == 0
        assert lot.truth["vin"] in scanned.stdout
        assert "未发现矛盾" in scanned.stdout


async def test_a_scan_to_be_saved_asks_no_car_while_another_program_holds_the_box(tmp_path: Path) -> None:
    settings = Settings(storage=StorageSettings(directory=tmp_path))
    async with simulated("clean") as lot, open_stores(settings, SystemClock()):
        refused = await asyncio.to_thread(
            run_cli, "scan", "--adapter", lot.url, "--save", FORECOURT_STORAGE__DIRECTORY=str(tmp_path)
        )

    assert refused.returncode == 3
    assert "in use by another process" in refused.stderr
    assert lot.summary["requests"] == 0


async def test_a_saved_scan_waits_in_the_outbox_and_the_next_one_knows_the_car(tmp_path: Path) -> None:
    async with simulated("clean") as lot:
        storage = {"FORECOURT_STORAGE__DIRECTORY": str(tmp_path)}
        saved = run_cli("scan", "--adapter", lot.url, "--depth", "quick", "--save", "--json", **storage)
        assert saved.returncode == 0

        again = run_cli("scan", "--adapter", lot.url, "--depth", "quick", "--save", "--json", **storage)

        assert json.loads(again.stdout)["purpose"] == "re_read"
        assert (tmp_path / "outbox.db").exists()


def run_cli(*arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    """A process of its own, as a person starts it."""
    return subprocess.run(
        [sys.executable, "-P", "-c", "from agent.cli import main; main()", *arguments],
        env=dict(os.environ, LANG="en_US.UTF-8", COLUMNS="200", PYTHONUTF8="1", **environment),
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )
