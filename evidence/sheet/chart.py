"""The mileage chart: odometer over time, as inline SVG that is readable without colour and without script.

``plan`` places everything, also for those who draw it otherwise. Trusted values are joined by a line; what is only a
hint, typed or quarantined stands beside it with a shape of its own.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from markupsafe import Markup, escape

MAX_POINTS = 400
LABEL_LIMIT = 8
# Mean advance of the chart's 13 px bold letters and digits, CJK included.
LETTER_PX = 9.5
MARGIN_TOP, MARGIN_RIGHT, MARGIN_BOTTOM, MARGIN_LEFT = 28, 28, 30, 64
TRUSTED = frozenset({"standard", "confirmed"})


class Mark(StrEnum):
    """How a point is drawn."""

    TRUSTED = "trusted"
    OTHER = "other"
    QUARANTINED = "quarantined"


_LAYER = {Mark.OTHER: 0, Mark.TRUSTED: 1, Mark.QUARANTINED: 2}


@dataclass(frozen=True, slots=True)
class Point:
    """One odometer value; ``label`` is the value as the reader writes it, ``note`` what hovering tells."""

    at: datetime
    odometer_m: int
    mark: Mark
    label: str
    note: str


@dataclass(frozen=True, slots=True)
class Frame:
    """Where values land on the paper, in pixels."""

    width: int
    height: int
    since: float
    until: float
    low_m: float
    high_m: float

    @property
    def left(self) -> float:
        return MARGIN_LEFT

    @property
    def right(self) -> float:
        return self.width - MARGIN_RIGHT

    def x(self, at: datetime) -> float:
        share = (at.timestamp() - self.since) / (self.until - self.since)
        return MARGIN_LEFT + share * (self.width - MARGIN_LEFT - MARGIN_RIGHT)

    def y(self, odometer_m: float) -> float:
        share = (odometer_m - self.low_m) / (self.high_m - self.low_m)
        return self.height - MARGIN_BOTTOM - share * (self.height - MARGIN_TOP - MARGIN_BOTTOM)


class Anchor(StrEnum):
    """Which part of a text stands at its place (the words of SVG)."""

    START = "start"
    MIDDLE = "middle"
    END = "end"


@dataclass(frozen=True, slots=True)
class Placed:
    """A point's label: its middle and its foot."""

    point: Point
    x: float
    y: float


@dataclass(frozen=True, slots=True)
class Plan:
    """A chart's places: ``points`` in drawing order, ``dates`` below the axis, ``line`` joins what is trusted."""

    frame: Frame
    ticks: tuple[float, ...]
    points: tuple[Point, ...]
    dates: tuple[tuple[datetime, Anchor], ...]
    line: tuple[tuple[float, float], ...]
    labels: tuple[Placed, ...]


def mark_of(trust: str, quarantined: str) -> Mark:
    """The shape of a value of this trust; a reason for quarantine outranks the trust."""
    if quarantined:
        return Mark.QUARANTINED
    return Mark.TRUSTED if trust in TRUSTED else Mark.OTHER


def draw(
    points: Iterable[Point],
    *,
    width: int,
    height: int,
    title: str,
    description: str,
    name: str,
    km: Callable[[float], str],
    day: Callable[[datetime], str],
) -> Markup:
    """The chart as one ``<svg>``, or nothing when there is no point; ``name`` keeps the ids of two charts apart."""
    planned = plan(points, width, height)
    if planned is None:
        return Markup()
    frame = planned.frame
    parts = [
        *_grid(frame, planned.ticks, km),
        *_dates(planned, day),
        _line(planned),
        *(_point(frame, point) for point in planned.points),
        *_labels(planned),
    ]
    return Markup(
        '<svg class="chart chart-{name}" viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img"'
        ' aria-labelledby="chart-{name}-title chart-{name}-text">'
        '<title id="chart-{name}-title">{title}</title><desc id="chart-{name}-text">{description}</desc>{body}</svg>'
    ).format(name=name, width=width, height=height, title=title, description=description, body=Markup("").join(parts))


def plan(points: Iterable[Point], width: int, height: int) -> Plan | None:
    """Where everything stands on a chart of that many pixels; None when there is no point."""
    shown = sorted(points, key=lambda point: point.at)[-MAX_POINTS:]
    if not shown:
        return None
    ticks = _ticks([point.odometer_m for point in shown])
    frame = _frame(shown, ticks, width, height)
    return Plan(
        frame=frame,
        ticks=tuple(ticks),
        # What is trusted, and what is not believed, is never hidden by what was typed at the same moment.
        points=tuple(sorted(shown, key=lambda point: _LAYER[point.mark])),
        dates=tuple(_ends(shown)),
        line=tuple((frame.x(p.at), frame.y(p.odometer_m)) for p in shown if p.mark is Mark.TRUSTED),
        labels=tuple(_placed(frame, shown)),
    )


def _frame(shown: Sequence[Point], ticks: Sequence[float], width: int, height: int) -> Frame:
    since, until = shown[0].at.timestamp(), shown[-1].at.timestamp()
    # One visit has no span: a day on either side puts it in the middle.
    room = max((until - since) * 0.04, 0) or 86400.0
    return Frame(width, height, since - room, until + room, ticks[0], ticks[-1])


