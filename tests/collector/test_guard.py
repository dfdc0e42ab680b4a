"""The last thing before the port: what is not on the list never leaves, whatever way it is written."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.guard import GuardedPort
from protocols.allowed import AllowList
from protocols.errors import ForbiddenCommandError

WRITES = [
    b"04\r", b"0 4\r", b"041\r", b"04\r\n", b"0100\r04\r", b"0100\n04\r", b"0100\x0004\r", b"14FFFFFF\r",
    b"14 ff ff ff\r",
    b"1003\r", b"1101\r", b"2701\r", b"2EF190AA\r", b"2e f190 aa\r", b"2F010203\r", b"31010203\r", b"3B9A\r", b"28\r",
    b"8502\r", b"08010000000000\r", b"ATPP0CSV23\r", b"at pp 0c sv 23\r", b"ATPP0CON\r", b"AT PP FF ON\r", b"ATMA\r",
    b"ATBRD23\r", b"AT@3ABCDEFGHIJKL\r", b"ATWM01\r", b"ATSP6\r", b"ATCV1350\r", b"ATLP\r", b"ATRTR\r", b"ATCAF0\r",
    b"STPX D:04\r", b"STPX H:7E0, D:14FFFFFF\r", b"stpx d:2ef190aa\r", b"STPX H:7E0,D:1003,R:1\r", b"STSBR 500000\r",
    b"STSLX\r", b"22B002\r", b"222203\r", b"1A90\r", b"2101\r", b"3E00\r", b"1904\r", b"\r", b"",
    b"0100", b"01001\r1\r",
]  # fmt: skip


class Recorder:
    """A transport that only remembers."""

    url = "recorder:"

    def __init__(self) -> None:
        self.written: list[bytes] = []

    async def read(self) -> bytes:
        raise AssertionError("nothing is read here")

    async def write(self, data: bytes) -> None:
        self.written.append(data)

    async def close(self) -> None:
        pass


@pytest.mark.parametrize("data", WRITES)
async def test_a_write_in_any_disguise_is_refused_and_nothing_leaves(data: bytes) -> None:
    port = Recorder()

    with pytest.raises(ForbiddenCommandError):
        await GuardedPort(port, AllowList()).send(data)

    assert port.written == []


@pytest.mark.parametrize("data", [b"0100\r", b"01 0c 0d\r", b"010C1\r", b"0902\r", b"03\r", b"ATRV\r", b"22F190\r"])
async def test_a_read_leaves_exactly_as_it_was_written(data: bytes) -> None:
    port = Recorder()

    await GuardedPort(port, AllowList()).send(data)

    assert port.written == [data]


@given(st.binary(max_size=24))
async def test_whatever_bytes_come_only_a_listed_service_leaves(data: bytes) -> None:
    port = Recorder()
    try:
        await GuardedPort(port, AllowList()).send(data)
    except ForbiddenCommandError:
        assert port.written == []
        return

    meaning = data.strip().replace(b" ", b"").upper()
    listed = (b"01", b"02", b"03", b"06", b"07", b"09", b"0A", b"19", b"22", b"AT", b"ST", b"?", b"")
    assert meaning == b"" or meaning.startswith(listed)
