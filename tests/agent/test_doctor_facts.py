"""Looking at the machine: real files, a real broker, no radio."""

import os
import pty
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from agent.doctor_facts import (
    BrokerState,
    Key,
    LowEnergy,
    Store,
    ask_broker,
    is_encrypted,
    look_at_key,
    look_at_low_energy,
    look_at_port,
    look_at_store,
    port_paths,
)
from config.settings import MqttSettings, Settings, StorageSettings
from tests.agent.test_premises import keep_something
from tests.sealed import OTHER_KEY, as_somebody, files_below, key_file, need_cipher
from tests.sync.broker import Broker, free_port, password_options


def test_a_pseudo_terminal_is_there_and_usable() -> None:
    ours, theirs = pty.openpty()
    port = look_at_port(os.ttyname(theirs))
    os.close(ours)
    os.close(theirs)

    assert port.there
    assert port.usable
    assert port.group


def test_a_port_that_is_not_there_is_no_error() -> None:
    assert not look_at_port("/dev/ttyUSB999").there


async def test_low_energy_needs_the_library_and_then_the_service(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_library = await look_at_low_energy(f"unix:path={tmp_path}/no-bus")
    monkeypatch.setattr("agent.doctor_facts.find_spec", lambda name: None)

    assert with_library is LowEnergy.NO_SERVICE
    assert await look_at_low_energy() is LowEnergy.NO_LIBRARY


def test_a_port_found_by_two_names_is_listed_once(tmp_path: Path) -> None:
    device = tmp_path / "ttyUSB0"
    device.touch()
    by_id = tmp_path / "by-id"
    by_id.mkdir()
    (by_id / "usb-adapter").symlink_to(device)
    settings = Settings.model_validate(
        {
            "bay": [{"name": "1", "adapter": f"serial:{device}?baud=38400"}],
            "adapter": {"hotplug_dir": by_id},
        }
    )

    assert [path for path in port_paths(settings) if path.startswith(str(tmp_path))] == [str(device)]


def test_a_storage_folder_that_is_still_to_be_made_is_judged_by_what_stands_above_it(tmp_path: Path) -> None:
    store = look_at_store(tmp_path / "state" / "forecourt")

    assert store.writable
    assert store.free_mb > 0


def test_a_folder_that_only_the_service_may_enter_is_no_fault_of_ours(tmp_path: Path) -> None:
    """As systemd makes it for a dynamic user: a link to what lies below a closed folder."""
    closed = tmp_path / "private"
    (closed / "forecourt").mkdir(parents=True)
    link = tmp_path / "forecourt"
    link.symlink_to(closed / "forecourt")
    closed.chmod(0)
    with as_somebody():
        found = [store_with(folder, None) for folder in (link, closed)]
    closed.chmod(0o700)

    assert [store.closed for store in found] == [True, True]


def test_a_volume_that_stands_on_a_crypt_device_is_encrypted(tmp_path: Path) -> None:
    number = tmp_path.stat().st_dev
    device = tmp_path / f"{os.major(number)}:{os.minor(number)}"
    crypt = device / "slaves" / "dm-0" / "dm"
    crypt.mkdir(parents=True)
    (crypt / "uuid").write_text("CRYPT-LUKS2-0123\n")

    assert is_encrypted(tmp_path, tmp_path) is True
    (crypt / "uuid").write_text("LVM-0123\n")
    assert is_encrypted(tmp_path, tmp_path) is False
    assert is_encrypted(tmp_path, tmp_path / "none") is None


async def test_a_broker_that_is_not_there_is_lost() -> None:
    state, detail = await ask_broker(MqttSettings(url=f"mqtt://127.0.0.1:{free_port()}"), "bay-1")

    assert state is BrokerState.LOST
    assert "\n" not in detail


@pytest.mark.broker
async def test_a_broker_lets_the_right_password_in_and_a_wrong_one_is_called_a_login(tmp_path: Path) -> None:
    right, wrong = tmp_path / "right", tmp_path / "wrong"
    right.write_text("lot-7\n")
    wrong.write_text("lot-8\n")
    broker = Broker(tmp_path, options=password_options(tmp_path, "bay-1", "lot-7"))
    broker.start()
    try:
        welcome, _ = await ask_broker(broker.settings(password_file=right), "bay-1")
        refused, detail = await ask_broker(broker.settings(password_file=wrong), "bay-1")
    finally:
        broker.kill()

    assert welcome is BrokerState.OK
    assert refused is BrokerState.LOGIN
    assert detail


def store_with(folder: Path, key: Path | None) -> Store:
    storage = StorageSettings(directory=folder, key_file=key)
    return look_at_key(look_at_store(folder), storage)


def test_it_tells_where_the_key_of_a_sealed_box_lies(tmp_path: Path) -> None:
    need_cipher()
    folder, key = tmp_path / "state", key_file(tmp_path)
    assert store_with(folder, None).key is Key.OFF
    keep_something(StorageSettings(directory=folder, key_file=key))
    before = files_below(folder)

    found = [store_with(folder, one) for one in (key, None, key_file(tmp_path, OTHER_KEY, "other"), tmp_path / "gone")]

    assert [store.key for store in found] == [Key.BESIDE, Key.ELSEWHERE, Key.UNUSABLE, Key.UNUSABLE]
    assert found[0].key_source == str(key)
    assert files_below(folder) == before


@pytest.mark.skipif(not Path("/dev/shm").is_dir(), reason="no second file system at hand")
def test_a_key_on_another_file_system_is_not_beside_what_it_locks(tmp_path: Path) -> None:
    need_cipher()
    with TemporaryDirectory(dir="/dev/shm") as elsewhere:
        assert store_with(tmp_path, key_file(Path(elsewhere))).key is Key.ON
