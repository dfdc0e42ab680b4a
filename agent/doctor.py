"""``forecourt doctor``: is all there that a bay needs? Each line is ok, a problem or a note, and says what to do.

Judging is pure; `agent.doctor_facts` looks at the machine.
"""

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import TextIO

from agent.doctor_facts import Bluetooth, BrokerState, Facts, Key, LowEnergy, Store, gather
from config.catalogue import Language, render
from config.errors import SettingsError
from config.settings import Settings
from evidence.snapshot import ClockQuality

FREE_MARGIN_MB = 200  # beside the outbox: the ledger, logs, and a database that is being folded together
LOOPBACK = ("127.0.0.1", "localhost", "[::1]")


class Level(StrEnum):
    """A note is worth knowing and no reason to call anybody."""

    OK = "ok"
    PROBLEM = "problem"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """One line of the check-up in the reader's language; ``advice`` is empty where nothing has to be done."""

    subject: str
    level: Level
    title: str
    text: str
    advice: str = ""


@dataclass(frozen=True, slots=True)
class _Judged:
    """One judgement before it has a language; the catalogue holds ``doctor.<subject>_<case>`` and its ``_advice``."""

    subject: str
    case: str
    level: Level
    params: dict[str, object]


def run_doctor(settings: Settings, language: Language | str) -> list[Diagnosis]:
    """Look at this machine and judge it; asks the broker once, sends nothing to any car."""
    return diagnose(settings, gather(settings), language)


def print_doctor(settings: Settings, language: Language | str, out: TextIO = sys.stdout) -> int:
    """Print every line of the check-up; return the exit code: 0 nothing to do, 3 problems."""
    diagnoses = run_doctor(settings, language)
    for diagnosis in diagnoses:
        level = render(f"doctor.level_{diagnosis.level}", language)
        print(f"{level:<8}{diagnosis.title}: {diagnosis.text}", file=out)
        if diagnosis.advice:
            print(f"{'':<8}-> {diagnosis.advice}", file=out)
    return 3 if any(diagnosis.level is Level.PROBLEM for diagnosis in diagnoses) else 0


def diagnose(settings: Settings, facts: Facts, language: Language | str) -> list[Diagnosis]:
    """Judge what was found, in the order in which a person would look."""
    return [_worded(judged, language) for check in CHECKS for judged in check(settings, facts)]


def _worded(judged: _Judged, language: Language | str) -> Diagnosis:
    key = f"doctor.{judged.subject}_{judged.case}"
    params = {name: _in(language, value) for name, value in judged.params.items()}
    advice = "" if judged.level is Level.OK else render(f"{key}_advice", language, **params)
    return Diagnosis(
        subject=judged.subject,
        level=judged.level,
        title=render(f"doctor.subject_{judged.subject}", language),
        text=render(key, language, **params),
        advice=advice,
    )


def _in(language: Language | str, value: object) -> object:
    """What the settings refused says itself in both languages."""
    if isinstance(value, SettingsError):
        return value.zh if language == Language.ZH else str(value)
    return value


def _ok(subject: str, case: str, **params: object) -> _Judged:
    return _Judged(subject, case, Level.OK, params)


def _problem(subject: str, case: str, **params: object) -> _Judged:
    return _Judged(subject, case, Level.PROBLEM, params)


def _note(subject: str, case: str, **params: object) -> _Judged:
    return _Judged(subject, case, Level.NOTE, params)


def address(settings: Settings) -> str:
    """The broker's address without a name or password that somebody may have put into it."""
    scheme, _, rest = settings.mqtt.url.partition("://")
    return f"{scheme}://{rest.rpartition('@')[2]}"


def check_versions(_: Settings, facts: Facts) -> Iterator[_Judged]:
    yield _ok("versions", "ok", **facts.versions)


