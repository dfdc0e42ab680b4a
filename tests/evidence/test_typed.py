"""Typed mileages that cannot have been meant: each reason, and how little excuses a value that may be meant."""

import pytest

from evidence.entry import Entry
from evidence.history import EventKind, History, OdometerEvent, Visit
from evidence.ledger import build_ledger
from evidence.snapshot import ClockQuality, Result
from protocols.readings import Trust
from tests.evidence.cars import HOUR_S, KM, MILES_VIN, NOW, VIN, check, counters, judged, snapshot, visit, witness

YEAR = 365
NEVER = 9_000


def _seen(
    dash_km: float | None,
    days_ago: float,
    *,
    counted_km: int | None = None,
    read_km: float | None = None,
    papers_km: float | None = None,
    vin: str = VIN,
    **others: int,
) -> Visit:
    """``others`` are counters by their names, in metres or seconds."""
    told = others if counted_km is None else others | {"distance_since_clear_m": counted_km * KM}
    values = counters(**told)
    reading = snapshot(None if read_km is None else round(read_km * KM), id=f"d{days_ago:g}", values=values, vin=vin)
    dash_m, papers_m = (None if km is None else round(km * KM) for km in (dash_km, papers_km))
    return visit(reading, days_ago=days_ago, dash_m=dash_m, papers_m=papers_m)


def _ledger(*visits: Visit) -> dict[str, Entry]:
    return {entry.id: entry for entry in build_ledger(History("car", visits))}


def _reasons(*visits: Visit) -> list[str]:
    """Of the typed dashboards, in order."""
    return [entry.quarantined for entry in build_ledger(History("car", visits)) if entry.source == "dash"]


# --- alone, far from everything


def test_a_misread_value_between_two_that_go_on_stands_alone() -> None:
    visits = _seen(64_002, 60, read_km=64_000), _seen(64_702, 30, read_km=650_000), _seen(65_402, 0, read_km=65_400)

    found = _ledger(*visits)

    assert found["d30/odometer/0"].quarantined == "stands_alone"
    assert found["d0/odometer/0"].quarantined == ""
    assert check(judged(*visits), "K8").result is Result.CONSISTENT


def test_a_value_that_another_witness_repeats_does_not_stand_alone() -> None:
    visits = _seen(64_002, 900, read_km=64_000), _seen(650_002, 450, read_km=650_000), _seen(65_402, 0, read_km=65_400)

    assert _ledger(*visits)["d450/odometer/0"].quarantined != "stands_alone"
    assert check(judged(*visits), "K8").result is Result.SUSPICIOUS


def test_a_misread_value_is_told_by_the_counter_when_it_is_not_many_times_too_high() -> None:
    before, after = _seen(None, 60, read_km=64_000, counted_km=1_000), _seen(None, 0, read_km=65_400, counted_km=2_400)
    middle = _seen(None, 30, read_km=164_700, counted_km=1_700)

    assert _ledger(before, middle, after)["d30/odometer/0"].quarantined == "stands_alone"


@pytest.mark.parametrize("counted_km", [900, 3_000])
def test_a_high_value_before_a_drop_that_nothing_refutes_is_left_to_the_checks(counted_km: int) -> None:
    """A counter cleared on the way, or one that ran on by another distance, refutes nothing."""
    before = _seen(None, 600, read_km=64_000, counted_km=1_000)
    middle, after = (
        _seen(None, 300, read_km=164_700, counted_km=1_700),
        _seen(None, 0, read_km=65_400, counted_km=counted_km),
    )

    assert _ledger(before, middle, after)["d300/odometer/0"].quarantined == ""


def test_a_reading_below_its_line_goes_when_the_dashboard_is_in_it() -> None:
    visits = _seen(64_002, 60, read_km=64_000), _seen(64_702, 30, read_km=4_700), _seen(65_402, 0, read_km=65_400)

    assert _ledger(*visits)["d30/odometer/0"].quarantined == "stands_alone"


def test_a_typed_zero_too_many_stands_alone_between_its_neighbours() -> None:
    assert _reasons(_seen(61_000, 60), _seen(620_000, 30), _seen(63_000, 0)) == ["", "stands_alone", ""]


