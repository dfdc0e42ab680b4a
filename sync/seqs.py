"""Sets of seqs, which are nearly always one long range or a few."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Self


@dataclass(slots=True)
class Seqs:
    """A set of seqs as sorted closed ranges: small as long as little is missing."""

    _starts: list[int] = field(default_factory=list)
    _ends: list[int] = field(default_factory=list)

    @classmethod
    def of(cls, ranges: Iterable[tuple[int, int]]) -> Self:
        """The set of all seqs in sorted closed ``ranges`` that do not touch."""
        starts, ends = zip(*ranges, strict=True)
        return cls(list(starts), list(ends))

    def add(self, first: int, last: int | None = None) -> None:
        """Add ``first..last``, joining what touches."""
        last = first if last is None else last
        low = bisect_right(self._ends, first - 2)
        high = bisect_right(self._starts, last + 1)
        if low < high:
            first, last = min(first, self._starts[low]), max(last, self._ends[high - 1])
        self._starts[low:high] = [first]
        self._ends[low:high] = [last]

    def take(self, first: int, last: int) -> tuple[tuple[int, int], ...]:
        """Remove ``first..last``, which is no empty range, and return what of it was in the set."""
        low, high = bisect_left(self._ends, first), bisect_right(self._starts, last)
        if low >= high:
            return ()
        touched = list(zip(self._starts[low:high], self._ends[low:high], strict=True))
        before, after = (touched[0][0], first - 1), (last + 1, touched[-1][1])
        left = [(a, b) for a, b in (before, after) if a <= b]
        self._starts[low:high] = [a for a, _ in left]
        self._ends[low:high] = [b for _, b in left]
        return tuple([(max(a, first), min(b, last)) for a, b in touched])

    def __bool__(self) -> bool:
        return bool(self._starts)

    def __contains__(self, seq: int) -> bool:
        at = bisect_right(self._starts, seq) - 1
        return at >= 0 and seq <= self._ends[at]

    def ranges(self) -> tuple[tuple[int, int], ...]:
        """The set as the fewest closed ranges."""
        return tuple(zip(self._starts, self._ends, strict=True))

    def missing_below(self, lo: int) -> tuple[tuple[int, int], ...]:
        """Ranges from 1 to ``lo - 1`` that are not in the set."""
        gaps: list[tuple[int, int]] = []
        expected = 1
        for start, end in self.ranges():
            if start >= lo:
                break
            if start > expected:
                gaps.append((expected, start - 1))
            expected = end + 1
        return tuple(gaps) if expected >= lo else (*gaps, (expected, lo - 1))