def check_ports(settings: Settings, facts: Facts) -> Iterator[_Judged]:
    other = [bay for bay in settings.bay if not bay.adapter.startswith(("serial:", "auto:"))]
    if not facts.ports and not other:
        yield _problem("ports", "none")
    for port in facts.ports:
        if port.there:
            yield _ok("ports", "ok", port=port.path)
        else:
            yield _problem("ports", "missing", port=port.path)


def check_permissions(_: Settings, facts: Facts) -> Iterator[_Judged]:
    there = [port for port in facts.ports if port.there]
    locked = [port for port in there if not port.usable]
    if there and not locked:
        yield _ok("permissions", "ok")
    for port in locked:
        yield _problem("permissions", "locked", port=port.path, group=port.group)


def check_bluetooth(settings: Settings, facts: Facts) -> Iterator[_Judged]:
    wanted = any(bay.adapter.startswith(("rfcomm:", "ble:")) for bay in settings.bay)
    if facts.bluetooth is Bluetooth.OK:
        yield _ok("bluetooth", "ok")
    elif wanted:
        yield _problem("bluetooth", facts.bluetooth)
    else:
        yield _ok("bluetooth", "unused")
    if any(bay.adapter.startswith("ble:") for bay in settings.bay):
        judge = _ok if facts.low_energy is LowEnergy.OK else _problem
        yield judge("low_energy", facts.low_energy)


def check_broker(settings: Settings, facts: Facts) -> Iterator[_Judged]:
    url = address(settings)
    if facts.broker is BrokerState.OK:
        yield _ok("broker", "ok", url=url)
    elif facts.broker is BrokerState.OLD:
        yield _note("broker", "old", url=url)
    else:
        yield _problem("broker", facts.broker, url=url, detail=facts.broker_detail)


def check_clock(_: Settings, facts: Facts) -> Iterator[_Judged]:
    judge = _ok if facts.clock is ClockQuality.NTP else _problem if facts.clock is ClockQuality.NONE else _note
    yield judge("clock", facts.clock)


def check_disk(settings: Settings, facts: Facts) -> Iterator[_Judged]:
    store = facts.store
    needed_mb = settings.storage.outbox_max_mb + FREE_MARGIN_MB
    if store.closed:
        yield _note("disk", "closed", directory=store.directory)
    elif not store.writable:
        yield _problem("disk", "locked", directory=store.directory)
    elif store.free_mb < needed_mb:
        yield _problem("disk", "full", directory=store.directory, free_mb=store.free_mb, needed_mb=needed_mb)
    else:
        yield _ok("disk", "ok", directory=store.directory, free_mb=store.free_mb)


def check_encryption(settings: Settings, facts: Facts) -> Iterator[_Judged]:
    url = address(settings)
    if url.startswith("mqtts:"):
        yield _ok("encryption", "wire")
    elif url.removeprefix("mqtt://").startswith(LOOPBACK):
        yield _ok("encryption", "loopback")
    else:
        yield _problem("encryption", "off_wire", url=url)
    if not facts.store.closed:
        yield _of_the_store(facts.store)


def _of_the_store(store: Store) -> _Judged:
    """Our own encryption, else the disk's."""
    if store.key is Key.UNUSABLE:
        return _problem("encryption", store.key, detail=store.refusal)
    if store.key is Key.BESIDE and not store.encrypted:
        return _note("encryption", store.key, directory=store.directory, source=store.key_source)
    if store.key is Key.ELSEWHERE:
        return _note("encryption", store.key, directory=store.directory)
    if store.key is Key.ON or store.key is Key.BESIDE:
        return _ok("encryption", Key.ON, directory=store.directory)
    return _ok("encryption", "disk") if store.encrypted else _note("encryption", "off_disk", directory=store.directory)


CHECKS: tuple[Callable[[Settings, Facts], Iterator[_Judged]], ...] = (
    check_versions,
    check_ports,
    check_permissions,
    check_bluetooth,
    check_broker,
    check_clock,
    check_disk,
    check_encryption,
)
