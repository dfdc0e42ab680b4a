"""Which bays this box has: the configured ones, and one for each adapter that turns up on a USB port."""

import asyncio
from collections.abc import AsyncIterator, Collection
from dataclasses import dataclass

from collector.discovery import adapters_in, arrived_and_left, likely_adapters
from config.settings import Settings

LOOK_EVERY_S = 1.0
AUTO = "auto:"
NAME_MAX = 40


@dataclass(frozen=True, slots=True)
class BayPlan:
    """A bay to be watched: its name on the page and the address of its adapter."""

    name: str
    url: str


def configured_bays(settings: Settings) -> tuple[BayPlan, ...]:
    """The bays whose adapter has an address of its own."""
    return tuple(BayPlan(bay.name, bay.adapter) for bay in settings.bay if bay.adapter != AUTO)


async def watch_for_adapters(
    settings: Settings, taken: Collection[str]
) -> AsyncIterator[tuple[tuple[BayPlan, ...], tuple[BayPlan, ...]]]:
    """What arrived and what left since the last look, for ever. An adapter in ``taken`` at the start is configured.

    Bays with ``auto:`` give their names to adapters in the order these turn up; further ones are named by their port.
    """
    configured = frozenset(taken)
    free_names = [bay.name for bay in settings.bay if bay.adapter == AUTO]
    plugged: dict[str, BayPlan] = {}
    while True:
        seen = await asyncio.to_thread(_adapters, settings)
        arrived, left = arrived_and_left(plugged, seen - configured)
        gone = tuple(plugged.pop(url) for url in sorted(left))
        free_names += [plan.name for plan in gone if _is_auto_name(settings, plan.name)]
        new = tuple(BayPlan(free_names.pop(0) if free_names else _port_name(url), url) for url in sorted(arrived))
        plugged |= {plan.url: plan for plan in new}
        if new or gone:
            yield new, gone
        await asyncio.sleep(LOOK_EVERY_S)


def _adapters(settings: Settings) -> frozenset[str]:
    directory = settings.adapter.hotplug_dir
    if directory is not None:
        return frozenset(adapters_in(directory))
    wanted = any(bay.adapter == AUTO for bay in settings.bay)
    return frozenset(likely_adapters()) if wanted else frozenset()


def _is_auto_name(settings: Settings, name: str) -> bool:
    return any(bay.name == name for bay in settings.bay if bay.adapter == AUTO)


def _port_name(url: str) -> str:
    return url.rsplit("/", 1)[-1][:NAME_MAX]
