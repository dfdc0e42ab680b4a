"""The mileage chart, read back from its SVG."""

import re
from datetime import UTC, datetime, timedelta
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markupsafe import Markup

from evidence.sheet.chart import MAX_POINTS, Mark, Point, draw, mark_of

START = datetime(2026, 1, 1, tzinfo=UTC)
WIDTH, HEIGHT = 760, 300
SVG = "{http://www.w3.org/2000/svg}"


def point(day: float, km: int, mark: Mark = Mark.TRUSTED) -> Point:
    return Point(START + timedelta(days=day), km * 1000, mark, f"{km:,} km", f"note {km}")


def chart(*points: Point, width: int = WIDTH) -> Markup:
    return draw(
        points,
        width=width,
        height=HEIGHT,
        title="Mileage & time",
        description="d",
        name="wide",
        km=lambda metres: f"{metres / 1000:,.0f}",
        day=lambda at: at.date().isoformat(),
    )


def tree(markup: Markup) -> ET.Element:
    return ET.fromstring(str(markup).replace("<svg ", f'<svg xmlns="{SVG[1:-1]}" ', 1))  # noqa: S314 - ours


def test_without_points_there_is_no_chart() -> None:
    assert chart() == ""


def test_a_later_and_higher_value_stands_right_and_above() -> None:
    marks = tree(chart(point(0, 50_000), point(30, 52_000))).iter(f"{SVG}circle")
    (x1, y1), (x2, y2) = [(float(mark.attrib["cx"]), float(mark.attrib["cy"])) for mark in marks]

    assert x1 < x2
    assert y1 > y2


def test_a_quarantined_value_is_a_cross_apart_from_the_line() -> None:
    drawn = tree(chart(point(0, 50_000), point(10, 9_000, Mark.QUARANTINED), point(30, 52_000)))
    (line,) = drawn.iter(f"{SVG}polyline")

    assert len(line.attrib["points"].split()) == 2
    assert any("mark-quarantined" in group.attrib["class"] for group in drawn.iter(f"{SVG}g"))
    assert "9,000 km" in "".join(drawn.itertext())


def test_a_typed_value_never_hides_the_one_that_was_read() -> None:
    drawn = tree(chart(point(0, 50_000), point(0, 50_000, Mark.OTHER)))
    order = [group.attrib["class"] for group in drawn.iter(f"{SVG}g")]

    assert order == ["mark mark-other", "mark mark-trusted"]


def test_the_chart_names_itself_and_every_point() -> None:
    drawn = tree(chart(point(0, 50_000)))
    titles = [element.text for element in drawn.iter(f"{SVG}title")]

    assert drawn.attrib["role"] == "img"
    assert titles == ["Mileage & time", "note 50000"]


@pytest.mark.parametrize(
    ("trust", "quarantined", "mark"),
    [
        ("standard", "", Mark.TRUSTED),
        ("confirmed", "", Mark.TRUSTED),
        ("hint", "", Mark.OTHER),
        ("typed", "", Mark.OTHER),
        ("standard", "zero", Mark.QUARANTINED),
    ],
)
def test_the_shape_follows_trust_and_quarantine(trust: str, quarantined: str, mark: Mark) -> None:
    assert mark_of(trust, quarantined) is mark


def test_labels_never_stand_on_top_of_each_other() -> None:
    crowded = [point(day, 50_000 + day) for day in range(40)]
    labels = [element for element in tree(chart(*crowded)).iter(f"{SVG}text") if "value" in element.attrib["class"]]
    places = [(float(label.attrib["x"]), float(label.attrib["y"])) for label in labels]

    assert places
    assert all(
        abs(x - other_x) > 60 or abs(y - other_y) >= 16
        for number, (x, y) in enumerate(places)
        for other_x, other_y in places[number + 1 :]
    )


@settings(deadline=None, max_examples=30)
@given(
    st.lists(
        st.tuples(st.floats(0, 8000), st.integers(0, 9_999_999), st.sampled_from(Mark)),
        min_size=1,
        max_size=MAX_POINTS + 5,
    ),
    st.sampled_from([340, WIDTH]),
)
def test_any_history_stays_on_the_paper(history: list[tuple[float, int, Mark]], width: int) -> None:
    text = str(chart(*(point(*one) for one in history), width=width))
    xs = [float(number) for number in re.findall(r' (?:x|cx|x1|x2)="(-?[\d.]+)"', text)]
    ys = [float(number) for number in re.findall(r' (?:y|cy|y1|y2)="(-?[\d.]+)"', text)]

    assert all(0 <= x <= width for x in xs)
    assert all(0 <= y <= HEIGHT for y in ys)
    assert text.count('class="mark ') <= MAX_POINTS
