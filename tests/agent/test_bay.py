"""The bay's state machine: a technician's day, and every order of events in which two cars could be mixed."""

from dataclasses import dataclass, field
from itertools import count

from hypothesis import given
from hypothesis import strategies as st

from agent.bay import (
    Answered,
    BayState,
    DropReading,
    Effect,
    Happening,
    IdentifyCar,
    KeepDrive,
    KeepReading,
    PurposeKnown,
    Stage,
    advance,
    same_vin_elsewhere,
)
from collector.events import (
    AdapterMissing,
    AdapterReady,
    CarPlugged,
    CarUnplugged,
    DriveBegan,
    DriveDone,
    ScanDone,
    ScanFailed,
    ScanProgress,
    VinSeen,
)
from evidence.snapshot import Purpose
from tests.agent.cars import ADAPTER, CAR_A, CAR_B, NOW, reading_of, silent_reading


@dataclass
class Bench:
    """A bay whose effects are collected; ids are i1, i2 and so on."""

    state: BayState = field(default_factory=lambda: BayState("Bay 1"))
    effects: list[Effect] = field(default_factory=list)
    ids: "count[int]" = field(default_factory=lambda: count(1))

    def tell(self, *happenings: Happening) -> BayState:
        for happening in happenings:
            self.state, effects = advance(self.state, happening, now=NOW, new_id=lambda: f"i{next(self.ids)}")
            self.effects += effects
        return self.state

    @property
    def kept(self) -> list[KeepReading]:
        return [effect for effect in self.effects if isinstance(effect, KeepReading)]


def test_a_bay_begins_by_connecting() -> None:
    assert BayState("Bay 1").stage is Stage.CONNECTING


def test_a_missing_adapter_is_said_with_its_reason() -> None:
    state = Bench().tell(AdapterMissing("adapter.no_port", "No such file", 0.5))

    assert (state.stage, state.reason, state.retry_in_s) == (Stage.ADAPTER_MISSING, "adapter.no_port", 0.5)


def test_an_adapter_without_a_car_waits_for_the_next_one() -> None:
    state = Bench().tell(AdapterReady(ADAPTER))

    assert (state.stage, state.adapter, state.car) == (Stage.EMPTY, ADAPTER, None)


def test_a_car_is_read_step_by_step() -> None:
    state = Bench().tell(AdapterReady(ADAPTER), CarPlugged(12.6), VinSeen(CAR_A), ScanProgress("step.codes", 3, 6))

    assert state.stage is Stage.READING
    assert state.car is not None
    assert (state.car.vin, state.car.step, state.car.done, state.car.battery_v) == (CAR_A, "step.codes", 3, 12.6)


def test_the_vin_is_looked_up_as_soon_as_it_is_seen() -> None:
    bench = Bench()

    bench.tell(CarPlugged(12.6), VinSeen(CAR_A), VinSeen(CAR_A))

    assert bench.effects == [IdentifyCar("i1", CAR_A)]


def test_a_complete_reading_is_kept_and_waits_for_answers() -> None:
    bench = Bench()
    reading = reading_of()

    state = bench.tell(CarPlugged(12.6), VinSeen(CAR_A), ScanDone(reading, silent=False))

    assert state.stage is Stage.AWAITING_ANSWERS
    assert bench.kept == [KeepReading("i1", reading, silent=False)]


def test_answers_given_while_reading_complete_the_car_when_the_reading_does() -> None:
    bench = Bench()

    state = bench.tell(CarPlugged(12.6), Answered("i1", complete=True), ScanDone(reading_of(), silent=False))

    assert state.stage is Stage.COMPLETE


def test_answers_given_after_the_reading_complete_the_car() -> None:
    bench = Bench()

    state = bench.tell(CarPlugged(12.6), ScanDone(reading_of(), silent=False), Answered("i1", complete=True))

    assert state.stage is Stage.COMPLETE


def test_answers_for_the_car_before_do_not_touch_the_car_at_the_plug() -> None:
    bench = Bench()
    bench.tell(CarPlugged(12.6), ScanDone(reading_of(CAR_A), silent=False), CarUnplugged(), CarPlugged(12.5))

    before = bench.state
    after = bench.tell(Answered("i1", complete=True, sent=True), PurposeKnown("i1", Purpose.DELIVERY))

    assert after == before


