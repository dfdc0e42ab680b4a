"""Settings: the file, the environment above it, one clear line for every mistake, and none that nobody reads."""

from pathlib import Path

import pytest
from pydantic import BaseModel

from backoffice.office_settings import OfficeSettings
from config.errors import SettingsError
from config.settings import Settings, load_settings

ROOT = Path(__file__).parent.parent.parent
PRODUCT = ("agent", "backoffice", "collector", "config", "sync")
EXAMPLE = """\
[device]
id = "box-1"
[[bay]]
name = "Bay 1"
adapter = "tcp:192.168.0.10:35000"
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "forecourt.toml"
    path.write_text(text, encoding="utf-8")
    return path


def leaves(model: type[BaseModel]) -> set[str]:
    """Names of all settings, those in sections included."""
    found: set[str] = set()
    for name, info in model.model_fields.items():
        inner = [t for t in (info.annotation, *getattr(info.annotation, "__args__", ())) if isinstance(t, type)]
        sections = [t for t in inner if issubclass(t, BaseModel)]
        found |= set().union(*map(leaves, sections)) if sections else {name}
    return found


def test_without_a_file_everything_has_a_default() -> None:
    assert load_settings().bay == ()


def test_the_file_is_read_and_the_environment_outranks_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORECOURT_DEVICE__ID", "box-2")

    settings = load_settings(written(tmp_path, EXAMPLE))

    assert settings.bay[0].adapter == "tcp:192.168.0.10:35000"
    assert settings.device.id == "box-2"


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ('[device]\ncolour = "red"', "device.colour"),
        ('[device]\nid = "Box 1"', "device.id"),
        ('[[bay]]\nname = "B"\nadapter = "usb"', "bay.0.adapter"),
        ("[mqtt]\nwindow_batches = 99", "mqtt.window_batches"),
        ('[page]\nhost = "0.0.0.0"', "page.host"),
        ("[device", "not readable as TOML"),
    ],
)
def test_a_mistake_is_one_line_that_names_the_key_and_the_file(tmp_path: Path, text: str, named: str) -> None:
    with pytest.raises(SettingsError) as wrong:
        load_settings(written(tmp_path, text))

    assert named in str(wrong.value)
    assert "forecourt.toml" in str(wrong.value)
    assert "\n" not in str(wrong.value)


def test_the_same_mistake_is_said_in_chinese(tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as wrong:
        load_settings(written(tmp_path, "[mqtt]\nwindow_batches = 99"))

    assert "mqtt.window_batches" in wrong.value.zh
    assert "不得大于 64" in wrong.value.zh
    assert "at most 64" in str(wrong.value)


def test_a_file_that_is_not_there_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="no such file"):
        load_settings(tmp_path / "missing.toml")


@pytest.mark.parametrize("model", [Settings, OfficeSettings])
def test_no_setting_exists_that_the_product_does_not_read(model: type[BaseModel]) -> None:
    code = "".join(path.read_text(encoding="utf-8") for folder in PRODUCT for path in (ROOT / folder).rglob("*.py"))

    assert [name for name in sorted(leaves(model)) if f".{name}" not in code] == []