def test_a_first_value_stands_alone_when_no_car_ever_drives_so_far_and_two_are_against_it() -> None:
    assert _reasons(_seen(1_610_000, 60), _seen(162_000, 30), _seen(163_000, 0))[0] == "stands_alone"
    assert _reasons(_seen(1_610_000, 30), _seen(163_000, 0))[0] != "stands_alone"
    assert _reasons(_seen(1_610_000, 60), _seen(162_000, 30), _seen(63_000, 0))[0] != "stands_alone"
    assert _reasons(_seen(410_000, 60), _seen(45_000, 30), _seen(46_000, 0))[0] != "stands_alone"


def test_a_value_seven_times_too_high_was_perhaps_driven() -> None:
    assert _reasons(_seen(61_000, 60), _seen(430_000, 30), _seen(63_000, 0))[1] != "stands_alone"


def test_a_car_driven_far_and_set_back_to_just_above_what_was_known_stays_seen() -> None:
    """300 km a day for two years, and back to 31,000: nobody knows better than its own line."""
    visits = _seen(30_000, 730), _seen(250_500, 30), _seen(31_000, 0)

    assert _reasons(*visits)[1:] == ["", "below_earlier"]
    assert check(judged(*visits), "K8").result is Result.SUSPICIOUS


# --- ten thousands


@pytest.mark.parametrize("dash_km", [6.1, 6.12, 6])
def test_ten_thousands_of_kilometres_beside_a_reading_are_asked_for_again(dash_km: float) -> None:
    visits = (_seen(dash_km, 0, read_km=61_200),)

    assert _reasons(*visits) == ["ten_thousands"]
    assert check(judged(*visits), "K1").params["reason"] == "@reason.ten_thousands"


@pytest.mark.parametrize("dash_km", [7.9, 4.1, 12, 61])
def test_a_small_number_that_is_no_ten_thousandth_of_the_reading_is_a_small_number(dash_km: float) -> None:
    assert _reasons(_seen(dash_km, 0, read_km=61_200)) == [""]


def test_without_a_reading_only_a_decimal_tells_of_ten_thousands() -> None:
    assert _reasons(_seen(58_000, 90), _seen(6.1, 0)) == ["", "ten_thousands"]
    assert _reasons(_seen(58_000, 90), _seen(6, 0)) == ["", "below_earlier"]


def test_less_than_was_known_before_is_no_ten_thousands() -> None:
    assert _reasons(_seen(98_000, 90), _seen(6.1, 0)) == ["", "below_earlier"]


def test_a_new_car_may_show_six_kilometres() -> None:
    assert _reasons(_seen(6.1, 0)) == [""]
    assert _reasons(_seen(6.1, 0, counted_km=900)) == [""]
    assert _reasons(_seen(6.1, 0, counted_km=30_000)) == ["ten_thousands"]


def test_a_cluster_told_as_new_may_show_six_kilometres() -> None:
    at = visit(snapshot(), days_ago=1).at or NOW
    event = OdometerEvent("e", at, EventKind.CLUSTER_REPLACED, "LW", 60_000 * KM, 0)
    entries = build_ledger(History("car", (_seen(58_000, 90), _seen(6.1, 0)), events=(event,)))

    assert [entry.quarantined for entry in entries] == ["", ""]


# --- the newest value


def test_the_newest_value_is_a_slip_when_it_leads_where_the_counter_says() -> None:
    before = _seen(61_000, 60, counted_km=5_000)

    assert _reasons(before, _seen(26_100, 0, counted_km=6_200)) == ["", "below_earlier"]
    assert _reasons(before, _seen(26_200, 0, counted_km=6_200)) == ["", "slip"]


def test_a_paper_that_says_the_same_number_is_no_slip() -> None:
    before = _seen(61_000, 60, counted_km=5_000)

    assert _reasons(before, _seen(26_200, 0, counted_km=6_200, papers_km=26_200)) == ["", "below_earlier"]


