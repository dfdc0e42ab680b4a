"""The check-up: what it finds decides what it says, in both languages, and every problem comes with advice."""

import io
import itertools
from dataclasses import replace

import pytest

from agent.doctor import Level, diagnose, print_doctor
from agent.doctor_facts import Bluetooth, BrokerState, Facts, Key, LowEnergy, Port, Store
from config.errors import SettingsError
from config.settings import Settings
from evidence.snapshot import ClockQuality

USB = Port("/dev/ttyUSB0", there=True, usable=True, group="dialout")
GOOD = Facts(
    versions={"forecourt": "0.1.0", "python": "3.11.2", "sqlite": "3.40.1"},
    ports=(USB,),
    store=Store("/var/lib/forecourt", 4000, writable=True, encrypted=True),
)
WITH_BLE = {"bay": [{"name": "1", "adapter": "ble:AA:BB:CC:DD:EE:FF"}]}
WITH_RFCOMM = {"bay": [{"name": "1", "adapter": "rfcomm:AA:BB:CC:DD:EE:FF"}]}
FAR = {"mqtt": {"url": "mqtt://lot:secret@10.0.0.9:1883"}}


def judged(facts: Facts, settings: Settings | None = None) -> dict[str, Level]:
    """The gravest level of each subject."""
    order = [Level.OK, Level.NOTE, Level.PROBLEM]
    levels: dict[str, Level] = {}
    for line in diagnose(settings or Settings(), facts, "en"):
        levels[line.subject] = max(levels.get(line.subject, Level.OK), line.level, key=order.index)
    return levels


def test_a_good_machine_has_nothing_but_ok() -> None:
    levels = judged(GOOD)

    assert set(levels.values()) == {Level.OK}
    assert len(levels) == 8


@pytest.mark.parametrize(
    ("subject", "facts"),
    [
        ("ports", replace(GOOD, ports=())),
        ("ports", replace(GOOD, ports=(replace(USB, there=False, usable=False),))),
        ("permissions", replace(GOOD, ports=(replace(USB, usable=False),))),
        ("broker", replace(GOOD, broker=BrokerState.LOST)),
        ("broker", replace(GOOD, broker=BrokerState.LOGIN)),
        ("broker", replace(GOOD, broker=BrokerState.REFUSED)),
        ("clock", replace(GOOD, clock=ClockQuality.NONE)),
        ("disk", replace(GOOD, store=replace(GOOD.store, free_mb=300))),
        ("disk", replace(GOOD, store=replace(GOOD.store, writable=False))),
    ],
)
def test_each_lack_is_a_problem_of_its_own_subject(subject: str, facts: Facts) -> None:
    levels = judged(facts)

    assert [name for name, level in levels.items() if level is Level.PROBLEM] == [subject]


def test_a_lost_encryption_of_the_disk_is_only_a_note() -> None:
    levels = judged(replace(GOOD, store=replace(GOOD.store, encrypted=None), clock=ClockQuality.RTC))

    assert levels["encryption"] is Level.NOTE
    assert levels["clock"] is Level.NOTE


def test_of_a_folder_that_is_closed_to_us_only_that_is_said() -> None:
    lines = diagnose(Settings(), replace(GOOD, store=Store("/var/lib/forecourt", 0, False, None, closed=True)), "en")

    told = [line for line in lines if "/var/lib/forecourt" in line.text]
    assert [(line.subject, line.level) for line in told] == [("disk", Level.NOTE)]


@pytest.mark.parametrize(
    ("key", "level", "words"),
    [
        (Key.ON, Level.OK, "is encrypted."),
        (Key.BESIDE, Level.NOTE, "the key (/etc/key) lies on the same disk"),
        (Key.ELSEWHERE, Level.NOTE, "was not given the key"),
        (Key.UNUSABLE, Level.PROBLEM, "this key does not fit"),
        (Key.OFF, Level.NOTE, "Encryption is off"),
    ],
)
def test_what_becomes_of_the_storage_key_is_said(key: Key, level: Level, words: str) -> None:
    refusal = SettingsError("this key does not fit", "密钥不符")
    store = replace(GOOD.store, encrypted=False, key=key, key_source="/etc/key", refusal=refusal)

    said = diagnose(Settings(), replace(GOOD, store=store), "en")[-1]

    assert (said.subject, said.level) == ("encryption", level)
    assert words in said.text
    assert bool(said.advice) is (level is not Level.OK)


def test_an_encrypted_disk_needs_no_key_of_ours() -> None:
    for key in (Key.OFF, Key.BESIDE):
        assert judged(replace(GOOD, store=replace(GOOD.store, key=key)))["encryption"] is Level.OK


def test_missing_bluetooth_matters_only_to_a_bay_that_needs_it() -> None:
    facts = replace(GOOD, bluetooth=Bluetooth.NO_KERNEL)

    assert judged(facts)["bluetooth"] is Level.OK
    assert judged(facts, Settings.model_validate(WITH_RFCOMM))["bluetooth"] is Level.PROBLEM


@pytest.mark.parametrize("lack", [LowEnergy.NO_LIBRARY, LowEnergy.NO_SERVICE])
def test_what_low_energy_lacks_matters_only_to_a_bay_that_needs_it(lack: LowEnergy) -> None:
    facts = replace(GOOD, low_energy=lack)

    assert "low_energy" not in judged(facts, Settings.model_validate(WITH_RFCOMM))
    assert judged(facts, Settings.model_validate(WITH_BLE))["low_energy"] is Level.PROBLEM
    assert judged(GOOD, Settings.model_validate(WITH_BLE))["low_energy"] is Level.OK


def test_a_wireless_adapter_needs_no_serial_port() -> None:
    facts = replace(GOOD, ports=())

    assert "ports" not in judged(facts, Settings.model_validate(WITH_RFCOMM))


def test_an_open_line_to_a_far_broker_is_a_problem_and_its_password_is_not_shown() -> None:
    settings = Settings.model_validate(FAR)
    lines = diagnose(settings, replace(GOOD, broker=BrokerState.LOST), "en")

    assert judged(GOOD, settings)["encryption"] is Level.PROBLEM
    assert "secret" not in str(lines)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_problem_says_what_to_do(language: str) -> None:
    bad = replace(
        GOOD,
        ports=(replace(USB, there=False, usable=False), replace(USB, path="/dev/ttyACM0", usable=False)),
        store=replace(GOOD.store, writable=False, encrypted=False),
    )
    radios = zip(Bluetooth, LowEnergy, strict=True)
    for (bluetooth, low_energy), broker, clock in itertools.product(radios, BrokerState, ClockQuality):
        facts = replace(bad, bluetooth=bluetooth, low_energy=low_energy, broker=broker, clock=clock)
        lines = diagnose(Settings.model_validate(WITH_BLE | FAR), facts, language)

        assert all(bool(line.advice) is (line.level is not Level.OK) for line in lines)


def test_it_prints_a_line_for_each_and_ends_with_3_when_there_is_a_problem(tmp_path: object) -> None:
    out = io.StringIO()
    settings = Settings.model_validate(
        {
            "bay": [{"name": "1", "adapter": f"serial:{tmp_path}/nothing"}],
            "mqtt": {"url": "mqtt://127.0.0.1:9", "connect_timeout_s": 1},
            "storage": {"directory": f"{tmp_path}/state"},
        }
    )

    assert print_doctor(settings, "en", out) == 3
    text = out.getvalue()
    assert f"{tmp_path}/nothing is in the settings, but not plugged in." in text
    assert "mqtt://127.0.0.1:9 does not answer" in text
