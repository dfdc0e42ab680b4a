"""What stands on a sheet, and where, stays what it was: a signed sheet can be drawn again as it was given.

After a wanted change look at the sheets, then ``python -m tests.evidence.test_sheet_golden`` writes the file anew.
"""

import base64
import hashlib
import re
import zlib
from pathlib import Path

from config.catalogue import Language
from evidence.assemble import with_judgement
from evidence.sheet.content import Sheet, sheet_of
from evidence.sheet.html import html_of
from evidence.sheet.pdf import pdf_of
from evidence.verdict import judge
from tests.evidence.edge_cars import NOW, edge_car
from tests.evidence.test_sheet import crowded, sheet

GOLDEN = Path(__file__).parent / "golden" / "sheets.txt"
# cars with a long chart, with quarantined values, with an inspection, and with next to nothing
EDGE_CARS = (0, 2, 7, 31, 44)


def sheets() -> dict[str, Sheet]:
    named = {"usual": sheet(), "crowded": crowded()}
    return named | {f"car-{number}": _of_car(number) for number in EDGE_CARS}


def _of_car(number: int) -> Sheet:
    history = edge_car(number)
    judged, last = judge(history, now=NOW), history.visits[-1].snapshot
    return sheet_of(with_judgement(last, judged), judged.entries, timezone="Asia/Shanghai")


def line_of(name: str, made: Sheet) -> str:
    """Digests of both renderings; the languages take turns."""
    language = list(Language)[len(name) % 2]
    html = hashlib.sha256(html_of(made, language).encode()).hexdigest()[:16]
    drawn = hashlib.sha256(_strokes(pdf_of(made, language))).hexdigest()[:16]
    return f"{name} {language} {html} {drawn}"


def _strokes(pdf: bytes) -> bytes:
    """What is drawn on the page, without how it is packed, which differs between builds of zlib."""
    packed = re.search(rb"/ASCII85Decode /FlateDecode \].*?stream\r?\n(.*?)~>endstream", pdf, re.DOTALL)
    assert packed is not None
    return zlib.decompress(base64.a85decode(packed[1].strip(), adobe=False))


def test_a_sheet_is_drawn_as_it_was() -> None:
    lines = [line_of(name, made) for name, made in sheets().items()]

    assert lines == GOLDEN.read_text(encoding="utf-8").splitlines()


if __name__ == "__main__":
    GOLDEN.write_text("".join(f"{line_of(name, made)}\n" for name, made in sheets().items()), encoding="utf-8")
