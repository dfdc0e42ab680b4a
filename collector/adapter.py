"""One open adapter: a command goes out through the guard, its reply comes back, everything is counted.

An Adapter is used once. After AdapterLostError it is closed and a new one is opened.
"""

import asyncio
import contextlib
from dataclasses import dataclass

from collector.errors import AdapterLostError
from collector.guard import GuardedPort
from collector.transport import Transport
from config.settings import AdapterSettings
from protocols.allowed import RESYNC_BREAK, RESYNC_PROBE, AllowList
from protocols.elm327 import Elm327Session, Notice, Reply
from protocols.errors import AdapterReplyError

MAX_REPLY_BYTES = 16_384  # the longest list a car sends (4095 bytes of ISO-TP) with ids, spaces and line ends
STOP_WAIT_S = 0.3  # an interrupted ELM327 prints its prompt within one byte time; clones take up to 0.2 s
PROBE_WAIT_S = 1.0
KNOCK_S = 0.04  # an idle chip answers a knock in 5 ms, over Bluetooth in 30
FORGET_S = 0.3
STILL_S = 0.5  # within this the answer to a command follows the answers to earlier knocks
# ISO 14229-2: a unit that said "response pending" may take 5 s from then on (P2*), and may say so again
P2_STAR_S = 5.0
PENDING_ANSWERS_MAX = 6
RESTART_NOTICES = frozenset({Notice.LV_RESET, Notice.RESTARTED, Notice.INTERNAL_ERROR})


@dataclass(slots=True)
class Traffic:
    """What the link has cost so far."""

    requests: int = 0
    bytes_sent: int = 0
    bytes_received: int = 0
    resyncs: int = 0


class Adapter:
    """Sends one command at a time; ``ask`` is the only way to the wire."""

    def __init__(self, transport: Transport, allow: AllowList, settings: AdapterSettings) -> None:
        self.url = transport.url
        self.traffic = Traffic()
        self._transport = transport
        self._port = GuardedPort(transport, allow)
        self._settings = settings
        self._session = Elm327Session(max_reply_bytes=MAX_REPLY_BYTES)

    async def ask(self, command: str, *, timeout_s: float | None = None, inside_read: bool = False) -> Reply | None:
        """Send ``command`` and return its reply; None when the prompt stayed away and the link was won back.

        Raises AdapterLostError when the link broke, could not be won back, or the adapter restarted by itself.
        """
        data = self._session.send(command)
        await self._write(data, inside_read=inside_read)
        reply = await self._reply_within(timeout_s or self._settings.reply_timeout_s)
        if reply is None:
            await self._resynchronise()
            return None
        if reply.notices & RESTART_NOTICES and not command.upper().startswith(("ATZ", "ATWS", "ATI")):
            await self._forget_events()
            raise AdapterLostError("adapter.restarted", ", ".join(sorted(n.name for n in reply.notices)))
        return reply

    async def _forget_events(self) -> None:
        """After a brown-out or an internal error a chip may search no CAN until told to forget it (AT FE)."""
        with contextlib.suppress(AdapterLostError):
            await self._write(self._session.send("ATFE"))
            await self._reply_within(FORGET_S)

    async def first_word(self, command: str, *, timeout_s: float, boot_s: float) -> Reply | None:
        """``ask`` an adapter that may have got its supply just now: knock until it is awake, then ask once more.

        Raises AdapterLostError when no prompt came within ``boot_s``.
        """
        await self._write(self._session.send(command))
        reply = await self._reply_within(timeout_s)
        if reply is not None:
            return reply
        self._session = Elm327Session(max_reply_bytes=MAX_REPLY_BYTES)
        await self._knock(boot_s)
        await self._write(self._session.send(command))
        reply = await self._reply_within(timeout_s)
        while reply is not None and not reply.lines and Notice.UNKNOWN_COMMAND in reply.notices:
            # it may answer a knock that was still under way: the answer to the command comes behind it
            self._session.send(command)
            following = await self._reply_within(STILL_S)
            if following is None:
                self._session.abandon()
                break
            reply = following
        return reply

    async def _knock(self, boot_s: float) -> None:
        """Send what no adapter executes until one says so."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + boot_s
        while loop.time() < deadline:
            await self._write(RESYNC_BREAK)
            awake = await self._drain(KNOCK_S)
            await self._write(RESYNC_PROBE)
            if await self._drain(KNOCK_S) or awake:
                return
        raise AdapterLostError("adapter.no_prompt", "")

    async def close(self) -> None:
        """Release the link; never raises."""
        await self._transport.close()

    async def _write(self, data: bytes, *, inside_read: bool = False) -> None:
        self.traffic.requests += 1
        self.traffic.bytes_sent += len(data)
        await self._port.send(data, inside_read=inside_read)

    async def _reply_within(self, timeout_s: float) -> Reply | None:
        """The reply, or None after ``timeout_s``; each unit that asks for patience on the way is given P2* more."""
        granted = 0
        try:
            async with asyncio.timeout(timeout_s) as wait:
                while True:
                    data = await self._transport.read()
                    self.traffic.bytes_received += len(data)
                    if (reply := self._session.receive(data)) is not None:
                        return reply
                    if granted < (pending := min(self._session.pending_answers, PENDING_ANSWERS_MAX)):
                        granted = pending
                        wait.reschedule(asyncio.get_running_loop().time() + P2_STAR_S + timeout_s)
        except TimeoutError:
            return None
        except AdapterReplyError as error:
            raise AdapterLostError("adapter.garbage", error) from error

    async def _resynchronise(self) -> None:
        """Win the prompt back after silence without ever sending a bare CR, which would repeat the last command.

        A space stops a busy adapter and is ignored by an idle one; the probe is a command none knows.
        """
        self.traffic.resyncs += 1
        self._session = Elm327Session(max_reply_bytes=MAX_REPLY_BYTES)
        await self._write(RESYNC_BREAK)
        await self._drain(STOP_WAIT_S)
        await self._write(RESYNC_PROBE)
        if not await self._drain(PROBE_WAIT_S):
            raise AdapterLostError("adapter.no_prompt", "")

    async def _drain(self, wait_s: float) -> bool:
        """Read and drop until nothing comes for a moment after a prompt; True when a prompt came within ``wait_s``."""
        seen = b""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + wait_s
        while (left_s := deadline - loop.time()) > 0:
            try:
                async with asyncio.timeout(left_s):
                    data = await self._transport.read()
            except TimeoutError:
                break
            self.traffic.bytes_received += len(data)
            seen = (seen + data)[-64:]
            if seen.rstrip().endswith(b">"):
                return True
        return False
