"""Rules an owner edits while the program runs: taken over whole, or refused with file, line and key."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from config.errors import SettingsError
from config.plans import PLANS, load_plans
from config.rules_in_force import RulesInForce
from config.severity_rules import SEVERITIES, Urgency, default_severities, load_severities, urgency_of

ROW = """
[[plan]]
id = "{id}"
market = "CN"
fuel = "petrol"
severity = "normal"
item = "oil_and_filter"
repeat_km = {km}
source = "a handbook"
"""
RULE = """
[[rule]]
id = "{id}"
code = "{code}"
make = "{make}"
severity = "{severity}"
why = "a reason"
"""


@pytest.fixture
def folders(tmp_path: Path) -> Iterator[tuple[Path, Path]]:
    plans, severities = tmp_path / "plans", tmp_path / "severities"
    plans.mkdir()
    severities.mkdir()
    save(plans / "mine.toml", ROW.format(id="a", km=5000))
    save(severities / "mine.toml", rule("all", "*", severity="soon"))
    yield plans, severities


def rule(name: str, code: str, *, make: str = "*", severity: str = "note") -> str:
    return RULE.format(id=name, code=code, make=make, severity=severity)


def save(path: Path, text: str) -> None:
    """Write as an editor would, at a later moment each time."""
    later = path.stat().st_mtime_ns + 1_000_000 if path.exists() else 1_700_000_000_000_000_000
    path.write_text(text, encoding="utf-8")
    os.utime(path, ns=(later, later))


def test_a_changed_file_is_in_force_at_the_next_look(folders: tuple[Path, Path]) -> None:
    force = RulesInForce(*folders)
    assert not force.refresh()

    save(folders[0] / "mine.toml", ROW.format(id="a", km=7500))

    assert force.refresh()
    assert [row.repeat_m for row in force.rules.plans] == [7_500_000]
    assert not force.refresh()


def test_a_bad_file_is_refused_whole_and_the_old_rules_stay(folders: tuple[Path, Path]) -> None:
    force = RulesInForce(*folders)
    before = force.rules

    save(folders[0] / "mine.toml", ROW.format(id="a", km=7500) + ROW.format(id="b", km=0).replace("CN", "DE"))

    assert not force.refresh()
    assert force.rules == before
    assert "mine.toml:17: key 'plan.1.repeat_km'" in force.refused
    save(folders[0] / "mine.toml", ROW.format(id="a", km=7500))
    assert force.refresh()
    assert force.refused == ""


def test_a_good_plan_beside_a_bad_severity_changes_nothing(folders: tuple[Path, Path]) -> None:
    force = RulesInForce(*folders)
    before = force.rules
    save(folders[0] / "mine.toml", ROW.format(id="a", km=7500))
    save(folders[1] / "mine.toml", rule("x", "P0301", severity="soon").replace("soon", "perhaps"))

    assert not force.refresh()
    assert force.rules == before
    assert "mine.toml:6: key 'rule.0.severity'" in force.refused


def test_a_new_file_and_a_removed_one_are_seen(folders: tuple[Path, Path]) -> None:
    force = RulesInForce(*folders)
    save(folders[1] / "more.toml", rule("misfire", "P0301", severity="stop"))
    assert force.refresh()
    assert len(force.rules.severities) == 2

    (folders[1] / "more.toml").unlink()

    assert force.refresh()
    assert len(force.rules.severities) == 1


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("[[plan]]\nid = 1\n", ":2: key 'plan.0.id'"),
        (ROW.format(id="a", km=5000).replace("market", "markt"), ":4: unknown key 'plan.0.markt'"),
        (ROW.format(id="a", km=-5), ":8: key 'plan.0.repeat_km'"),
        (ROW.format(id="a", km=5000) + "lead_km = [500, 1000]\n", ":10: key 'plan.0.lead_km': must name the earlier"),
        (ROW.format(id="a", km=5000).replace("repeat_km = 5000\n", ""), ":2: plan 'a': give repeat_km"),
        (ROW.format(id="a", km=5000).replace('"petrol"', '["petrol", 5]'), ":5: key 'plan.0.fuel"),
        ("[[plan]\n", "line 1"),
        ("plan = 5\n", "key 'plan'"),
        ("x" * 1_000_001, "larger than"),
    ],
)
def test_every_mistake_names_its_line_and_key(tmp_path: Path, text: str, reason: str) -> None:
    (tmp_path / "p.toml").write_text(text, encoding="utf-8")

    with pytest.raises(SettingsError) as refused:
        load_plans(tmp_path)

    assert reason in str(refused.value)
    assert "p.toml" in str(refused.value)


def test_a_tie_names_the_second_row(tmp_path: Path) -> None:
    (tmp_path / "one.toml").write_text(ROW.format(id="a", km=5000), encoding="utf-8")
    both = ROW.format(id="b", km=6000).replace('"petrol"', '["diesel", "petrol"]')
    (tmp_path / "two.toml").write_text(both, encoding="utf-8")

    with pytest.raises(SettingsError, match=r"two.toml:2: plans 'a' and 'b' fit the same cars"):
        load_plans(tmp_path)


def test_the_rules_that_come_with_the_program_load() -> None:
    assert RulesInForce().rules.plans == load_plans(PLANS)
    assert RulesInForce().rules.severities == load_severities(SEVERITIES)


@pytest.mark.parametrize(
    ("code", "make", "urgency"),
    [
        ("P0301", "", Urgency.STOP),
        ("P0420", "", Urgency.NOTE),
        ("P0420", "BYD", Urgency.IGNORE),
        ("P0421", "BYD", Urgency.SOON),
        ("U1000", "BYD", Urgency.SOON),
        ("P0455", "", Urgency.NOTE),
    ],
)
def test_the_most_specific_rule_decides(tmp_path: Path, code: str, make: str, urgency: Urgency) -> None:
    rules = [
        rule("all", "*", severity="soon"),
        rule("misfire", "P030*", severity="stop"),
        rule("misfire-make", "P03*", make="BYD", severity="ignore"),
        rule("catalyst", "P0420", severity="note"),
        rule("catalyst-byd", "P0420", make="BYD", severity="ignore"),
        rule("leak", "P045*", severity="note"),
    ]
    (tmp_path / "s.toml").write_text("".join(rules), encoding="utf-8")

    assert urgency_of(load_severities(tmp_path), code, make) is urgency


def test_two_rules_for_the_same_codes_are_a_mistake(tmp_path: Path) -> None:
    (tmp_path / "s.toml").write_text(rule("a", "P0301") + rule("b", "P0301", severity="stop"), encoding="utf-8")

    with pytest.raises(SettingsError, match=r"s.toml:11: rules 'a' and 'b' fit the same codes"):
        load_severities(tmp_path)


@pytest.mark.parametrize(
    ("code", "urgency"),
    [("P0301", "stop"), ("P0217", "stop"), ("C0561", "stop"), ("U0121", "stop"), ("P0420", "soon"), ("B1000", "soon")],
)
def test_what_may_stop_or_ruin_a_car_is_urgent_from_the_start(code: str, urgency: str) -> None:
    assert urgency_of(default_severities(), code) == urgency


def test_without_rules_a_code_is_soon() -> None:
    assert urgency_of((), "P0420") is Urgency.SOON


def test_a_folder_without_rules_is_refused_and_leaves_the_old_ones_in_force(folders: tuple[Path, Path]) -> None:
    force = RulesInForce(*folders)
    before = force.rules
    (folders[0] / "mine.toml").unlink()

    assert not force.refresh()
    assert (force.rules, "no .toml file" in force.refused) == (before, True)
    with pytest.raises(SettingsError, match=r"no \.toml file"):
        RulesInForce(folders[0] / "missing", folders[1])


def test_a_number_without_end_is_the_owners_mistake(folders: tuple[Path, Path]) -> None:
    save(folders[0] / "mine.toml", ROW.format(id="a", km="9" * 5000))

    with pytest.raises(SettingsError, match=r"mine\.toml"):
        load_plans(folders[0])
