"""Brings a fresh adapter into the state every reply is parsed in, and notes what it turned out able to do.

Behaviour counts, the reported version does not: clones claim versions that were never made.
"""

import asyncio
from dataclasses import dataclass, replace

from collector.adapter import Adapter
from collector.errors import AdapterLostError
from collector.memory import NO_SKILLS, Memory, ShortMemory, Skills, adapter_key
from protocols.elm327 import Notice, Reply
from protocols.readings import AdapterIdentity

FIRST_WORD_S = 0.35  # a chip that is running answers ATI in 6 ms, over a slow Bluetooth link in 0.2 s
WORD_S = 2.0
TRY_AGAIN_VISITS = 50  # what an adapter failed at may have been a bad day: it is tried again now and then
SETTLE_S = 0.06  # clones lose what follows the prompt of a reset at once
BOOT_S = 3.0  # genuine chips are deaf for 0.7 s after power or a reset, cables were seen at 1.5 s


@dataclass(frozen=True, slots=True)
class Abilities:
    """What this adapter was seen to do: now, and (``skills``, kept under ``key``) in its life so far."""

    reported: str
    chip: str
    spaces_off: bool
    headers: bool
    adaptive_timing: bool
    long_messages: bool
    key: str = ""
    skills: Skills = NO_SKILLS

    def names(self) -> tuple[str, ...]:
        """The abilities present, for the snapshot."""
        flags = ("spaces_off", "headers", "adaptive_timing", "long_messages")
        return tuple(name for name in flags if getattr(self, name))


async def set_up(adapter: Adapter, memory: Memory | None = None, *, brief: bool = False) -> Abilities:
    """Wake the adapter and set echo, line feeds, spaces, headers and timing; raise AdapterLostError if it is none.

    ``brief`` believes the memory about what a short visit does not depend on; whatever shapes a reply is always set
    and seen.
    """
    reported = await _first_word(adapter)
    key = adapter_key(adapter.url, reported)
    skills = await (memory or ShortMemory()).skills(key) or NO_SKILLS
    brief = brief and bool(skills.last_car)
    if skills.visits % TRY_AGAIN_VISITS == TRY_AGAIN_VISITS - 1:
        skills = replace(skills, counts_lines=True, pids_at_once=0, lacks_defaults=False)
    lacks_defaults = skills.lacks_defaults or not _ok(await adapter.ask("ATD", timeout_s=WORD_S))
    if lacks_defaults:
        await _reset(adapter)
    await adapter.ask("ATE0")
    await adapter.ask("ATL0")
    abilities = Abilities(
        reported=reported,
        chip=skills.chip if brief else await _chip(adapter),
        spaces_off=_ok(await adapter.ask("ATS0")),
        headers=_ok(await adapter.ask("ATH1")),
        adaptive_timing=skills.adaptive_timing if brief else _ok(await adapter.ask("ATAT1")),
        long_messages=skills.long_messages if brief else _ok(await adapter.ask("ATAL")),
        key=key,
        skills=replace(skills, lacks_defaults=lacks_defaults),
    )
    if not (reported or abilities.headers or abilities.spaces_off):
        raise AdapterLostError("adapter.not_elm", "every command was answered with ?")
    return abilities


def identity_of(url: str, abilities: Abilities) -> AdapterIdentity:
    """The adapter as the snapshot names it."""
    return AdapterIdentity(url, abilities.reported, abilities.chip, abilities.names())


async def _first_word(adapter: Adapter) -> str:
    """What the adapter calls itself; a chip that stays silent gets one reset before it is given up."""
    reply = await adapter.first_word("ATI", timeout_s=FIRST_WORD_S, boot_s=BOOT_S)
    if reply is None or not reply.lines:
        reply = await _reset(adapter)
    return _text(reply)


async def _reset(adapter: Adapter) -> Reply | None:
    reply = await adapter.ask("ATZ", timeout_s=BOOT_S)
    await asyncio.sleep(SETTLE_S)
    return reply


async def _chip(adapter: Adapter) -> str:
    """``STNxxxx`` when ST commands are known; they are unknown to everything else and cost a millisecond."""
    reply = await adapter.ask("STI", timeout_s=WORD_S)
    text = _text(reply)
    return text if text.upper().startswith("STN") else "ELM327"


def _ok(reply: Reply | None) -> bool:
    return reply is not None and any(line.upper().endswith("OK") for line in reply.lines)


def _text(reply: Reply | None) -> str:
    if reply is None or Notice.UNKNOWN_COMMAND in reply.notices:
        return ""
    return " ".join(reply.lines)[:60]
