"""The adapter's state machine, against the ELM327 data sheet and real transcripts."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.profiles import PROFILES
from tests.simulator.bench import Bench


def test_a_reset_prints_the_banner_after_its_time() -> None:
    bench = Bench()

    assert bench.ask("ATZ") == "ATZ\r\r\rELM327 v2.2\r\r>"
    assert 0.7 < bench.took_s < 0.75


def test_echo_goes_off_after_the_command_that_turns_it_off() -> None:
    bench = Bench()

    assert bench.ask("ATE0") == "ATE0\rOK\r\r>"
    assert bench.ask("ATI") == "ELM327 v2.2\r\r>"


def test_case_and_spaces_do_not_matter() -> None:
    bench = Bench().ready()

    assert bench.ask(" a T r v ") == "14.2V\r\r>"
    assert bench.ask("01 0c 1") == "7E804410C0C30\r\r>"


def test_linefeeds_follow_each_carriage_return() -> None:
    bench = Bench().ready()

    bench.ask("ATL1")

    assert bench.ask("010D1") == "7E803410D00\r\n\r\n>"


def test_an_empty_line_repeats_the_last_command_whatever_it_was() -> None:
    bench = Bench().ready()
    bench.ask("ATRV")

    assert bench.ask("") == "14.2V\r\r>"
    assert bench.ask("  ") == "14.2V\r\r>"


@pytest.mark.parametrize("line", ["ATXY", "XX", "01G", "AT", "0", "ATSH12", "ATTPD", "STI", "0102030405060708"])
def test_what_it_does_not_understand_is_a_question_mark(line: str) -> None:
    assert Bench().ready().ask(line) == "?\r\r>"


def test_spaces_and_headers_are_printed_as_asked() -> None:
    bench = Bench().ready()
    bench.ask("ATS1")

    assert bench.ask("01001") == "7E8 06 41 00 BE 3F A0 13 \r\r>"
    bench.ask("ATH0")
    assert bench.ask("01001") == "41 00 BE 3F A0 13 \r\r>"


def test_the_length_digit_stands_behind_the_identifier() -> None:
    bench = Bench().ready()
    bench.ask("ATD1")

    assert bench.ask("010D1") == "7E8803410D00\r\r>"


def test_without_headers_a_long_answer_has_a_length_and_numbered_lines() -> None:
    bench = Bench().ready()
    bench.ask("ATH0")

    assert bench.lines("0902") == ["014", "0:4902014C5356", "1:414134394A334B", "2:32303030313031"]


def test_the_first_request_searches_and_says_so() -> None:
    bench = Bench()
    bench.ask("ATE0")

    assert bench.ask("ATDP") == "AUTO\r\r>"
    assert bench.ask("0100").startswith("SEARCHING...\r41 00 BE 3F A0 13 \r")
    assert bench.ask("ATDPN") == "A6\r\r>"
    assert bench.ask("ATDP") == "AUTO, ISO 15765-4 (CAN 11/500)\r\r>"


def test_a_found_protocol_is_remembered_over_a_warm_start() -> None:
    bench = Bench().ready()

    bench.ask("ATD")

    assert not bench.ask("0100").startswith("SEARCHING")


def test_setting_automatic_again_searches_again() -> None:
    bench = Bench().ready()

    bench.ask("ATSP0")

    assert bench.ask("0100").startswith("SEARCHING...")


def test_a_wrong_fixed_protocol_fails_as_its_family_does() -> None:
    bench = Bench().ready()

    found = {number: (bench.ask(f"ATTP{number}"), bench.lines("0100"))[1][-1] for number in "123457 8".replace(" ", "")}

    assert found == {
        "1": "NO DATA",
        "2": "NO DATA",
        "3": "BUS INIT: ...ERROR",
        "4": "BUS INIT: ...ERROR",
        "5": "BUS INIT: ERROR",
        "7": "NO DATA",
        "8": "CAN ERROR",
    }


def test_an_empty_socket_gives_no_connection() -> None:
    bench = Bench()
    bench.bus.car = None

    assert bench.lines("0100")[-1] == "UNABLE TO CONNECT"
    assert bench.lines("ATRV")[-1] == "0.2V"
    bench.ask("ATTP6")
    assert bench.lines("0100")[-1] == "CAN ERROR"


def test_a_count_digit_ends_the_answer_without_a_tail() -> None:
    bench = Bench().ready()

    bench.ask("010C")
    with_tail_s = bench.took_s
    assert bench.lines("010C1") == ["7E804410C0C30"]

    assert bench.took_s < with_tail_s - 0.04


def test_a_count_digit_counts_lines_and_cuts_what_is_more() -> None:
    bench = Bench().ready()

    assert bench.lines("09022") == ["7E810144902014C5356", "7E821414134394A334B"]


def test_timeout_and_adaptive_timing_set_the_tail() -> None:
    bench = Bench().ready()
    took: dict[str, float] = {}
    for name, commands in {"AT0": ["ATAT0"], "AT1": ["ATAT1"], "AT2": ["ATAT2"], "ST04": ["ATAT0", "ATST04"]}.items():
        for command in commands:
            bench.ask(command)
        bench.ask("010D")
        took[name] = bench.took_s

    # Latency 15 ms (the second unit 20 ms), then the tail: 200, 2 x 15 + 20, 1.25 x 15 + 8, and 16 ms.
    assert took["AT0"] - took["AT1"] == pytest.approx(0.150, abs=0.002)
    assert took["AT1"] - took["AT2"] == pytest.approx(0.02325, abs=0.002)
    assert took["AT0"] - took["ST04"] == pytest.approx(0.184, abs=0.002)


def test_the_serial_line_paces_bytes() -> None:
    fast, slow = Bench(profile="stn-1170").ready(), Bench().ready()

    fast.ask("09021")
    slow.ask("09021")

    assert slow.took_s > fast.took_s


def test_a_slow_link_delays_both_ways() -> None:
    near, far = Bench().ready(), Bench(link_s=0.015).ready()

    near.ask("010D1")
    far.ask("010D1")

    assert far.took_s - near.took_s == pytest.approx(0.030, abs=0.001)


def test_a_byte_while_busy_stops_the_request_and_is_lost() -> None:
    bench = Bench().ready()
    bench.adapter.receive(bench.now_s, b"0902\r")
    bench.now_s += 0.010

    assert bench.send(b" ") == b"STOPPED\r\r>"
    assert bench.ask("ATRV") == "14.2V\r\r>"


def test_two_commands_in_one_piece_lose_the_second() -> None:
    bench = Bench().ready()

    assert bench.send(b"010D\r010C\r") == b"STOPPED\r\r>"


def test_monitoring_ends_with_the_first_byte() -> None:
    bench = Bench().ready()

    assert bench.ask("ATMA", patience_s=1.0) == ""
    assert bench.send(b"x") == b"STOPPED\r\r>"


def test_a_physical_header_reaches_one_unit_only() -> None:
    bench = Bench().ready()
    bench.ask("ATSH7E1")

    assert bench.lines("010D") == ["7E903410D00"]


def test_an_address_outside_the_obd_range_needs_a_receive_filter() -> None:
    bench = Bench().ready()
    bench.ask("ATSH714")

    assert bench.lines("222203") == ["NO DATA"]
    bench.ask("ATCRA77E")
    assert bench.lines("222203") == ["77E0662220300BC52"]
    bench.ask("ATAR")
    assert bench.lines("222203") == ["NO DATA"]


def test_a_receive_filter_may_leave_digits_open() -> None:
    bench = Bench().ready()
    bench.ask("ATCRA7EX")

    assert bench.lines("010D") == ["7E803410D00", "7E903410D00"]


def test_filter_and_mask_select_frames() -> None:
    bench = Bench().ready()
    bench.ask("ATCF7E9")
    bench.ask("ATCM7FF")

    assert bench.lines("010D") == ["7E903410D00"]


def test_without_flow_control_only_the_first_frame_comes() -> None:
    bench = Bench().ready()
    bench.ask("ATCFC0")

    assert bench.lines("0902") == ["7E810144902014C5356"]


def test_own_flow_control_must_reach_the_unit() -> None:
    bench = Bench().ready()
    assert bench.ask("ATFCSM1") == "?\r\r>"
    for command in ("ATFCSH7E1", "ATFCSD300000", "ATFCSM1"):
        assert bench.ask(command) == "OK\r\r>"

    assert bench.lines("0902") == ["7E810144902014C5356"]
    bench.ask("ATFCSH7E0")
    assert len(bench.lines("0902")) == 3


def test_without_formatting_the_host_supplies_the_length_byte() -> None:
    bench = Bench().ready()
    bench.ask("ATCAF0")

    assert bench.lines("02010D") == ["7E803410D0000000000", "7E903410D0000000000"]


def test_short_29_bit_headers_take_the_priority_byte() -> None:
    bench = Bench("can29").ready()

    bench.ask("ATSHDA10F1")
    assert bench.lines("010D") == ["18DAF11003410D00"]
    bench.ask("ATSH18DA1DF1")
    assert bench.lines("010D") == ["18DAF11D03410D00"]


def test_29_bit_identifiers_print_as_four_bytes_with_spaces() -> None:
    bench = Bench("can29").ready()
    bench.ask("ATS1")

    assert bench.lines("010D1") == ["18 DA F1 10 03 41 0D 00 "]


def test_power_programming_is_taken_and_counted() -> None:
    bench = Bench()

    bench.ask("ATPP0CSV23")

    assert bench.journal.unsafe == ["AT PP 0CSV23"]


def test_header_changes_and_maker_requests_count_while_the_car_moves() -> None:
    bench = Bench().ready()
    bench.car.speed_kmh = 30.0

    bench.ask("ATSH7E0")
    bench.ask("22F190")
    bench.ask("010D")

    assert bench.journal.unsafe == ["AT SH 7E0 while moving", "7E0 22F190 while moving"]


def test_a_search_counts_while_the_car_moves() -> None:
    bench = Bench()
    bench.car.speed_kmh = 30.0

    bench.ask("0100")

    assert bench.journal.unsafe == ["protocol search while moving"]


def test_every_protocol_question_has_an_answer_in_every_profile() -> None:
    for name in ("elm-1.4b", "elm-1.5-clone", "elm-2.1-clone", "elm-2.2", "stn-1170"):
        bench = Bench(profile=name).ready()

        assert bench.lines("0902") == ["7E810144902014C5356", "7E821414134394A334B", "7E82232303030313031"], name


def test_a_poor_clone_lacks_commands_and_ignores_the_digit() -> None:
    bench = Bench(profile="elm-2.1-clone").ready()

    assert [bench.ask(command) for command in ("ATAL", "ATCAF0", "ATFCSH7E0", "ATCRA7E8")] == ["?\r\r>"] * 4
    assert len(bench.lines("010C1")) == 2
    assert bench.lines("010C0D") == ["7E804410C0C30", "7E904410C0C30"]


def test_a_clone_puts_a_stray_byte_in_front_of_its_banner() -> None:
    bench = Bench(profile="elm-1.5-clone")
    bench.ask("ATE0")

    assert bench.ask("ATZ") == "\xfc\r\rELM327 v1.5\r\r>"


def test_a_terse_clone_ends_commands_with_one_return_and_takes_no_fixed_protocol() -> None:
    bench = Bench(profile="elm-1.5-terse").ready()

    assert bench.ask("ATI") == "ELM327 v1.5\r>"
    assert bench.ask("ATSP6") == "?\r>"
    assert bench.ask("ATSP0") == "OK\r>"
    assert bench.ask("010D1").endswith("7E803410D00\r\r>")


def test_a_frail_clone_never_ends_a_request_for_many_pids() -> None:
    bench = Bench(profile="elm-1.5-frail").ready()

    assert bench.lines("010C0D1") == ["7E806410C0C300D00"]
    assert bench.ask("010C0D051", patience_s=5) == ""
    assert bench.send(b" ") == b"STOPPED\r\r>"


def test_an_stn_answers_its_own_commands() -> None:
    bench = Bench(profile="stn-1170").ready()

    assert bench.ask("STI") == "STN1170 v4.3.2\r\r>"
    assert bench.lines("STPX H:7E1, D:010D, R:1, T:100") == ["7E903410D00"]
    assert bench.lines("STPX D:010D") == ["7E803410D00", "7E903410D00"]
    assert bench.ask("STPX D:01G") == "?\r\r>"
    assert bench.ask("STPTO 100") == "OK\r\r>"


def test_adapters_that_know_nothing_say_so_in_their_way() -> None:
    assert Bench(profile="question-mark").lines("ATI") == ["ATI", "?"]
    assert Bench(profile="mute").ask("ATI") == ""
    assert Bench(profile="modem").ask("ATZ", patience_s=1) == "ATZ\r\r\nOK\r\n"
    assert Bench(profile="modem").ask("ATH1", patience_s=1) == "ATH1\r\r\nERROR\r\n"


def test_bytes_during_a_reset_are_not_heard() -> None:
    bench = Bench().ready()
    bench.adapter.receive(bench.now_s, b"ATZ\r")
    bench.now_s += 0.1

    assert bench.send(b"ATRV\r") == b"\r\rELM327 v2.2\r\r>"


def test_ten_megabytes_without_an_end_do_not_keep_it_from_the_next_command() -> None:
    bench = Bench().ready()

    bench.send(b"A" * 10_000_000, patience_s=3.0)

    assert bench.send(b"\r") == b"?\r\r>"
    assert bench.ask("ATRV") == "14.2V\r\r>"


@settings(deadline=None, max_examples=60)
@given(st.binary(max_size=60), st.sampled_from(sorted(PROFILES)))
def test_no_bytes_break_it(data: bytes, profile: str) -> None:
    bench = Bench(profile=profile)

    bench.send(data, patience_s=5.0)
    bench.send(b"\r", patience_s=5.0)

    assert bench.now_s > 0


@settings(deadline=None)
@given(st.sampled_from([b"ATE0\r", b"010C1\r", b"0902\r", b"01 0C\r"]), st.booleans(), st.integers(1, 6))
def test_splitting_what_is_sent_changes_neither_the_answer_nor_its_moment(sent: bytes, ready: bool, size: int) -> None:
    whole, parts = (Bench().ready() if ready else Bench() for _ in range(2))

    expected = whole.send(sent)
    for start in range(0, len(sent), size):
        parts.adapter.receive(parts.now_s, sent[start : start + size])

    assert parts.collect() == expected
    assert parts.now_s == pytest.approx(whole.now_s)


def test_what_the_standard_asks_of_every_car_over_uds_does_not_count() -> None:
    bench = Bench().ready()
    bench.car.speed_kmh = 30.0

    for request in ("22F40D", "22F802", "194233081E", "195533"):
        bench.ask(request)

    assert bench.journal.unsafe == []
