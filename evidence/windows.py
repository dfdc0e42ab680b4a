"""Where a car's odometer must stand, and whether a typed number leads there by one slip of the keys or as miles."""

from dataclasses import dataclass

from evidence.entry import KM_PER_MILE, METRES_PER_MILE, Entry
from evidence.slips import doubled_a_digit, lost_a_digit, one_slip_from

SLIP, MILES, TEN_THOUSANDS, STANDS_ALONE = "slip", "miles", "ten_thousands", "stands_alone"
# a copy of the odometer lies a few km beside the dashboard, and always the same few: with the gap known, less is left
KNOWN_GAP_M = 15_000
KNOWN_GAP_SHARE = 0.001
ROUND_M = 1_000_000
# in a place known this well, a lost digit can be told of three digits too; one or two lead nearly anywhere
NARROW_M = 1_000_000
THREE_DIGITS_M = 100_000
TENTH_LEAST, TENTH_MOST = 8, 12


@dataclass(frozen=True, slots=True)
class Window:
    """Where the odometer must stand, in metres."""

    low_m: float
    high_m: float

    def holds(self, typed: Entry) -> bool:
        return self.low_m <= typed.life_m <= self.high_m

    def narrowed(self) -> "Window":
        """The same place as tight as whole miles allow: 0.62 of a value is not yet its miles."""
        centre_m = (self.low_m + self.high_m) / 2
        spread_m = min((self.high_m - self.low_m) / 2, max(KNOWN_GAP_M, KNOWN_GAP_SHARE * centre_m))
        return Window(centre_m - spread_m, centre_m + spread_m)

    def shows_miles(self, typed: Entry) -> bool:
        """Whether the whole number typed is in here when taken for miles; not where somebody vouched for its unit."""
        return typed.unit != "mi" and self.low_m <= typed.odometer_m * KM_PER_MILE + typed.offset_m <= self.high_m

    def has_slip(self, typed: Entry) -> bool:
        """A round number was estimated or made up, and a short one can be reached from nearly anywhere."""
        if typed.odometer_m % ROUND_M == 0 or typed.odometer_m < THREE_DIGITS_M:
            return False
        if typed.odometer_m < ROUND_M:
            return self.high_m - self.low_m <= NARROW_M and self.has_lost_digit(typed)
        return one_slip_from(typed.odometer_m // 1000, *self._shown_as(typed))

    def has_lost_digit(self, typed: Entry) -> bool:
        return lost_a_digit(typed.odometer_m // 1000, *self._shown_as(typed))

    def has_doubled_digit(self, typed: Entry) -> bool:
        return doubled_a_digit(typed.odometer_m // 1000, *self._shown_as(typed))

    def holds_ten_times(self, typed: Entry) -> bool:
        """Whether the dashboard would show about ten times the number here: a digit lost that was not the first."""
        low, high = self._shown_as(typed)
        number = typed.odometer_m // 1000
        return low <= TENTH_MOST * number and TENTH_LEAST * number <= high

    def within(self, other: "Window | None") -> "Window | None":
        """What both have in common; None when that is nothing."""
        if other is None:
            return self
        low_m, high_m = max(self.low_m, other.low_m), min(self.high_m, other.high_m)
        return Window(low_m, high_m) if low_m <= high_m else None

    def _shown_as(self, typed: Entry) -> tuple[int, int]:
        """The numbers a dashboard with this value's unit and offset would show here."""
        unit_m = METRES_PER_MILE if typed.unit == "mi" else 1000.0
        shift_m = typed.life_m - typed.odometer_m / 1000 * unit_m
        return round((self.low_m - shift_m) / unit_m), round((self.high_m - shift_m) / unit_m)


def doubt(typed: Entry, window: Window) -> str:
    """``slip``, ``miles``, or nothing: how ``typed`` leads into ``window``, in which it does not stand."""
    if window.holds(typed):
        return ""
    if typed.life_m < window.low_m and window.narrowed().shows_miles(typed):
        return MILES
    return SLIP if window.has_slip(typed) else ""
