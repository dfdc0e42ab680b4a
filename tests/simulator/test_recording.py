"""A recorded car answers as the car did: the simulator itself is recorded and played back, on each kind of link."""

import random
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.errors import SimulatorError
from simulator.library import checked, load
from simulator.links import LINKS, Kind, Link
from simulator.recording.asking import Asking, Place, Recording, Unit
from simulator.recording.identity import Disguise, check_digit, generated
from simulator.recording.permitted import is_permitted
from simulator.recording.writing import disguised, scenario_text
from simulator.services import answer
from simulator.toml_reader import Table, locate
from simulator.truth import truth
from tests.simulator.bench import Bench

ON_EACH_LINK = ("engine-fault", "can29", "kwp", "iso9141", "j1850-pwm", "j1850-vpw", "obd-on-uds")
CLUSTER = (Place(0x714, 0x77E), "222203")
# Time goes on in both cars between two requests.
RUNS_ON = ("7F", "1F", "4E")
VIN_LETTERS = "ABCDEFGHJKLMNPRSTUVWXYZ0123456789"


def recorded(bench: Bench, *reads: tuple[Place, str]) -> Recording:
    return Asking(bench.ask).record(list(reads))


def text_of(recording: Recording) -> str:
    disguised(recording)
    return scenario_text(recording, name="again", this_year=2026)


def replayed(recording: Recording, folder: Path) -> Bench:
    """The scenario of a recording in a bench of its own."""
    file = folder / "recorded.toml"
    file.write_text(text_of(recording), encoding="utf-8")
    return Bench(str(file))


def said_twice(first: Recording, second: Recording) -> Iterator[tuple[str, list[str], list[str]]]:
    """Each request, and what a unit said to it in one and in the other recording."""
    for sender, unit in first.units.items():
        other = second.units[sender]
        for mine, theirs in ((unit.answers, other.answers), (unit.own, other.own)):
            for request, said in mine.items():
                name = f"{sender:X} {request.hex().upper()}"
                yield name, [part.hex() for part in said], [part.hex() for part in theirs.get(request, [])]


@pytest.mark.parametrize("name", [*ON_EACH_LINK, "used-engine-unit", "codes-cleared", "ev", "full-counters", "ford"])
def test_a_recorded_car_plays_back_the_same_answers(name: str, tmp_path: Path) -> None:
    first = recorded(Bench(name))
    bench = replayed(first, tmp_path)

    pairs = list(said_twice(first, recorded(bench)))

    assert len(pairs) > 25
    assert [pair for pair in pairs if pair[1] != pair[2] and not pair[0].endswith(RUNS_ON)] == []
    assert first.doubtful == [] and bench.journal.writes == 0


@pytest.mark.parametrize("profile", ["elm-1.4b", "elm-1.5-clone", "elm-2.1-clone", "elm-1.5-terse", "stn-1170"])
def test_it_can_be_recorded_through_each_kind_of_adapter(profile: str) -> None:
    through = recorded(Bench("engine-fault", profile=profile))
    usual = recorded(Bench("engine-fault"))

    pairs = list(said_twice(usual, through))

    assert [pair for pair in pairs if pair[1] != pair[2] and not pair[0].endswith((*RUNS_ON, "1F00"))] == []


STRUCK = ("nul=9", "stray-fc=9", "split-writes=0.5", "stopped=9", "buffer-full=9", "lv-reset=9", "data-error=9",
          "can-error=9", "no-data=9", "late-answer=9", "garbage=9", "half-line=9")  # fmt: skip


@pytest.mark.parametrize("fault", STRUCK)
@pytest.mark.parametrize("name", ["clean", "kwp"])
def test_a_disturbed_answer_is_asked_for_again_and_never_taken_for_another(name: str, fault: str) -> None:
    calm, struck = recorded(Bench(name)), recorded(Bench(name, faults=(fault,), seed=3))

    pairs = list(said_twice(calm, struck))

    assert [pair for pair in pairs if pair[1] != pair[2] and not pair[0].endswith((*RUNS_ON, "012F"))] == []
    assert (struck.doubtful, struck.units.keys()) == ([], calm.units.keys())


def test_what_stays_disturbed_is_left_out() -> None:
    noisy = recorded(Bench("clean", faults=("data-error=0.7",), seed=4))

    assert len(noisy.doubtful) > 3
    assert all(bytes.fromhex(request) not in noisy.units[0x7E8].answers for request in noisy.doubtful)
    assert "model_year" in text_of(noisy)


def test_what_the_model_knows_is_written_in_its_words(tmp_path: Path) -> None:
    bench = replayed(recorded(Bench("engine-fault")), tmp_path)

    told, meant = truth(bench.scenario, 1), truth(load("engine-fault"), 1)

    same = (
        "odometer_m",
        "dtcs",
        "mil",
        "battery_v",
        "distance_since_clear_m",
        "warmups_since_clear",
        "fuel",
        "model_year",
    )
    assert {key: told[key] for key in same} == {key: meant[key] for key in same}
    assert bench.scenario.vin != meant["vin"]