def test_an_american_dashboard_may_slip_in_miles() -> None:
    before = _seen(72_883, 60, counted_km=7_436, vin=MILES_VIN)

    assert _reasons(before, _seen(72_537, 0, counted_km=8_489, vin=MILES_VIN))[1] == "slip"
    assert _reasons(_seen(72_883, 60, counted_km=7_436), _seen(72_537, 0, counted_km=8_489))[1] != "slip"


def _paced(*km: int) -> list[Visit]:
    return [_seen(value, YEAR * (len(km) - place)) for place, value in enumerate(km)]


def test_a_lost_digit_is_told_by_the_cars_pace() -> None:
    assert _reasons(*_paced(20_000, 40_000, 60_000), _seen(8_000, 0))[-1] == "slip"


def test_a_swap_is_not_told_by_the_cars_pace_alone() -> None:
    assert _reasons(*_paced(120_000, 140_000, 160_000), _seen(108_000, 0))[-1] == "below_earlier"


def test_a_paper_of_the_day_leaves_little_of_the_pace_and_so_tells_a_swap() -> None:
    paced = _paced(120_000, 140_000, 160_000)

    assert _reasons(*paced, _seen(108_200, 0, papers_km=178_000))[-1] == "below_earlier"
    assert _reasons(*paced[1:], _seen(161_000, 30), _seen(116_500, 0, papers_km=160_900))[-1] == "slip"
    assert _reasons(*paced[1:], _seen(161_000, 30), _seen(116_200, 0, papers_km=161_900))[-1] == "below_earlier"
    assert _reasons(*paced[1:], _seen(161_000, 30), _seen(126_500, 0, papers_km=161_900))[-1] == "slip"


def test_a_value_in_line_is_doubted_when_paper_and_counter_say_more() -> None:
    before = _seen(103_141, 90, counted_km=41_624)

    assert _reasons(before, _seen(104_848, 0, counted_km=53_331, papers_km=112_003)) == ["", "slip"]
    assert _reasons(before, _seen(104_848, 0, counted_km=43_331, papers_km=112_003)) == ["", ""]


def test_a_value_far_beyond_the_pace_is_a_slip_of_one_that_is_not() -> None:
    assert _reasons(*_paced(20_000, 40_000, 60_000), _seen(880_000, 0))[-1] != "slip"
    assert _reasons(*_paced(20_000, 40_000, 60_000), _seen(880_123, 0))[-1] == "slip"
    assert _reasons(*_paced(20_000, 40_000, 60_000), _seen(95_123, 0))[-1] == ""


# --- a value that only the newest follows


def test_what_only_the_newest_value_follows_is_no_slip_because_that_one_keeps_pace() -> None:
    """A car that was set back by a little keeps its pace: 125,819 and then 121,318 stays a fall."""
    visits = [*_paced(33_849, 65_557), _seen(125_819, 50), _seen(121_318, 0)]

    assert _reasons(*visits)[-2:] == ["", "below_earlier"]


def test_a_distance_counted_between_them_must_lead_to_the_slip_too() -> None:
    paced = _paced(40_000, 60_000, 80_000)
    typed = _seen(99_123, 180, counted_km=1_000)

    assert _reasons(*paced, typed, _seen(98_123, 0, counted_km=9_000))[-2:] == ["slip", ""]
    assert _reasons(*paced, typed, _seen(98_123, 0, counted_km=2_000))[-2:] == ["", "below_earlier"]
    assert _reasons(*paced, _seen(99_123, 180), _seen(98_123, 0))[-2:] == ["", "below_earlier"]


# --- the first value


def test_the_first_value_is_a_slip_of_what_the_later_pace_leads_back_to() -> None:
    later = [_seen(km, 900 - 300 * place) for place, km in enumerate((40_000, 55_000, 70_000, 85_000))]

    assert _reasons(_seen(255_123, 1200), *later)[0] == "slip"
    assert _reasons(_seen(300_000, 1200), *later)[0] == ""


def test_one_wrong_value_among_the_later_ones_is_left_out_of_their_pace() -> None:
    later = [_seen(km, 900 - 300 * place) for place, km in enumerate((40_000, 9_100, 70_000, 85_000))]

    assert _reasons(_seen(255_123, 1200), *later)[0] == "slip"
    assert _reasons(_seen(255_123, 1200), later[0], later[1], later[0], later[1])[0] == ""