def test_one_tap_changes_the_purpose() -> None:
    bench = Bench()

    state = bench.tell(CarPlugged(12.6), PurposeKnown("i1", Purpose.INTAKE), PurposeKnown("i1", Purpose.RE_READ))

    assert state.car is not None
    assert state.car.purpose is Purpose.RE_READ


def test_unplugging_in_the_middle_drops_what_was_read() -> None:
    bench = Bench()

    state = bench.tell(CarPlugged(12.6), VinSeen(CAR_A), CarUnplugged())

    assert state.stage is Stage.EMPTY
    assert bench.effects[-1] == DropReading("i1", CAR_A)
    assert not bench.kept


def test_a_failed_scan_says_why_until_the_next_car() -> None:
    bench = Bench()
    bench.tell(CarPlugged(12.6), ScanFailed("scan.link_lost", "read failed"), CarUnplugged())

    assert bench.state.reason == "scan.link_lost"
    assert bench.tell(CarPlugged(12.6)).reason == ""


def test_a_lost_adapter_takes_its_car_away() -> None:
    bench = Bench()

    state = bench.tell(CarPlugged(12.6), VinSeen(CAR_A), AdapterMissing("adapter.link_lost", "", 0.5))

    assert state.car is None
    assert bench.effects[-1] == DropReading("i1", CAR_A)


def test_unplugging_a_car_that_was_read_drops_nothing() -> None:
    bench = Bench()
    bench.tell(CarPlugged(12.6), VinSeen(CAR_A), ScanDone(reading_of(), silent=False))

    bench.tell(CarUnplugged())

    assert not [effect for effect in bench.effects if isinstance(effect, DropReading)]


def test_another_vin_during_the_scan_is_another_car() -> None:
    bench = Bench()

    bench.tell(CarPlugged(12.6), VinSeen(CAR_A), VinSeen(CAR_B), ScanDone(reading_of(CAR_B), silent=False))

    assert DropReading("i1", CAR_A) in bench.effects
    assert bench.kept == [KeepReading("i2", reading_of(CAR_B), silent=False, changed_from=CAR_A)]


def test_a_reading_with_another_vin_than_the_one_seen_is_another_car() -> None:
    bench = Bench()

    bench.tell(CarPlugged(12.6), VinSeen(CAR_A), ScanDone(reading_of(CAR_B), silent=False))

    assert bench.kept == [KeepReading("i2", reading_of(CAR_B), silent=False, changed_from=CAR_A)]


def test_a_swap_that_the_collector_saw_is_told_with_the_next_car() -> None:
    bench = Bench()
    swap = ScanFailed("scan.vin_changed", "")

    bench.tell(CarPlugged(12.6), VinSeen(CAR_A), swap, CarPlugged(12.6), ScanDone(reading_of(CAR_B), silent=False))

    assert bench.kept[0].changed_from == CAR_A


def test_a_car_plugged_after_an_unplugging_has_changed_from_nothing() -> None:
    bench = Bench()
    swap = ScanFailed("scan.vin_changed", "")
    bench.tell(CarPlugged(12.6), VinSeen(CAR_A), swap, CarUnplugged())

    bench.tell(CarPlugged(12.6), ScanDone(reading_of(CAR_B), silent=False))

    assert bench.kept[0].changed_from == ""


def test_another_vin_after_a_complete_reading_is_another_car_too() -> None:
    bench = Bench()
    bench.tell(CarPlugged(12.6), ScanDone(reading_of(CAR_A), silent=False), Answered("i1", complete=True, sent=True))

    bench.tell(VinSeen(CAR_B), ScanDone(reading_of(CAR_B), silent=False))

    assert [kept.intake_id for kept in bench.kept] == ["i1", "i2"]
    assert bench.kept[1].changed_from == CAR_A


def test_a_silent_car_that_begins_to_speak_goes_on_with_its_intake() -> None:
    bench = Bench()
    bench.tell(CarPlugged(12.6), ScanDone(silent_reading(), silent=True))

    state = bench.tell(VinSeen(CAR_A), ScanDone(reading_of(CAR_A), silent=False))

    assert [kept.intake_id for kept in bench.kept] == ["i1", "i1"]
    assert state.car is not None
    assert not state.car.silent