def test_a_unit_with_another_past_keeps_it(tmp_path: Path) -> None:
    bench = replayed(recorded(Bench("used-engine-unit")), tmp_path).ready()

    assert bench.lines("0131") == ["7E8044131E358", "7E9044131533E"]


def test_recorded_values_may_be_asked_several_at_once(tmp_path: Path) -> None:
    for name, request, single in (("clean", "010C0D05", "010C"), ("obd-on-uds", "22F40CF40DF405", "22F40C")):
        folder = tmp_path / name
        folder.mkdir()
        recording = recorded(Bench(name))
        unit = recording.units[0x7E8]
        unit.answers[bytes.fromhex(single)] = [bytes.fromhex({"010C": "410C1234", "22F40C": "62F40C1234"}[single])]
        bench = replayed(recording, folder)
        for command in ("ATE0", "ATS0", "ATH0", "ATSP6", "ATAL"):
            bench.ask(command)

        assert "0C1234" in bench.ask(request)


def test_a_makers_own_distance_is_asked_where_a_person_said(tmp_path: Path) -> None:
    first = recorded(Bench("clean"), CLUSTER)
    bench = replayed(first, tmp_path).ready()

    assert first.units[0x77E].own == {b"\x22\x22\x03": [bytes.fromhex("62220300BC52")]}
    for command in ("ATSH714", "ATCRA77E"):
        bench.ask(command)
    assert bench.lines("222203") == ["77E0662220300BC52"]


def test_a_moving_car_is_not_recorded() -> None:
    bench = Bench("clean")
    bench.car.speed_kmh = 3.0

    with pytest.raises(SimulatorError, match="the car moves"):
        recorded(bench)


def test_a_car_that_starts_moving_is_not_asked_by_its_makers_words() -> None:
    bench = Bench("clean")
    notes: list[str] = []

    def ask(line: str) -> str:
        if line == "0620":
            bench.car.speed_kmh = 3.0
        return bench.ask(line)

    recording = Asking(ask, notes.append).record([CLUSTER])

    assert bench.journal.unsafe == []
    assert 0x77E not in recording.units
    assert "no unit says that the car stands" in notes[-1]


@pytest.mark.parametrize("name", ["silent", "ev-without-obd"])
def test_a_car_that_answers_nobody_is_said_to(name: str) -> None:
    with pytest.raises(SimulatorError, match="no unit answers"):
        recorded(Bench(name))


@pytest.mark.parametrize("profile", ["question-mark", "modem"])
def test_an_adapter_that_cannot_tell_who_answers_is_refused(profile: str) -> None:
    with pytest.raises(SimulatorError, match="does not know AT"):
        recorded(Bench("clean", profile=profile))


@pytest.mark.parametrize("name", [*ON_EACH_LINK, "used-engine-unit"])
def test_the_cars_own_vin_is_nowhere_in_the_scenario(name: str) -> None:
    scenario = load(name)
    real = {scenario.vin, *(ecu.vin for ecu in scenario.ecus_at(len(scenario.visits)) if len(ecu.vin) == 17)}
    text = text_of(recorded(Bench(name)))

    for vin in real:
        for part in (vin, vin[-6:]):
            assert part not in text and part.encode("ascii").hex().upper() not in text


def test_a_vin_in_other_answers_is_replaced_too(tmp_path: Path) -> None:
    text = (Path(__file__).parents[2] / "simulator" / "scenarios" / "clean.toml").read_text(encoding="utf-8")
    vin = load("clean").vin
    hidden = f'[car.ecu.answers]\n22F197 = "62F197{vin.encode().hex()}"\n0906 = "490601{vin[-6:].encode().hex()}"\n'
    file = tmp_path / "told.toml"
    file.write_text(text.replace('[[car.ecu]]\nrole = "gearbox"', f'{hidden}\n[[car.ecu]]\nrole = "gearbox"'), "utf-8")

    made = text_of(recorded(Bench(str(file))))

    assert vin[-6:].encode().hex().upper() not in made
    assert '22F197 = "62F1974C53564141343' in made


@pytest.mark.parametrize(
    ("request_", "answer", "kept"),
    [
        ("0902", "4902" + b"LSVAA49J3K2000101".hex(), "LSVAA49J"),  # without the count of items
        ("0902", "490201" + b"lsvaa49j3k2000101".hex(), "lsvaa49j"),
        ("0902", "490201" + b"\0\0\0WVWZZZ1K7W123456".hex(), "WVWZZZ1K"),  # one letter short
        ("22F195", "62F195" + b"V LSVAA49J3K2777101 1".hex(), "LSVAA49J"),  # another car's, unasked
    ],
)
def test_a_vin_told_in_an_odd_way_is_replaced_too(request_: str, answer: str, kept: str, tmp_path: Path) -> None:
    recording = recorded(Bench("clean"))
    unit = recording.units[0x7E8]
    kind = unit.answers if request_.startswith("09") else unit.own
    kind[bytes.fromhex(request_)] = [bytes.fromhex(answer)]

    text = text_of(recording)

    assert kept.encode().hex().upper() in text
    for serial in (b"000101", b"123456", b"777101"):
        assert serial.hex().upper() not in text and serial.decode() not in text