def test_a_slip_is_no_excuse_where_the_codes_were_just_cleared_or_the_engine_unit_exchanged() -> None:
    paced = _paced(20_000, 40_000, 60_000)

    assert _reasons(*paced, _seen(8_000, 0, counted_km=4_000))[-1] == "slip"
    assert _reasons(*paced, _seen(8_000, 0, counted_km=322))[-1] == "below_earlier"


def test_a_value_on_the_pace_above_lower_ones_is_no_slip_however_many_follow() -> None:
    """The car was set back at the fifth visit: 40,469 was true, and 33,848 and 34,409 came after."""
    driven = [_seen(6_211, 2_500), _seen(11_336, 2_200), _seen(22_315, 1_650)]

    assert _reasons(*driven, _seen(40_469, 750), _seen(33_848, 30), _seen(34_409, 0))[3] == ""
    assert _reasons(*driven, _seen(240_469, 750), _seen(43_848, 30), _seen(44_409, 0))[3] == ""
    assert _reasons(*driven, _seen(400_469, 750), _seen(51_848, 30), _seen(52_409, 0))[3] == "slip"


def test_a_value_below_its_line_is_doubted_when_what_follows_keeps_the_pace() -> None:
    paced = _paced(40_000, 60_000, 80_000)

    assert _reasons(*paced, _seen(31_500, 180), _seen(100_300, 0))[-2:] == ["below_earlier", ""]
    assert _reasons(*paced, _seen(80_950, 180), _seen(100_300, 0))[-2:] == ["", ""]
    assert _reasons(*paced, _seen(9_123, 180), _seen(100_300, 0))[-2:] == ["slip", ""]
    assert _reasons(*paced, _seen(9_123, 180), _seen(190_300, 0))[-2:] == ["below_earlier", ""]


def test_a_doubled_digit_is_told_by_two_later_values_whatever_the_pace() -> None:
    assert _reasons(_seen(17_620, 900), _seen(347_750, 600), _seen(145_062, 300), _seen(153_964, 0))[1] == "slip"
    assert _reasons(_seen(17_620, 900), _seen(347_650, 600), _seen(145_062, 300), _seen(153_964, 0))[1] != "slip"
    assert _reasons(_seen(17_620, 900), _seen(347_750, 600), _seen(145_062, 300))[1] != "slip"


def test_a_paper_of_the_same_visit_tells_where_a_slip_above_the_line_leads() -> None:
    later = _seen(45_530, 300), _seen(60_665, 0)

    assert _reasons(_seen(5_060, 900), _seen(81_754, 600, papers_km=17_109), *later)[1] == "slip"
    assert _reasons(_seen(5_060, 900), _seen(81_754, 600, papers_km=19_109), *later)[1] != "slip"
    assert _reasons(_seen(5_060, 900), _seen(81_754, 600, papers_km=80_109), *later)[1] != "slip"
    assert _reasons(_seen(5_060, 900), _seen(81_754, 600), *later)[1] != "slip"


def test_a_digit_lost_is_told_by_the_pace_where_the_counter_was_cleared_on_the_way() -> None:
    """Cleared and beyond its old value, a counter says less than was driven: 3,019 km of 4,809."""
    driven = _seen(31_774, 1_260), _seen(41_687, 720), _seen(50_863, 220, counted_km=1_671)

    assert _reasons(*driven, _seen(5_672, 0, counted_km=4_690))[-1] == "slip"
    assert _reasons(*driven, _seen(65_472, 0, counted_km=4_690))[-1] != "slip"
    assert _reasons(*driven, _seen(45_672, 0, counted_km=4_690, papers_km=53_000))[-1] == "below_earlier"
    assert _reasons(*driven, _seen(45_672, 0, counted_km=4_690, papers_km=55_000))[-1] == "slip"


