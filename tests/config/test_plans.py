"""Plans are strict: a bad file is refused whole, with its name and the key."""

from pathlib import Path

import pytest

from config.catalogue import has
from config.errors import SettingsError
from config.plans import ENGINE_ITEMS, default_plans, load_plans, plan_for

GOOD = """
[[plan]]
id = "a"
market = "CN"
fuel = "petrol"
severity = "normal"
item = "oil_and_filter"
repeat_km = 5000
repeat_months = 6
source = "a handbook"
"""


def _load(folder: Path, text: str) -> object:
    (folder / "plan.toml").write_text(text, encoding="utf-8")
    return load_plans(folder)


def test_the_plan_for_petrol_cars_in_china_is_5000_km_or_6_months() -> None:
    row = plan_for(default_plans(), market="CN", fuel="petrol")[0]

    assert (row.item, row.repeat_m, row.repeat_months) == ("oil_and_filter", 5_000_000, 6)
    assert (row.lead_m, row.lead_days) == ((1_000_000, 500_000), (30, 14))


def test_every_plan_names_its_source() -> None:
    assert all(row.source for row in default_plans())


def test_an_electric_car_gets_no_oil_service() -> None:
    items = {row.item for row in plan_for(default_plans(), market="CN", fuel="electric")}

    assert {"electric_check", "inverter_coolant"} <= items
    assert items.isdisjoint(ENGINE_ITEMS)


def test_every_item_of_a_plan_has_a_name() -> None:
    assert [row.id for row in default_plans() if not has(f"service.{row.item}")] == []


def test_an_unread_fuel_gets_the_shortest_interval() -> None:
    assert plan_for(default_plans(), market="CN", fuel="")


def test_the_most_specific_plan_wins(tmp_path: Path) -> None:
    general = GOOD.replace('"a"', '"b"').replace('"CN"', '"*"').replace("5000", "15000")
    (tmp_path / "one.toml").write_text(GOOD, encoding="utf-8")
    (tmp_path / "two.toml").write_text(general, encoding="utf-8")
    plans = load_plans(tmp_path)

    assert [row.id for row in plan_for(plans, market="CN", fuel="petrol")] == ["a"]
    assert [row.id for row in plan_for(plans, market="DE", fuel="petrol")] == ["b"]


def test_a_tie_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="'a' and 'b' fit the same cars"):
        _load(tmp_path, GOOD + GOOD.replace('"a"', '"b"'))


@pytest.mark.parametrize(
    ("change", "key"),
    [
        (("repeat_km = 5000", "repeat_km = -1"), "plan.0.repeat_km"),
        (("repeat_km = 5000", "repeat_km = 0"), "plan.0.repeat_km"),
        (("repeat_km = 5000", "repeat_km = 5000.5"), "plan.0.repeat_km"),
        (("repeat_km = 5000", "repeat_miles = 3000"), "plan.0.repeat_miles"),
        (("repeat_months = 6", "repeat_months = true"), "plan.0.repeat_months"),
        (('severity = "normal"', 'severity = "soft"'), "plan.0.severity"),
        (('source = "a handbook"', ""), "plan.0.source"),
        (('market = "CN"', 'market = "China"'), "plan.0.market"),
        (("repeat_km = 5000\nrepeat_months = 6", ""), "repeat_km, repeat_months"),
        (("repeat_km = 5000", "repeat_km = 5000\nlead_km = [500, 1000]"), "lead_km"),
        (("[[plan]]", "[[plans]]"), "plan"),
        (("repeat_km = 5000", "repeat_km ="), "TOML"),
    ],
)
def test_a_bad_plan_names_file_and_key(tmp_path: Path, change: tuple[str, str], key: str) -> None:
    with pytest.raises(SettingsError) as caught:
        _load(tmp_path, GOOD.replace(*change))

    assert "plan.toml" in str(caught.value)
    assert key in str(caught.value)
