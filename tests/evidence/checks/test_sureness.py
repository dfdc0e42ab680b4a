"""Each sentence of a check knows how sure it is, and says what the documentation says was counted."""

import re
from pathlib import Path

from config.catalogue import keys
from evidence.checks.sureness import ASSUMED, COUNTED, MOST, SURE

DETECTION = Path(__file__).parents[3] / "docs" / "detection.md"
ROW = re.compile(r"^\| `(K\d+\.\w+)` \| ([\d,]+) \| ([\d.]+) % \| (0\.\d+) \|$", re.MULTILINE)


def test_every_sentence_that_says_a_result_has_its_sureness() -> None:
    said = {key.removeprefix("check.") for key in keys() if re.match(r"check\.K\d+\.(cons|susp|imp)", key)}

    # codes that vanished make a sentence of their own, and nothing surer
    assert said - {"K4.suspicious_vanished"} <= SURE.keys()


def test_nothing_is_surer_than_a_synthetic_fleet_can_show() -> None:
    assert not COUNTED.keys() & ASSUMED.keys()
    assert all(0.5 < share <= MOST for share in SURE.values())


def test_what_was_counted_is_what_is_said_rounded_down() -> None:
    rows = ROW.findall(DETECTION.read_text(encoding="utf-8"))

    assert {name: float(stated) for name, _, _, stated in rows} == COUNTED
    for name, cases, share, stated in rows:
        assert int(cases.replace(",", "")) >= 100, name
        assert float(stated) == min(int(float(share)) / 100, MOST), name
