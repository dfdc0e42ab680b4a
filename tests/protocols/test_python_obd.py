"""python-OBD as the second opinion: the same recorded answers, the same values."""

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols import python_obd
from protocols.obd import decode_pid
from protocols.signals import PID_LENGTHS

pytestmark = pytest.mark.skipif(not python_obd.is_available(), reason="python-OBD is not installed")


@given(st.sampled_from(python_obd.SCALAR_PIDS), st.binary(min_size=2, max_size=2))
def test_both_decoders_agree_on_every_scalar(pid: int, raw: bytes) -> None:
    data = raw[: PID_LENGTHS[pid]]
    (ours,) = decode_pid(pid, data, ecu="7E8")

    theirs = python_obd.decode_scalar(pid, data)

    assert theirs is not None
    assert isinstance(ours.value, (int, float))
    assert theirs[1] == ours.unit
    assert theirs[0] == pytest.approx(ours.value, rel=1e-3, abs=1e-5)


@pytest.mark.parametrize("pid", [0x01, 0x14, 0x24, 0x32, 0x54, 0x55, 0xA6, 0xFE])
def test_pids_off_the_list_are_never_asked_of_it(pid: int) -> None:
    assert python_obd.decode_scalar(pid, bytes(4)) is None


def test_texts_of_codes() -> None:
    assert python_obd.code_text_en("P0143") == "O2 Sensor Circuit Low Voltage"
    assert python_obd.code_text_en("C0123") == ""


def run(program: str) -> None:
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)


def test_texts_are_read_without_the_rest_of_the_package() -> None:
    run("import sys; from protocols import python_obd as it; it.code_text_en('P0143'); assert 'obd' not in sys.modules")


def test_it_is_imported_only_when_used_and_installs_no_log_handler() -> None:
    run(
        "import sys; import protocols.obd, protocols.python_obd as door; assert 'obd' not in sys.modules\n"
        "assert door.decode_scalar(0x0C, bytes(2)); import logging; assert not logging.getLogger('obd').handlers"
    )


def test_a_process_without_descriptors_has_no_texts_until_it_has_some_again() -> None:
    run(
        "import protocols.python_obd as it, os, resource\n"
        "resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64)); held = []\n"
        "try:\n"
        "    while True: held.append(os.open('/dev/null', os.O_RDONLY))\n"
        "except OSError: assert it.code_text_en('P0143') == ''\n"
        "for one in held: os.close(one)\n"
        "assert it.code_text_en('P0143') == 'O2 Sensor Circuit Low Voltage'"
    )


def test_without_the_package_texts_are_empty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(python_obd, "_package", lambda: None)
    monkeypatch.setattr(python_obd, "find_spec", lambda _name: None)
    python_obd._texts.cache_clear()

    assert python_obd.code_text_en("P0143") == ""
    assert python_obd.decode_scalar(0x0C, b"\x1a\xf8") is None
    python_obd._texts.cache_clear()


def test_the_list_of_what_it_is_asked_is_this_one() -> None:
    assert list(python_obd.SCALAR_PIDS) == [
        *range(0x04, 0x12), 0x1F, 0x21, 0x22, 0x23, *range(0x2C, 0x32), 0x33, *range(0x3C, 0x40), 0x42, 0x43, 0x44,
        0x45, 0x46, 0x47, 0x48, 0x49, 0x4A, 0x4B, 0x4C, 0x4D, 0x4E, 0x52, 0x53, *range(0x59, 0x5F),
    ]  # fmt: skip
    assert python_obd.is_available() is True
