"""Which bays this box has: the configured ones, and one for each adapter that is plugged in or paired."""

import asyncio
from collections.abc import AsyncGenerator, Iterable
from dataclasses import dataclass
from pathlib import Path

from collector.discovery import Finder, arrived_and_left
from collector.links import need_library
from config.errors import SettingsError
from config.settings import Settings

LOOK_EVERY_S = 0.5  # plug to first request in under 2 s: this, opening the port, waking the chip
AUTO = "auto:"
NAME_MAX = 40


@dataclass(frozen=True, slots=True)
class BayPlan:
    """A bay to be watched: its name on the page and the address of its adapter."""

    name: str
    url: str


def configured_bays(settings: Settings) -> tuple[BayPlan, ...]:
    """The bays whose adapter has an address of its own.

    Raises SettingsError when two share a name or an adapter, or one needs a library that is not installed.
    """
    urls = [bay.adapter for bay in settings.bay if bay.adapter != AUTO]
    _refuse_twins("bay.name", [bay.name for bay in settings.bay])
    _refuse_twins("bay.adapter", urls)
    for url in urls:
        need_library(url)
    return tuple(BayPlan(bay.name, bay.adapter) for bay in settings.bay if bay.adapter != AUTO)


Change = tuple[tuple[BayPlan, ...], tuple[BayPlan, ...]]
"""Bays that arrived, and bays that left."""


async def watch_for_adapters(settings: Settings) -> AsyncGenerator[Change, None]:
    """What arrived and what left since the last look, for ever.

    Bays with ``auto:`` give their names to adapters in the order these turn up; further ones are named by their port.
    """
    free_names = [bay.name for bay in settings.bay if bay.adapter == AUTO]
    plugged: dict[str, BayPlan] = {}
    finder = Finder(settings.adapter, every_port=bool(free_names))
    try:
        while True:
            seen = _not_configured(settings, await finder.look(asyncio.get_running_loop().time()))
            arrived, left = arrived_and_left(plugged, seen)
            gone = tuple(plugged.pop(url) for url in sorted(left))
            free_names += [plan.name for plan in gone if _is_auto_name(settings, plan.name)]
            in_order = [url for url in seen if url in arrived]
            new = tuple(BayPlan(free_names.pop(0) if free_names else _port_name(url), url) for url in in_order)
            plugged |= {plan.url: plan for plan in new}
            if new or gone:
                yield new, gone
            await asyncio.sleep(LOOK_EVERY_S)
    finally:
        await finder.close()


def _refuse_twins(key: str, values: list[str]) -> None:
    for value in values:
        if values.count(value) > 1:
            raise SettingsError(f"setting '{key}': '{value}' is given to two bays; give each its own")


def _not_configured(settings: Settings, found: Iterable[str]) -> list[str]:
    """Adapters that are there now and that no configured bay names under another name, in the order found."""
    named = {_device(bay.adapter) for bay in settings.bay}
    return [url for url in found if _device(url) not in named]


def _device(url: str) -> str:
    """What an address leads to, so that two names of one port or radio are seen to be one."""
    kind, _, address = url.partition(":")
    bare = address.partition("?")[0]
    if kind == "serial":
        return str(Path(bare).resolve())
    return bare.upper() if kind in ("rfcomm", "ble") else url


def _is_auto_name(settings: Settings, name: str) -> bool:
    return any(bay.name == name for bay in settings.bay if bay.adapter == AUTO)


def _port_name(url: str) -> str:
    return url.rsplit("/", 1)[-1][:NAME_MAX]
