"""The examples for others work as they stand: their tests, their shell script, and the steps of their CI file."""

import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples" / "forecourt-sim"
STEP = re.compile(r"(?m)^      - run: (.+)$")
INSTALLS = "pip install forecourt-sim pytest"
PATIENCE_S = 60
# the examples need no plugin of ours
BARE = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """An environment in which the distribution's package and its command are found, and pytest."""
    folder = tmp_path_factory.mktemp("installed")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=ROOT / "packaging" / "forecourt-sim", capture_output=True, check=True, timeout=60)
    with zipfile.ZipFile(next(folder.glob("*.whl"))) as wheel:
        wheel.extractall(folder)
    program = folder / "forecourt-sim"
    program.write_text(f"#!{sys.executable}\nfrom forecourt_sim.cli import main\nraise SystemExit(main())\n")
    program.chmod(0o755)
    path = os.pathsep.join([str(folder), str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
    return {**os.environ, "PYTHONPATH": str(folder), "PATH": path, "PYTHONDONTWRITEBYTECODE": "1", **BARE}


def steps() -> list[str]:
    return STEP.findall((EXAMPLES / "ci.yml").read_text(encoding="utf-8"))


def test_the_ci_file_installs_and_then_runs_what_stands_beside_it() -> None:
    assert steps() == [INSTALLS, "pytest -q .", "bash ask.sh"]


@pytest.mark.parametrize("step", [step for step in steps() if step != INSTALLS])
def test_each_step_of_the_ci_file_succeeds(step: str, installed: dict[str, str]) -> None:
    done = subprocess.run(
        ["bash", "-c", f"{step} {'-p no:cacheprovider -c /dev/null' if 'pytest' in step else ''}"],
        cwd=EXAMPLES,
        env=installed,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert "5 passed" in done.stdout or "41 0C 0C 30" in done.stdout


def test_examples_may_be_copied_freely() -> None:
    texts = [path.read_text(encoding="utf-8") for path in EXAMPLES.iterdir() if path.is_file()]

    assert len(texts) == 4
    assert all("SPDX-License-Identifier: MIT" in text for text in texts)


def test_the_how_tos_name_each_of_them_in_both_languages() -> None:
    for name in ("simulate-a-car.md", "simulate-a-car.zh-CN.md"):
        page = (ROOT / "docs" / "how-to" / name).read_text(encoding="utf-8")
        missing = [
            path.name for path in EXAMPLES.iterdir() if path.is_file() and f"forecourt-sim/{path.name}" not in page
        ]
        assert missing == []