def test_a_lost_digit_must_lead_where_the_counter_says_when_that_was_not_cleared_on_the_way() -> None:
    """All units set back by 20,554: 5,208 and 25,208 are one digit apart, but the counter says 25,762."""
    driven = (_seen(5_490, 2_370), _seen(13_467, 1_440), _seen(21_100, 550, counted_km=8_180))

    assert _reasons(*driven, _seen(5_208, 0, counted_km=12_842))[-1] == "below_earlier"
    assert _reasons(*driven, _seen(5_763, 0, counted_km=12_842))[-1] == "slip"


def test_a_value_above_two_that_keep_the_pace_is_a_slip_into_it() -> None:
    """31,943 was meant: what came after goes on as before."""
    first, second, typed = _seen(14_118, 1_820), _seen(22_719, 1_130), _seen(41_943, 412)

    assert _reasons(first, second, typed, _seen(35_616, 115), _seen(37_120, 0))[2] == "slip"
    assert _reasons(first, second, typed, _seen(25_616, 115), _seen(27_120, 0))[2] == ""
    assert _reasons(first, second, _seen(44_943, 412), _seen(35_616, 115), _seen(37_120, 0))[2] == ""


def test_a_paper_of_the_day_tells_a_lost_digit_where_nobody_knows_the_pace() -> None:
    assert _reasons(_seen(45_325, 300), _seen(5_060, 0, papers_km=49_900))[-1] == "slip"
    assert _reasons(_seen(45_325, 300), _seen(5_060, 0, papers_km=59_900))[-1] == "below_earlier"
    assert _reasons(_seen(45_325, 300), _seen(5_060, 0))[-1] == "below_earlier"


def test_the_distance_since_a_reflash_tells_what_was_driven_where_codes_were_cleared() -> None:
    """In line, but 51,912 by the engine unit: the key beside."""
    before = _seen(32_975, 700, counted_km=17_148, distance_since_reflash_m=32_966 * KM)

    assert _reasons(before, _seen(41_912, 0, counted_km=1_621, distance_since_reflash_m=51_903 * KM)) == ["", "slip"]
    assert _reasons(before, _seen(41_312, 0, counted_km=1_621, distance_since_reflash_m=51_903 * KM)) == ["", ""]
    assert _reasons(before, _seen(41_912, 0, counted_km=1_621, distance_since_reflash_m=21_903 * KM)) == ["", ""]


def _hours(dash_km: int, days_ago: float, hours: int, papers_km: int | None = None) -> Visit:
    return _seen(dash_km, days_ago, papers_km=papers_km, engine_run_time_s=hours * HOUR_S)


def test_engine_hours_tell_a_swap_of_the_newest_value() -> None:
    """43.7 km/h all its life: 137,139 was meant, and 131,739 typed."""
    driven = _hours(103_218, 800, 2_361), _hours(127_539, 220, 2_918)

    assert _reasons(*driven, _hours(131_739, 0, 3_137))[-1] == "slip"
    assert _reasons(*driven, _hours(131_739, 0, 3_137, papers_km=135_338))[-1] == "slip"
    assert _reasons(*driven, _hours(123_739, 0, 3_137))[-1] == "below_earlier"
    assert _reasons(*driven, _hours(127_139, 0, 3_137))[-1] == "slip"
    assert _reasons(*driven[:1], _hours(127_139, 0, 3_137, papers_km=135_338))[-1] == ""


def test_engine_hours_tell_a_slip_above_the_newest_value_too() -> None:
    """56 km/h all its life: 74,696 was meant, and the newest value is right."""
    driven = _hours(30_706, 1_750, 541), _hours(62_169, 690, 1_096)

    assert _reasons(*driven, _hours(84_696, 200, 1_317), _hours(79_238, 0, 1_397))[-2:] == ["slip", ""]
    assert _reasons(*driven, _hours(84_696, 200, 1_497), _hours(71_238, 0, 1_577))[-2:] == ["", "below_earlier"]


def test_a_place_below_the_visits_own_paper_or_counters_explains_nothing() -> None:
    """A filter keeps kilometres from the cluster: 42,465 is a key beside 43,465, but the car stands beyond 65,535."""
    driven = _hours(13_593, 2_400, 464), _hours(39_711, 330, 2_430)
    full = _seen(42_465, 0, engine_run_time_s=2_726 * HOUR_S, distance_since_reflash_m=65_535 * KM)

    assert _reasons(*driven, _hours(42_465, 0, 2_726))[-1] == "slip"
    assert _reasons(*driven, full)[-1] == ""
    assert _reasons(*driven, _hours(42_465, 0, 2_726, papers_km=76_945))[-1] == ""


