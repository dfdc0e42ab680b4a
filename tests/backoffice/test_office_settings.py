"""Settings of the back office."""

from pathlib import Path

import pytest

from backoffice.office_settings import load_office_settings
from config.errors import SettingsError


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "office.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_defaults_serve_this_machine_only() -> None:
    settings = load_office_settings()

    assert (settings.http.host, settings.http.port) == ("127.0.0.1", 8780)
    assert settings.database_url.startswith("sqlite+aiosqlite:///")


def test_the_environment_outranks_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORECOURT_OFFICE_HTTP__PORT", "9001")

    assert load_office_settings(written(tmp_path, "[http]\nport = 9000\n")).http.port == 9001


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("colour = 1", "unknown setting 'colour'"),
        ("[mqtt]\nhost = 'x'", "unknown setting 'mqtt.host'"),
        ("[http]\nport = 70000", "http.port"),
        ("[database]\nurl = 'mysql://x'", "database.url"),
        ("market = 'china'", "market"),
        ("= 1", "TOML"),
    ],
)
def test_each_mistake_is_one_line_that_names_the_key(tmp_path: Path, text: str, reason: str) -> None:
    with pytest.raises(SettingsError) as refusal:
        load_office_settings(written(tmp_path, text))

    assert reason in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_a_missing_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="no such file"):
        load_office_settings(tmp_path / "none.toml")


@pytest.mark.parametrize(
    "address",
    ["office:se@same@h/db", "office:sesame@h:port/db", "office:ses/ame@h/db", "h/d@b", "h/db?password=sesame"],
)
def test_a_database_address_that_would_be_misread_is_refused_without_showing_it(tmp_path: Path, address: str) -> None:
    with pytest.raises(SettingsError) as refusal:
        load_office_settings(written(tmp_path, f"[database]\nurl = 'postgresql+asyncpg://{address}'\n"))

    assert "database.url" in str(refusal.value)
    assert not any(part in str(refusal.value) for part in ("same", "ses"))