def test_a_silent_car_that_was_sent_by_its_typed_vin_begins_anew_when_it_speaks() -> None:
    bench = Bench()
    bench.tell(CarPlugged(12.6), ScanDone(silent_reading(), silent=True), Answered("i1", complete=True, sent=True))

    bench.tell(VinSeen(CAR_A), ScanDone(reading_of(CAR_A), silent=False))

    assert [kept.intake_id for kept in bench.kept] == ["i1", "i2"]


def test_the_same_vin_at_two_plugs_is_noticed() -> None:
    one, two = Bench(BayState("Bay 1")), Bench(BayState("Bay 2"))
    one.tell(CarPlugged(12.6), VinSeen(CAR_A))
    two.tell(CarPlugged(12.6), VinSeen(CAR_A))

    assert same_vin_elsewhere((one.state, two.state), "Bay 2", CAR_A) is one.state
    assert same_vin_elsewhere((one.state, two.state), "Bay 2", CAR_B) is None
    assert same_vin_elsewhere((one.state, two.state), "Bay 2", "") is None


VINS = st.sampled_from([CAR_A, CAR_B])
EVENTS: st.SearchStrategy[Happening] = st.one_of(
    st.just(AdapterMissing("adapter.link_lost", "", 1.0)),
    st.just(AdapterReady(ADAPTER)),
    st.just(CarPlugged(12.6)),
    st.just(CarUnplugged()),
    st.builds(VinSeen, VINS),
    st.just(ScanProgress("step.codes", 1, 6)),
    st.sampled_from([ScanFailed("scan.link_lost", ""), ScanFailed("scan.vin_changed", "")]),
    st.builds(lambda vin: ScanDone(reading_of(vin), silent=False), VINS),
    st.just(ScanDone(silent_reading(), silent=True)),
    st.builds(Answered, st.sampled_from(["i1", "i2", "i3"]), st.booleans(), st.booleans()),
    st.builds(PurposeKnown, st.sampled_from(["i1", "i2", "i3"]), st.sampled_from(list(Purpose))),
)


@given(st.lists(EVENTS, max_size=30))
def test_no_order_of_events_mixes_two_cars(happenings: list[Happening]) -> None:
    bench = Bench()
    vins_of: dict[str, set[str]] = {}

    for happening in happenings:
        bench.tell(happening)
        car = bench.state.car
        if car is not None and car.vin:
            vins_of.setdefault(car.intake_id, set()).add(car.vin)
    for kept in bench.kept:
        if kept.reading.vin:
            vins_of.setdefault(kept.intake_id, set()).add(kept.reading.vin)

    assert all(len(vins) == 1 for vins in vins_of.values())


@given(st.lists(EVENTS, max_size=30))
def test_every_complete_reading_is_kept_and_none_is_dropped_afterwards(happenings: list[Happening]) -> None:
    bench = Bench()

    bench.tell(*happenings)

    assert len(bench.kept) == sum(isinstance(happening, ScanDone) for happening in happenings)
    spoken = {kept.intake_id for kept in bench.kept if kept.reading.vin}
    dropped = {effect.intake_id for effect in bench.effects if isinstance(effect, DropReading)}
    assert not spoken & dropped


def test_a_drive_belongs_to_the_intake_at_the_plug() -> None:
    bench, drive = Bench(), DriveDone("01A6", 52_340_000, 52_344_000, 4_010, lasted_s=300, ended_before_s=90)
    bench.tell(AdapterReady(ADAPTER), CarPlugged(12.6), VinSeen(CAR_A), ScanDone(reading_of(), silent=False))
    moving = bench.tell(DriveBegan())
    standing = bench.tell(drive)

    assert moving.car is not None and moving.car.driving
    assert standing.car is not None and not standing.car.driving
    assert bench.effects[-1] == KeepDrive("i1", drive)


def test_what_was_no_drive_unlocks_the_page_and_is_kept_nowhere() -> None:
    bench = Bench()
    bench.tell(AdapterReady(ADAPTER), CarPlugged(12.6), VinSeen(CAR_A), ScanDone(reading_of(), silent=False))
    before = len(bench.effects)
    state = bench.tell(DriveBegan(), DriveDone("01A6"))

    assert state.car is not None and not state.car.driving
    assert len(bench.effects) == before


def test_movement_of_a_car_that_is_not_read_is_no_drive() -> None:
    bench = Bench()
    state = bench.tell(AdapterReady(ADAPTER), CarPlugged(12.6), DriveBegan(), DriveDone("01A6", lasted_s=300))

    assert state.car is not None and not state.car.driving
    assert bench.effects == []
