"""The documentation cannot drift: its commands exist, and each setting, command and record kind has its line."""

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import get_args

import pytest
import typer
from pydantic import BaseModel

from agent.cli import app as agent_app
from backoffice.cli import app as office_app
from backoffice.office_settings import OfficeSettings
from bootstrap.commands import COMMANDS
from config.settings import Settings
from sync.records import AnyBody
from tests.docs_tables import rows, settings_of

ROOT = Path(__file__).parent.parent
REFERENCE = ROOT / "docs" / "reference"
READMES = (ROOT / "README.md", ROOT / "README.zh-CN.md")
PAGES = sorted([*READMES, ROOT / "CONTRIBUTING.md", *ROOT.glob("docs/how-to/*.md"), *REFERENCE.glob("*.md")])
FIRST_SCREEN_LINES = 24
FILES_AT_A_TIME = 2  # as `./run test` has it
FENCE = re.compile(r"(?ms)^\s*```sh\n(.*?)^\s*```")
LINK = re.compile(r"\]\(([^)#]+)(?:#[^)]*)?\)")


def command_lines(page: Path) -> Iterator[list[str]]:
    for block in FENCE.findall(page.read_text(encoding="utf-8")):
        for line in block.splitlines():
            words = shlex.split(line, comments=True)
            while words and re.fullmatch(r"[A-Z_]+=.*", words[0]):
                words = words[1:]
            if words:
                yield words


@cache
def help_of(program: str, subcommand: str) -> str:
    """What `program subcommand --help` prints; fails when there is no such thing."""
    command = [str(Path(sys.executable).parent / program), *([subcommand] if subcommand else []), "--help"]
    environment = dict(os.environ) | {"COLUMNS": "200", "TERM": "dumb", "NO_COLOR": "1"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def expect_command(words: list[str]) -> None:
    program, *arguments = words
    if program == "./run":
        word = next(iter(arguments), "demo")
        assert word in COMMANDS, " ".join(words)
        if word == "--" and arguments[1].startswith("forecourt"):
            expect_command(arguments[1:])
    elif program.startswith("forecourt"):
        subcommand = arguments[0] if arguments and not arguments[0].startswith("-") else ""
        text = help_of(program, subcommand)
        options = [word.partition("=")[0] for word in arguments if word.startswith("--")]
        assert [option for option in options if option not in text] == [], " ".join(words)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_command_on_the_page_exists(page: Path) -> None:
    for words in command_lines(page):
        expect_command(words)


@pytest.mark.parametrize("page", [*PAGES, ROOT / "docs" / "budget.md"], ids=lambda page: page.name)
def test_every_link_leads_somewhere(page: Path) -> None:
    links = [link for link in LINK.findall(page.read_text(encoding="utf-8")) if "://" not in link]

    assert [link for link in links if not (page.parent / link).exists()] == []


@pytest.mark.parametrize("page", READMES, ids=lambda page: page.name)
def test_both_commands_stand_in_the_first_screen(page: Path) -> None:
    first = page.read_text(encoding="utf-8").splitlines()[:FIRST_SCREEN_LINES]

    assert any(re.match(r"\./run\b(?! test)", line) for line in first)
    assert any(line.startswith("./run test") for line in first)


def test_both_readmes_have_the_same_commands_and_tables() -> None:
    english, chinese = READMES

    assert list(command_lines(english)) == list(command_lines(chinese))
    assert list(rows(english)) == list(rows(chinese))


@pytest.mark.parametrize("page", READMES, ids=lambda page: page.name)
def test_the_readme_has_a_line_for_every_folder(page: Path) -> None:
    folders = {f"{path.parent.name}/" for path in ROOT.glob("*/__init__.py")}

    assert folders <= set(rows(page))


@pytest.mark.parametrize("model", [Settings, OfficeSettings])
def test_every_setting_is_documented_with_its_default_and_range(model: type[BaseModel]) -> None:
    documented = rows(REFERENCE / "settings.md")
    wrong = []
    for name, default, allowed in settings_of(model):
        cells = documented.get(name, [])
        if len(cells) != 4 or cells[:2] != [default, allowed] or not all(cells[2:]):
            wrong.append(f"| `{name}` | {default} | {allowed} | ... | ... |")

    assert wrong == []


def test_no_setting_is_documented_that_does_not_exist() -> None:
    existing = {name for model in (Settings, OfficeSettings) for name, _, _ in settings_of(model)}

    assert set(rows(REFERENCE / "settings.md")) - existing == set()


def existing_commands() -> set[str]:
    found = {"forecourt-sim"}
    for program, app in (("forecourt", agent_app), ("forecourt-office", office_app)):
        group = typer.main.get_group(app)
        found |= {f"{program} {name}" for name, command in group.commands.items() if not command.hidden}
    return found


def test_every_command_and_each_of_its_options_is_documented() -> None:
    existing = existing_commands()
    for command in sorted(existing):
        program, _, subcommand = command.partition(" ")
        options = set(re.findall(r"(?m)^[ │*]+(--[a-z-]+)", help_of(program, subcommand))) - {"--help"}
        existing |= {f"{command} {option}" for option in options}
    documented = set(rows(REFERENCE / "commands.md"))

    assert existing - documented == set()
    assert documented - existing == set()


def test_every_kind_of_record_is_documented_in_both_languages() -> None:
    union, *_ = get_args(AnyBody)
    kinds = {body.model_fields["kind"].default for body in get_args(union)}
    documented = rows(REFERENCE / "records.md")

    assert set(documented) == kinds
    assert all(re.search(r"[一-鿿]", cells[1]) for cells in documented.values())


def test_every_part_of_the_suite_has_a_budget() -> None:
    parts = {f"tests/{path.parent.name}" for path in (ROOT / "tests").glob("*/__init__.py")} | {"tests/"}
    budgets = {name: int(cells[0]) for name, cells in rows(ROOT / "docs" / "budget.md").items()}

    assert set(budgets) == parts
    assert sum(budgets.values()) / FILES_AT_A_TIME < 9 * 60


def test_decisions_are_numbered_without_a_gap() -> None:
    numbers = [int(path.name[:4]) for path in sorted((ROOT / "docs" / "adr").glob("*.md"))]

    assert numbers == list(range(1, len(numbers) + 1))
