"""The systemd unit: understood without a word of complaint, shut in, and in step with the settings."""

import re
import subprocess
from pathlib import Path

import pytest

from config.settings import Settings
from sync.storage_key import CREDENTIAL
from tests.needs import need_program

UNIT = Path(__file__).parent.parent / "deploy" / "forecourt.service"
HOW_TO = UNIT.parent.parent / "docs" / "how-to"
EXPOSURE_LIMIT = 3.0


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """The unit as on a box, with a program in the place of /opt/forecourt, which is not on this machine."""
    unit = tmp_path / UNIT.name
    unit.write_text(re.sub(r"(?m)^ExecStart=\S+", "ExecStart=/bin/true", UNIT.read_text()))
    return unit


def analyze(*arguments: object) -> subprocess.CompletedProcess[str]:
    program = need_program("systemd-analyze", "systemd")
    command = [str(part) for part in (program, *arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_systemd_has_nothing_to_say_about_it(installed: Path) -> None:
    done = analyze("verify", installed)

    assert done.stdout + done.stderr == ""
    assert done.returncode == 0


def test_it_is_shut_in(installed: Path) -> None:
    done = analyze("security", "--offline=true", "--no-pager", installed)

    found = re.search(r"exposure level for \S+: ([0-9.]+)", done.stdout)
    assert found, done.stderr
    assert float(found[1]) <= EXPOSURE_LIMIT


def test_a_misspelt_line_would_be_noticed(installed: Path) -> None:
    installed.write_text(installed.read_text().replace("ProtectHome=", "ProtectHomes="))

    done = analyze("verify", installed)

    assert "ProtectHomes" in done.stderr


def test_it_starts_by_console_script_and_imports_nothing_from_the_folder_it_stands_in() -> None:
    text = UNIT.read_text()

    assert re.search(r"(?m)^ExecStart=\S+/bin/forecourt run --config \S+$", text)
    assert "PYTHONSAFEPATH=1" in text


def test_every_setting_it_gives_exists(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    given = re.findall(r"FORECOURT_([A-Z_]+)=(\S+)", UNIT.read_text())
    for name, value in given:
        monkeypatch.setenv(f"FORECOURT_{name}", value.replace("%S", str(tmp_path)))

    settings = Settings()

    assert given
    assert settings.storage.directory == tmp_path / "forecourt"
    for name, _ in given:
        section, _, key = name.lower().partition("__")
        assert key in type(getattr(settings, section)).model_fields


def test_what_it_keeps_is_encrypted_with_a_credential_that_the_program_takes() -> None:
    given = re.search(r"(?m)^LoadCredentialEncrypted=([^:]+):(/\S+)$", UNIT.read_text())

    assert given and given[1] == CREDENTIAL
    for page in ("encrypt-a-box.md", "encrypt-a-box.zh-CN.md", "set-up-a-bay.md", "set-up-a-bay.zh-CN.md"):
        assert given[2] in (HOW_TO / page).read_text(), page


def test_its_user_is_made_when_it_is_installed() -> None:
    user = re.search(r"(?m)^User=(\S+)$", UNIT.read_text())

    assert user
    for page in ("set-up-a-bay.md", "set-up-a-bay.zh-CN.md"):
        assert re.search(rf"useradd --system .* {user[1]}\n", (HOW_TO / page).read_text()), page


def test_systemd_waits_for_the_page_and_watches_the_loop() -> None:
    text = UNIT.read_text()

    assert "Type=notify" in text
    assert re.search(r"(?m)^WatchdogSec=[1-9]", text)


def test_an_adapter_may_be_plugged_in_after_the_start() -> None:
    """A group of devices named by its driver is left out when the driver comes with the first adapter."""
    allowed = re.findall(r"(?m)^DeviceAllow=(\S+) rw$", UNIT.read_text())

    assert allowed == ["char-188", "char-166"]  # ttyUSB and ttyACM in Documentation/admin-guide/devices.txt of Linux


def test_a_mistake_in_the_settings_is_not_tried_again() -> None:
    assert "RestartPreventExitStatus=2" in UNIT.read_text()
