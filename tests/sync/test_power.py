"""A short run of the power cuts; ``benchmarks/power.py`` makes thousands of them."""

import random
from pathlib import Path

import pytest

from tests.needs import unmet
from tests.sealed import KEY, need_cipher, vault_with
from tests.sync.power import compiled, cuts, recorded

CUTS = 40


@pytest.fixture
def library(tmp_path: Path) -> Path:
    return compiled(tmp_path) or unmet("a C compiler (package g++)")


def test_no_power_cut_loses_what_the_outbox_promised(tmp_path: Path, library: Path) -> None:
    steps = recorded(tmp_path / "run", library, synchronous="FULL", rounds=50)

    ended = cuts(steps, CUTS, tmp_path / "disk", random.Random(1))

    assert ended == {"sound": CUTS}


def test_nor_what_an_encrypted_one_promised(tmp_path: Path, library: Path) -> None:
    need_cipher()
    steps = recorded(tmp_path / "run", library, synchronous="FULL", rounds=50, key=KEY)

    ended = cuts(steps, CUTS, tmp_path / "disk", random.Random(1), vault_with())

    assert ended == {"sound": CUTS}


def test_the_cuts_can_show_a_loss_a_disk_that_is_not_synced_loses(tmp_path: Path, library: Path) -> None:
    steps = recorded(tmp_path / "run", library, synchronous="NORMAL", rounds=50)

    assert cuts(steps, CUTS, tmp_path / "disk", random.Random(1))["lost"] > 0
