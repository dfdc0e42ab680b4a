"""An owner's time zone is one that exists, or one line says that it is not; a page never fails over it."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from config.errors import SettingsError
from config.settings import Settings
from config.zones import zone_of

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def test_shanghai_is_eight_hours_before_greenwich() -> None:
    assert NOON.astimezone(zone_of("Asia/Shanghai")).hour == 20


@pytest.mark.parametrize("name", ["", "No/Where", "../etc/passwd"])
def test_a_zone_that_is_not_there_is_read_as_utc(name: str) -> None:
    assert zone_of(name).utcoffset(NOON) == timedelta(0)


def test_a_misspelt_zone_is_refused_in_both_languages_with_an_example(tmp_path: Path) -> None:
    file = tmp_path / "forecourt.toml"
    file.write_text('[device]\ntimezone = "Asia/Shangai"\n', encoding="utf-8")

    with pytest.raises(SettingsError) as refused:
        Settings.load(file)

    assert "'device.timezone': no such time zone; write one like Asia/Shanghai" in str(refused.value)
    assert "没有这个时区" in refused.value.zh
