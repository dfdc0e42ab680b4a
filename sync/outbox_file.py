"""The outbox's SQL: each function runs inside one transaction that its caller opened. Only this touches the tables."""

import sqlite3
import uuid
import zlib
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from sync.codec import MAX_SEQ
from sync.records import Record, TombstoneBody

MACHINE_FILES = (Path("/etc/machine-id"), Path("/proc/device-tree/serial-number"))
_HOME = "SELECT number, id, last_seq FROM streams ORDER BY number DESC LIMIT 1"
QUARANTINE_KEPT = 1000  # newest rows; older ones were declared long ago
NAMES_KEPT = 10_000  # months of visits; a set is handed over again within minutes or not at all
FINDINGS, PEOPLE, READINGS = TURNS = 0, 1, 2  # what people must act on goes first, raw readings last


@dataclass(frozen=True, slots=True)
class Line:
    """A record ready to be written.

    A tombstone names what it ``accounts`` for: a stream and the first seq of it. A snapshot names its ``car``, and
    whether it is ``spare``: not missed once a later one of the same car is owed.
    """

    turn: int
    payload: str
    accounts: tuple[str, int] | None = None
    car: str = ""
    spare: bool = False


class Owed(NamedTuple):
    """A record as it is owed: its seq and its JSON."""

    seq: int
    payload: bytes


@dataclass(frozen=True, slots=True)
class Rows:
    """Owed records in order of seq, as columns: most are only handed on. The disk has changed those ``damaged``."""

    seqs: Sequence[int]
    payloads: Sequence[bytes]
    damaged: Sequence[int] = ()


@dataclass(frozen=True, slots=True)
class Home:
    """What a file knows of itself when opened; ``last_seq`` was given before that."""

    number: int
    stream: str
    token: str
    pending: int
    last_seq: int


def settle(connection: sqlite3.Connection, path: Path, token_outside: str) -> Home:
    """Find out whether this file still is what the marker beside it speaks of; if not, begin a new stream in it."""
    place = f"{path.stat().st_ino} {machine_identity()}"
    known = dict(connection.execute("SELECT key, value FROM meta").fetchall())
    unchanged = known.get("place") == place and known.get("token") == token_outside
    current = connection.execute("SELECT number FROM streams ORDER BY number DESC LIMIT 1").fetchone()
    if current is None or not unchanged:
        connection.execute("INSERT INTO streams (id) VALUES (?)", (uuid.uuid4().hex[:16],))
    _put(connection, "place", place)
    _drop_finished_streams(connection)
    number, stream, last_seq = connection.execute(_HOME).fetchone()
    pending = connection.execute("SELECT count(*) FROM owed").fetchone()[0]
    return Home(number, stream, renew_token(connection), pending, last_seq)


def move_on(connection: sqlite3.Connection, path: Path, old: Home) -> Home:
    """Begin a new stream and number what was appended to ``old`` since its opening in there, in the same order."""
    last: int = connection.execute("SELECT last_seq FROM streams WHERE number = ?", (old.number,)).fetchone()[0]
    home = settle(connection, path, "")
    move = "UPDATE owed SET stream = ?, seq = seq - ? WHERE stream = ? AND seq > ?"
    connection.execute(move, (home.number, old.last_seq, old.number, old.last_seq))
    for number, given in ((home.number, last - old.last_seq), (old.number, old.last_seq)):
        connection.execute("UPDATE streams SET last_seq = ? WHERE number = ?", (given, number))
    _name_stream(connection, home.number, old)
    return home


def _name_stream(connection: sqlite3.Connection, number: int, of: Home) -> None:
    """Let tombstones that came over from ``of`` say which stream they answer for."""
    found = "SELECT seq, payload FROM owed WHERE stream = ? AND accounts_for = ?"
    for seq, payload in connection.execute(found, (number, of.number)).fetchall():
        with suppress(ValueError):  # the disk has changed it, which shows when it is to be sent
            record = Record.model_validate_json(payload)
            body = record.body.model_copy(update={"stream": of.stream})
            named = record.model_copy(update={"body": body}).model_dump_json(by_alias=True)
            update = "UPDATE owed SET payload = ?, crc = ? WHERE stream = ? AND seq = ?"
            connection.execute(update, (named, zlib.crc32(named.encode()), number, seq))


def home_number(connection: sqlite3.Connection) -> int:
    """The stream under which new records are numbered."""
    return int(connection.execute("SELECT max(number) FROM streams").fetchone()[0])


def renew_token(connection: sqlite3.Connection) -> str:
    token = uuid.uuid4().hex
    _put(connection, "token", token)
    return token


def machine_identity() -> str:
    """What a cloned card does not take along, as far as this system has such a thing."""
    return " ".join(_first_line(file) for file in MACHINE_FILES)


