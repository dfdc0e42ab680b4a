"""The other ends of alert channels: a web server and a mail server on loopback, each a few lines of its protocol."""

import asyncio
import base64
import contextlib
import email
import email.policy
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

MAX_BYTES = 1_000_000
WAIT_S = 10.0


@dataclass
class Receiver:
    """``answers`` are a web server's first statuses, then 200; a ``silent`` one takes the request and says nothing."""

    answers: list[int] = field(default_factory=list)
    silent: bool = False
    port: int = 0
    got: asyncio.Queue[dict[str, Any]] = field(default_factory=asyncio.Queue)

    async def next(self) -> dict[str, Any]:
        return await asyncio.wait_for(self.got.get(), WAIT_S)


@asynccontextmanager
async def web_server(receiver: Receiver) -> AsyncIterator[Receiver]:
    """Takes POSTs of JSON."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        length = next(
            int(line.split(":")[1]) for line in head.splitlines() if line.lower().startswith("content-length")
        )
        body = await reader.readexactly(min(length, MAX_BYTES))
        if receiver.silent:
            await reader.read()
        else:
            status = receiver.answers.pop(0) if receiver.answers else 200
            if status == 200:
                receiver.got.put_nowait(json.loads(body))
            writer.write(f"HTTP/1.1 {status} X\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode())
        writer.close()

    async with _listening(serve, receiver):
        yield receiver


@asynccontextmanager
async def mail_server(receiver: Receiver) -> AsyncIterator[Receiver]:
    """RFC 5321 as far as one message needs it."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        envelope: dict[str, Any] = {"to": []}
        writer.write(b"220 mail.test\r\n")
        while line := (await reader.readline()).decode().strip():
            verb = line.upper()
            if verb.startswith("RCPT TO"):
                envelope["to"].append(line.partition("<")[2].partition(">")[0])
            if verb == "DATA":
                writer.write(b"354 go on\r\n")
                raw = await reader.readuntil(b"\r\n.\r\n")
                message = email.message_from_bytes(raw[:-3], policy=email.policy.default)
                receiver.got.put_nowait(envelope | {"subject": message["subject"], "text": _text(message)})
            writer.write(b"221 bye\r\n" if verb == "QUIT" else b"250 ok\r\n")
            if verb == "QUIT":
                break
        writer.close()

    async with _listening(serve, receiver):
        yield receiver


def _text(message: Any) -> str:
    part = message.get_body(("plain", "html"))
    content = part.get_content()
    return content if isinstance(content, str) else base64.b64decode(content).decode()


@asynccontextmanager
async def _listening(serve: Any, receiver: Receiver) -> AsyncIterator[None]:
    writers: list[asyncio.StreamWriter] = []

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            await serve(reader, writer)

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    receiver.port = server.sockets[0].getsockname()[1]
    try:
        yield
    finally:
        server.close()
        for writer in writers:
            writer.transport.abort()
        await server.wait_closed()
