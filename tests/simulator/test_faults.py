"""Each fault by name: what it does to an answer, and that the same seed gives the same bytes."""

import pytest

from simulator.errors import SimulatorError
from simulator.faults import FAULTS, parse_fault
from tests.simulator.bench import Bench

RPM_LINES = "7E804410C0C30\r7E904410C0C30\r\r>"


def struck(name: str, command: str = "010C", patience_s: float = 2.0) -> str:
    """One answer hit by one fault, on an adapter that is ready."""
    bench = Bench(faults=(f"{name}=1",))
    bench.adapter.faults.faults, kept = [], bench.adapter.faults.faults
    bench.ready()
    bench.adapter.faults.faults = kept
    return bench.ask(command, patience_s)


def test_without_a_fault_the_answer_is_whole() -> None:
    assert Bench().ready().ask("010C") == RPM_LINES


def test_faults_that_leave_the_data_alone() -> None:
    assert struck("nul").replace("\x00", "") == RPM_LINES and "\x00" in struck("nul")
    assert struck("stray-fc") == "\xfc" + RPM_LINES
    assert struck("split-writes") == RPM_LINES
    assert struck("lost-prompt") == RPM_LINES.removesuffix(">")
    assert struck("garbage").endswith(RPM_LINES)


@pytest.mark.parametrize(
    ("name", "text"),
    [("stopped", "STOPPED"), ("can-error", "CAN ERROR"), ("no-data", "NO DATA"), ("lv-reset", "LV RESET")],
)
def test_faults_that_replace_the_answer(name: str, text: str) -> None:
    assert struck(name) == f"{text}\r\r>"


def test_faults_that_damage_a_line() -> None:
    assert struck("buffer-full").endswith("BUFFER FULL\r\r>")
    assert "<DATA ERROR\r" in struck("data-error") and struck("data-error") != RPM_LINES
    assert struck("half-line") == "7E804410C0C30\r7E9044\r\r>"


def test_the_echo_may_come_in_the_other_case() -> None:
    bench = Bench(faults=("echo-other-case=1",))

    assert bench.ask("ATI") == "ati\rELM327 v2.2\r\r>"


def test_a_reset_loses_all_settings() -> None:
    bench = Bench(faults=("lv-reset=@2",)).ready()
    bench.ask("0100")

    assert bench.ask("ATI").startswith("ATI\r")


def test_a_late_answer_arrives_inside_the_next_one() -> None:
    bench = Bench(faults=("late-answer=@2",)).ready()

    assert bench.ask("010C") == "NO DATA\r\r>"
    assert bench.lines("010D1") == ["7E804410C0C30", "7E904410C0C30", "7E803410D00"]


def test_a_hung_adapter_says_nothing_until_the_link_is_opened_again() -> None:
    bench = Bench(faults=("hang=@1",))

    assert bench.ask("ATI", patience_s=1) == "ATI\r"
    assert bench.ask("ATI", patience_s=1) == ""
    bench.adapter.host_left()
    assert bench.ask("ATI") == "ATI\rELM327 v2.2\r\r>"


def test_a_drop_cuts_the_link_instead_of_answering() -> None:
    bench = Bench(faults=("drop=@5",)).ready()

    assert bench.ask("010C", patience_s=1) == ""
    assert bench.lost == ["drop"]


def test_a_car_may_go_in_the_middle_of_a_frame() -> None:
    bench = Bench(faults=("unplug-mid-frame=@2",)).ready()

    assert bench.ask("010C", patience_s=1) == RPM_LINES[:15]
    assert bench.lost == ["unplug"]


@pytest.mark.parametrize("name", sorted(FAULTS))
def test_the_same_seed_gives_the_same_bytes(name: str) -> None:
    def told(seed: int) -> list[str]:
        bench = Bench(faults=(f"{name}=0.5",), seed=seed)
        return [bench.ask(command, patience_s=1) for command in ("ATE0", "0100", "010C", "0902", "03", "010D")]

    assert told(7) == told(7)


def test_amounts_are_a_probability_a_period_or_once() -> None:
    assert parse_fault("nul").probability == 0.1
    assert parse_fault("nul=0.3").probability == 0.3
    assert parse_fault("nul=1.0").probability == 1.0
    assert parse_fault("nul=4").every == 4
    assert parse_fault("nul=@7").once == 7


@pytest.mark.parametrize("text", ["gremlin", "nul=x", "nul=2.5", "nul=0", "nul=@0", "nul=-1", "nul=nan"])
def test_a_fault_that_does_not_exist_is_refused(text: str) -> None:
    with pytest.raises(SimulatorError, match="--fault"):
        parse_fault(text)


def test_a_sag_of_the_supply_is_measured_and_passes() -> None:
    bench = Bench(faults=("voltage-sag=@3",))
    bench.ask("ATE0")
    bench.ask("0100")
    assert bench.ask("010C1") != "NO DATA"

    sagging = bench.ask("ATRV")
    bench.now_s += 5.0

    assert (sagging, bench.ask("ATRV")) == ("8.2V\r\r>", "14.2V\r\r>")