def append(connection: sqlite3.Connection, number: int, lines: Sequence[Line]) -> int:
    """Write ``lines`` with the next seqs of stream ``number``; return the last seq."""
    update = "UPDATE streams SET last_seq = last_seq + ? WHERE number = ?"
    connection.execute(update, (len(lines), number))
    last: int = connection.execute("SELECT last_seq FROM streams WHERE number = ?", (number,)).fetchone()[0]
    first = last - len(lines) + 1
    rows = [(number, first + i, *_columns(connection, number, line)) for i, line in enumerate(lines)]
    columns = "(stream, seq, turn, accounts_for, accounts_from, car, spare, crc, payload)"
    connection.executemany(f"INSERT INTO owed {columns} VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)  # noqa: S608
    return last


def _columns(connection: sqlite3.Connection, number: int, line: Line) -> tuple[object, ...]:
    checksum = zlib.crc32(line.payload.encode())
    return line.turn, *_accounts(connection, number, line), line.car, line.spare, checksum, line.payload


def _accounts(connection: sqlite3.Connection, number: int, line: Line) -> tuple[int | None, int | None]:
    if line.accounts is None:
        return None, None
    stream, first = line.accounts
    return number_of(connection, stream) if stream else number, first


def first_time(connection: sqlite3.Connection, name: str) -> bool:
    """Whether the set of records called ``name`` comes for the first time; from now on it has come."""
    new = connection.execute("INSERT OR IGNORE INTO appended_once (name) VALUES (?)", (name,)).rowcount == 1
    connection.execute("DELETE FROM appended_once WHERE id <= (SELECT max(id) FROM appended_once) - ?", (NAMES_KEPT,))
    return new


def owing_streams(connection: sqlite3.Connection) -> tuple[str, ...]:
    found = connection.execute(
        "SELECT id FROM streams WHERE EXISTS (SELECT 1 FROM owed WHERE owed.stream = streams.number) ORDER BY number"
    )
    return tuple(row[0] for row in found)


def page(connection: sqlite3.Connection, stream: str, after: int, limit: int, turn: int | None) -> Rows:
    index, of_turn = "", "" if turn is None else f"AND turn = {turn} "
    if turn in (FINDINGS, PEOPLE):
        # SQLite would rather look through all readings, and believes in the index only by its own words
        index, of_turn = "INDEXED BY owed_first ", f"{of_turn}AND turn != {READINGS} "
    # as bytes: what the disk has changed may not even be text any more
    columns, where = "seq, CAST(payload AS BLOB), crc", f"stream = ? AND seq > ? {of_turn}"
    sql = f"SELECT {columns} FROM owed {index}WHERE {where}ORDER BY seq LIMIT ?"  # noqa: S608
    rows = connection.execute(sql, (number_of(connection, stream), after, limit)).fetchall()
    seqs, payloads, sums = zip(*rows, strict=True) if rows else ((), (), ())
    found = tuple(map(zlib.crc32, payloads))
    checked = () if found == sums else zip(seqs, sums, found, strict=True)
    return Rows(seqs, payloads, [seq for seq, crc, is_now in checked if crc not in (None, is_now)])


def lowest(connection: sqlite3.Connection, stream: str) -> int:
    """A tombstone on its way counts as all it answers for: the receiver must not see a hole before it arrives."""
    number = number_of(connection, stream)
    candidates = (
        connection.execute("SELECT min(seq) FROM owed WHERE stream = ?", (number,)),
        connection.execute("SELECT min(accounts_from) FROM owed WHERE accounts_for = ?", (number,)),
        connection.execute("SELECT last_seq + 1 FROM streams WHERE number = ?", (number,)),
    )
    found = [row[0] for rows in candidates for row in rows if row[0] is not None]
    return min(found, default=1)


def forget(connection: sqlite3.Connection, stream: str, ranges: Iterable[tuple[int, int]]) -> int:
    number = number_of(connection, stream)
    sql = "DELETE FROM owed WHERE stream = ? AND seq BETWEEN ? AND ?"
    return sum(connection.execute(sql, (number, a, b)).rowcount for a, b in ranges)


def quarantine(connection: sqlite3.Connection, stream: str, a: int, b: int, reason: str) -> int:
    connection.execute(
        "INSERT OR REPLACE INTO quarantine (stream, seq, reason, payload)"
        " SELECT ?, seq, ?, payload FROM owed WHERE stream = ? AND seq BETWEEN ? AND ?",
        (stream, reason, number_of(connection, stream), a, b),
    )
    connection.execute("DELETE FROM quarantine WHERE id <= (SELECT max(id) FROM quarantine) - ?", (QUARANTINE_KEPT,))
    return forget(connection, stream, [(a, b)])


def lost_with_the_file(stream: str) -> TombstoneBody:
    """What a damaged file takes with it: whatever of its stream is not upstream already."""
    return TombstoneBody(first_seq=1, last_seq=MAX_SEQ, reason="outbox file damaged and set aside", stream=stream)


def number_of(connection: sqlite3.Connection, stream: str) -> int:
    row = connection.execute("SELECT number FROM streams WHERE id = ?", (stream,)).fetchone()
    return int(row[0]) if row else -1


def id_of(connection: sqlite3.Connection, number: int) -> str:
    return str(connection.execute("SELECT id FROM streams WHERE number = ?", (number,)).fetchone()[0])


def _drop_finished_streams(connection: sqlite3.Connection) -> None:
    connection.execute(
        "DELETE FROM streams WHERE number < (SELECT max(number) FROM streams)"
        " AND NOT EXISTS (SELECT 1 FROM owed WHERE owed.stream = streams.number)"
        " AND NOT EXISTS (SELECT 1 FROM kept WHERE kept.stream = streams.number)"
    )


def _put(connection: sqlite3.Connection, key: str, value: str) -> None:
    connection.execute("INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)", (key, value))


def _first_line(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii", errors="replace").strip("\0\n ")
    except OSError:
        return ""
