"""Which bays this box has: the configured ones, and one for each adapter that turns up on a USB port."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

from collector.discovery import adapters_in, arrived_and_left, likely_adapters
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
    """The bays whose adapter has an address of its own; raise SettingsError when two share a name or an adapter."""
    urls = [bay.adapter for bay in settings.bay if bay.adapter != AUTO]
    _refuse_twins("bay.name", [bay.name for bay in settings.bay])
    _refuse_twins("bay.adapter", urls)
    return tuple(BayPlan(bay.name, bay.adapter) for bay in settings.bay if bay.adapter != AUTO)


async def watch_for_adapters(settings: Settings) -> AsyncIterator[tuple[tuple[BayPlan, ...], tuple[BayPlan, ...]]]:
    """What arrived and what left since the last look, for ever.

    Bays with ``auto:`` give their names to adapters in the order these turn up; further ones are named by their port.
    """
    free_names = [bay.name for bay in settings.bay if bay.adapter == AUTO]
    plugged: dict[str, BayPlan] = {}
    while True:
        seen = await asyncio.to_thread(_adapters, settings)
        arrived, left = arrived_and_left(plugged, seen)
        gone = tuple(plugged.pop(url) for url in sorted(left))
        free_names += [plan.name for plan in gone if _is_auto_name(settings, plan.name)]
        new = tuple(BayPlan(free_names.pop(0) if free_names else _port_name(url), url) for url in sorted(arrived))
        plugged |= {plan.url: plan for plan in new}
        if new or gone:
            yield new, gone
        await asyncio.sleep(LOOK_EVERY_S)


def _refuse_twins(key: str, values: list[str]) -> None:
    for value in values:
        if values.count(value) > 1:
            raise SettingsError(f"setting '{key}': '{value}' is given to two bays; give each its own")


def _adapters(settings: Settings) -> frozenset[str]:
    """Serial adapters that are there now and that no configured bay names under another name."""
    directory = settings.adapter.hotplug_dir
    found = adapters_in(directory)
    if not found and any(bay.adapter == AUTO for bay in settings.bay):
        found = likely_adapters()  # systems without /dev/serial/by-id
    named = {_device(bay.adapter) for bay in settings.bay}
    return frozenset(url for url in found if _device(url) not in named)


def _device(url: str) -> str:
    """What a serial address leads to, so that two names of one port are seen to be one."""
    kind, _, address = url.partition(":")
    return str(Path(address.partition("?")[0]).resolve()) if kind == "serial" else url


def _is_auto_name(settings: Settings, name: str) -> bool:
    return any(bay.name == name for bay in settings.bay if bay.adapter == AUTO)


def _port_name(url: str) -> str:
    return url.rsplit("/", 1)[-1][:NAME_MAX]
