"""A broker that says exactly what a test tells it to, for the answers a real one cannot be brought to give."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

CONNECT, PUBLISH, PUBACK, SUBSCRIBE, DISCONNECT = 0x10, 0x30, 0x40, 0x80, 0xE0
CONNACK_5 = b"\x20\x03\x00\x00\x00"
CONNACK_5_RECEIVE_3 = b"\x20\x06\x00\x00\x03\x21\x00\x03"
CONNACK_311 = b"\x20\x02\x00\x00"

Answer = Callable[[int, bytes], bytes | None]
Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def protocol_level(connect: bytes) -> int:
    """The version a CONNECT body asks for: 4 is MQTT 3.1.1, 5 is MQTT 5."""
    return connect[6]


def puback_5(publish: bytes, reason: int) -> bytes:
    topic_length = int.from_bytes(publish[:2])
    return b"\x40\x03" + publish[2 + topic_length : 4 + topic_length] + bytes([reason])


def suback_5(subscribe: bytes, reason: int = 1) -> bytes:
    return b"\x90\x04" + subscribe[:2] + bytes([0, reason])


def publish_5(topic: str, payload: bytes, number: int = 7) -> bytes:
    """A message for us with QoS 1; ``payload`` is short."""
    body = len(topic).to_bytes(2) + topic.encode() + number.to_bytes(2) + b"\x00" + payload
    length = bytes([len(body)]) if len(body) < 0x80 else bytes([len(body) & 0x7F | 0x80, len(body) >> 7])
    return b"\x32" + length + body


@asynccontextmanager
async def served(talk: Talk, tls: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    """Give the port of a peer that talks to each visitor as ``talk`` does; at the end it hangs up on all of them."""

    visits: dict[asyncio.Task[None] | None, asyncio.StreamWriter] = {}

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        visits[asyncio.current_task()] = writer
        try:
            await talk(reader, writer)
        except (asyncio.IncompleteReadError, OSError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls)
    try:
        yield int(server.sockets[0].getsockname()[1])
    finally:
        server.close()
        for writer in visits.values():
            writer.close()
        await asyncio.gather(*(visit for visit in visits if visit is not None))


@asynccontextmanager
async def scripted_broker(answer: Answer) -> AsyncIterator[int]:
    """Give the port of a broker that answers each packet (type, body) as ``answer`` says; None hangs up."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while (packet := await _packet(reader))[0] != DISCONNECT:
            reply = answer(*packet)
            if reply is None:
                break
            writer.write(reply)

    async with served(talk) as port:
        yield port


async def _packet(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    first = (await reader.readexactly(1))[0]
    length = shift = 0
    while True:
        byte = (await reader.readexactly(1))[0]
        length |= (byte & 0x7F) << shift
        shift += 7
        if not byte & 0x80:
            return first & 0xF0, await reader.readexactly(length)