def test_engine_hours_tell_nothing_over_a_long_way() -> None:
    driven = _hours(40_000, 1_900, 1_000), _hours(60_000, 1_500, 1_500)

    assert _reasons(*driven, _hours(59_123, 0, 2_450))[-1] == "below_earlier"


def test_a_lost_first_digit_leads_anywhere_in_the_place_of_an_undated_visit() -> None:
    driven = _paced(98_570, 118_570, 138_570)
    typed = _seen(74_256, NEVER)
    unset = Visit(typed.at, typed.snapshot.model_copy(update={"clock": ClockQuality.NONE}), typed.dash_m)
    tenth = Visit(unset.at, unset.snapshot, 14_256 * KM)

    assert _reasons(*driven, unset)[-1] == "below_earlier"
    assert _reasons(*driven, tenth)[-1] == "slip"


def test_a_row_that_agreed_once_shows_where_a_slip_leads() -> None:
    def beside(row_km: int, dash_km: int, days_ago: float) -> Visit:
        row = witness(row_km * KM, source="row-9", ecu="714", trust=Trust.HINT)
        return visit(snapshot(id=f"d{days_ago:g}", odometer=(row,)), days_ago=days_ago, dash_m=dash_km * KM)

    assert _reasons(beside(65_740, 65_740, 300), beside(85_170, 8_510, 0)) == ["", "slip"]
    assert _reasons(beside(65_740, 61_740, 300), beside(85_170, 8_510, 0)) == ["", "below_earlier"]


def test_a_dashboard_in_miles_repeats_a_reading() -> None:
    """An import set back by all its units: 73,065 km was true, and so said the dashboard with 45,400 miles."""
    seen = [(13_534, 8_410), (38_333, 23_819), (73_065, 45_400), (59_184, 36_775)]
    visits = [_seen(dash, 900 - 300 * n, read_km=read, vin=MILES_VIN) for n, (read, dash) in enumerate(seen)]

    assert _ledger(*visits)["d300/odometer/0"].quarantined == ""
    assert check(judged(*visits), "K8").result is Result.SUSPICIOUS


def test_a_zero_too_many_beside_a_reading_is_a_slip_though_it_is_round() -> None:
    assert _reasons(_seen(814_000, 0, read_km=81_400)) == ["slip"]
    assert _reasons(_seen(825_000, 0, read_km=81_400)) == [""]
    assert _reasons(_seen(51_000, 0, read_km=81_400)) == [""]


def test_a_paper_of_the_day_tells_where_a_first_value_above_the_line_was_to_lead() -> None:
    later = (_seen(133_088, 0),)

    assert _reasons(_seen(119_926, 300, papers_km=119_186), *later) == ["", ""]
    assert _reasons(_seen(191_256, 300, papers_km=118_186), *later) == ["slip", ""]
    assert _reasons(_seen(899_256, 300, papers_km=89_186), *later) == ["slip", ""]
    assert _reasons(_seen(191_256, 300), *later) == ["", "below_earlier"]


def test_a_tenth_is_told_by_what_the_dashboard_would_show() -> None:
    """A told cluster began at 94,936 for 46,152: 20,381 is a tenth of the 203,861 it shows, not of the way."""
    at = visit(snapshot(), days_ago=2_084).at or NOW
    event = OdometerEvent("e", at, EventKind.CLUSTER_REPLACED, "LW", 46_152 * KM, 94_936 * KM)
    driven = _seen(8_922, 2_750), _seen(45_612, 2_090), _seen(126_500, 1_500), _seen(159_520, 870)

    def last(dash_km: int) -> str:
        entries = build_ledger(History("car", (*driven, _seen(dash_km, 0)), events=(event,)))
        return entries[-1].quarantined

    assert last(20_381) == "slip"
    assert last(20_000 + 82_381) == "below_earlier"