REQUESTS = ("0101", "010C", "0121", "0130", "0131", "0142", "014D", "014E", "0151", "017F", "01A6", "01C7", "0100",
            "03", "07", "0A", "0902", "0904", "0906", "090A", "020200", "0621")  # fmt: skip


@settings(deadline=None, max_examples=30)
@given(
    st.dictionaries(st.sampled_from(REQUESTS), st.lists(st.binary(max_size=40), max_size=3), max_size=len(REQUESTS)),
    st.dictionaries(st.sampled_from(REQUESTS), st.lists(st.binary(max_size=40), max_size=3), max_size=len(REQUESTS)),
    st.sampled_from([link for link in LINKS.values() if link.kind is not Kind.CAN29]),
)
def test_whatever_a_car_answers_becomes_a_scenario_that_answers_the_same(
    first: dict[str, list[bytes]], second: dict[str, list[bytes]], link: Link
) -> None:
    recording = Recording(link, "ELM327 v1.5", 12.4)
    for place, said in ((Place(0x7E0, 0x7E8), first), (Place(0x7E1, 0x7E9), second)):
        address = place if link.is_can else Place(place.answer_id & 0xFF, place.answer_id & 0xFF)
        unit = Unit(address)
        for request, tails in said.items():
            raw = bytes.fromhex(request)
            unit.answers[raw] = [bytes([raw[0] + 0x40]) + raw[1:] + tail for tail in tails]
        recording.units[address.answer_id] = unit

    text = text_of(recording)
    scenario = checked(Table(Path("any"), locate(text), tomllib.loads(text)))

    for ecu in scenario.ecus_at(1):
        unit = recording.units[ecu.answer_id]
        for request_, messages in unit.answers.items():
            assert answer(scenario.car(1), ecu, request_, functional=True) == messages


@given(st.text(VIN_LETTERS, min_size=17, max_size=17), st.randoms(use_true_random=False))
def test_a_generated_vin_is_of_the_same_kind(vin: str, chance: random.Random) -> None:
    made = generated(vin, chance)

    assert len(made) == 17 and made[:8] == vin[:8] and made[9:11] == vin[9:11]
    assert made[-3:] != vin[-3:] or made[-6:] != vin[-6:]
    assert (made[8] == check_digit(made)) == (vin[8] == check_digit(vin))


def test_a_small_makers_name_stays_whole() -> None:
    made = generated("1A9AB1234LB123456", random.Random(1))

    assert made[:8] == "1A9AB123" and made[9:14] == "LB123" and made[14:] != "456"


def test_a_row_of_one_letter_is_no_identity() -> None:
    assert Disguise(["0" * 17, "F" * 17]).message_parts([b"0" * 17], 0) == [b"0" * 17]


def test_pieces_of_a_vin_are_put_together_before_it_is_replaced() -> None:
    vin = "LSVAA49J3K2000101"
    whole = vin.encode("ascii").rjust(20, b"\0")
    parts = [bytes((0x49, 2, number + 1)) + whole[4 * number : 4 * number + 4] for number in range(5)]
    disguise = Disguise([vin])

    made = disguise.message_parts(parts, 3)

    assert [len(part) for part in made] == [7] * 5
    assert b"".join(part[3:] for part in made)[3:].decode() == disguise.vin(vin) != vin


@pytest.mark.parametrize(
    "line",
    ["04", "0800", "14FFFFFF", "1003", "1101", "2EF190", "2701", "31010203", "3E00", "ATPP0CSV23", "ATPP0CON", "ATMA",
     "ATSD00", "ATWM8110F13E", "ATCRA", "ATSHXYZ", "STPX D:04", "0101\r04", "01", "010C1", "", "ATSP6\r04", "2F1234"],
)  # fmt: skip
def test_nothing_that_could_change_a_car_is_on_the_list(line: str) -> None:
    assert not is_permitted(line)


@given(st.text("0123456789ABCDEFATSPHZ", max_size=12))
def test_every_request_on_the_list_only_reads(line: str) -> None:
    if is_permitted(line) and not line.startswith("AT"):
        assert line[:2] in ("01", "02", "03", "06", "07", "09", "0A", "19", "21", "22")


def test_nothing_off_the_list_leaves() -> None:
    sent: list[str] = []

    with pytest.raises(SimulatorError, match="not on the list"):
        Asking(lambda line: sent.append(line) or "OK")._line("04")  # type: ignore[func-returns-value]

    assert sent == []