def _ticks(values_m: Sequence[int]) -> list[float]:
    """Three to six round values that enclose all of ``values_m``."""
    low, high = min(values_m), max(values_m)
    span = max(high - low, high * 0.02, 10_000)
    raw = span / 4
    magnitude = 10 ** math.floor(math.log10(raw))
    step = magnitude * next(factor for factor in (1, 2, 2.5, 5, 10) if factor * magnitude >= raw)
    first = max(0.0, math.floor((low - span * 0.1) / step) * step)
    count = math.ceil((high + span * 0.1 - first) / step)
    return [first + step * number for number in range(count + 1)]


def _grid(frame: Frame, ticks: Sequence[float], km: Callable[[float], str]) -> Iterable[Markup]:
    for tick in ticks:
        y = f"{frame.y(tick):.1f}"
        yield Markup('<line class="grid" x1="{}" y1="{}" x2="{}" y2="{}"/>').format(
            MARGIN_LEFT, y, frame.width - MARGIN_RIGHT, y
        )
        yield Markup('<text class="tick" x="{}" y="{}" dy="4" text-anchor="end">{}</text>').format(
            MARGIN_LEFT - 8, y, km(tick)
        )


def _dates(planned: Plan, day: Callable[[datetime], str]) -> Iterable[Markup]:
    """First and last day, each once where a reader writes them alike."""
    frame = planned.frame
    for at, anchor in one_a_day(planned.dates, day):
        yield Markup('<text class="tick" x="{}" y="{}" text-anchor="{}">{}</text>').format(
            f"{frame.x(at):.1f}", frame.height - 8, str(anchor), day(at)
        )


def one_a_day(
    dates: Sequence[tuple[datetime, Anchor]], day: Callable[[datetime], str]
) -> Sequence[tuple[datetime, Anchor]]:
    """The dates to write below the axis: one in the middle when all are the same day."""
    return [(dates[0][0], Anchor.MIDDLE)] if len({day(at) for at, _ in dates}) == 1 else dates


def _ends(shown: Sequence[Point]) -> Iterable[tuple[datetime, Anchor]]:
    yield shown[0].at, Anchor.START
    yield shown[-1].at, Anchor.END


def _line(planned: Plan) -> Markup:
    spots = [f"{x:.1f},{y:.1f}" for x, y in planned.line]
    return Markup('<polyline class="path" points="{}"/>').format(" ".join(spots)) if len(spots) > 1 else Markup()


def _point(frame: Frame, point: Point) -> Markup:
    x, y = round(frame.x(point.at), 1), round(frame.y(point.odometer_m), 1)
    return Markup('<g class="mark mark-{}"><title>{}</title>{}</g>').format(
        str(point.mark), point.note, _shape(point.mark, x, y)
    )


def _shape(mark: Mark, x: float, y: float) -> Markup:
    if mark is Mark.TRUSTED:
        return Markup('<circle cx="{}" cy="{}" r="5"/>').format(x, y)
    if mark is Mark.OTHER:
        return Markup('<rect x="{}" y="{}" width="9" height="9"/>').format(x - 4.5, y - 4.5)
    arms = f"M{x - 5.5} {y - 5.5}L{x + 5.5} {y + 5.5}M{x - 5.5} {y + 5.5}L{x + 5.5} {y - 5.5}"
    return Markup('<circle class="ring" cx="{}" cy="{}" r="10"/><path d="{}"/>').format(x, y, arms)


def _labels(planned: Plan) -> Iterable[Markup]:
    for label in planned.labels:
        yield Markup('<text class="value value-{}" x="{}" y="{}" text-anchor="middle">{}</text>').format(
            str(label.point.mark), f"{label.x:.1f}", f"{label.y:.1f}", escape(label.point.label)
        )


def _placed(frame: Frame, shown: Sequence[Point]) -> Iterable[Placed]:
    """Values beside their points, the telling ones first, none on top of another."""
    taken: list[tuple[float, float, float]] = []
    for point in _by_weight(shown)[:LABEL_LIMIT]:
        half = LETTER_PX * len(point.label) / 2
        # Kept on the paper: a label near an edge moves inwards.
        x = min(max(frame.x(point.at), MARGIN_LEFT + 2 + half), frame.width - 4 - half)
        free = (y for y in _beside(frame, point) if not _crowded(taken, x, half, y))
        if (y := next(free, None)) is None:
            continue
        taken.append((x, half, y))
        yield Placed(point, x, y)


def _beside(frame: Frame, point: Point) -> Iterable[float]:
    """Where a label's foot may stand: above its point, else below it while that is on the paper."""
    y = frame.y(point.odometer_m)
    ringed = point.mark is Mark.QUARANTINED
    yield y - (18 if ringed else 12)
    if y + 26 < frame.height - MARGIN_BOTTOM:
        yield y + (26 if ringed else 22)


def _crowded(taken: Iterable[tuple[float, float, float]], x: float, half: float, y: float) -> bool:
    return any(abs(x - other) < half + other_half and abs(y - other_y) < 16 for other, other_half, other_y in taken)


def _by_weight(shown: Sequence[Point]) -> list[Point]:
    """What is quarantined, then the newest, the oldest, and the rest."""
    quarantined = [point for point in shown if point.mark is Mark.QUARANTINED][-3:]
    ends = [shown[-1], shown[0]]
    rest = [point for point in reversed(shown) if point.mark is Mark.TRUSTED]
    return list(dict.fromkeys([*quarantined, *ends, *rest]))
