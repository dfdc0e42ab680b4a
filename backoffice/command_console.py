"""``forecourt-office command``: an operator asks something of a box, through the back office that is running."""

import getpass
import json
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import ValidationError

from backoffice.office_settings import OfficeSettings
from config.catalogue import Language, render
from config.errors import SettingsError
from config.zones import zone_of
from sync.command import HealthReport, ResendReport

ANSWER_MAX_BYTES = 4 << 20
ASK_TIMEOUT_S = 15.0
LOOK_EVERY_S = 0.5
DONE, MISTAKE, WORLD_FAILED = 0, 2, 3
LISTED = 20
DETAIL_MAX = 300
Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Asked:
    """What the operator typed. An empty ``kind`` asks for the list of what was asked before."""

    device: str
    kind: str
    bay: str = ""
    adapter: str = ""
    stream: str = ""
    ranges: tuple[str, ...] = ()
    by: str = ""
    wait_s: float = 60.0
    as_json: bool = False

    @property
    def params(self) -> Json:
        """As the kind wants them; raise SettingsError for a range that is none."""
        named = {"bay": self.bay, "adapter": self.adapter, "stream": self.stream}
        params: Json = {name: value for name, value in named.items() if value}
        return params | ({"ranges": [_range(one) for one in self.ranges]} if self.ranges else {})


class _NoOfficeError(Exception):
    """Nobody answers where the pages should be."""


class _RefusedError(Exception):
    """The back office says no, in a sentence."""


def ask_box(asked: Asked, settings: OfficeSettings, language: Language) -> int:
    """Ask, wait for the answer at most ``wait_s`` and print it. 0 done, 2 not taken, 3 not done or not answered yet."""
    office = _Office(settings, language)
    try:
        if not asked.kind:
            return _list(office, asked, settings, language)
        said = office.ask(asked)
        deadline = time.monotonic() + asked.wait_s
        while said["state"] == "waiting" and time.monotonic() < deadline:
            time.sleep(LOOK_EVERY_S)
            said = office.get(f"/api/v1/commands/{said['id']}")
    except _NoOfficeError as error:
        return _fail(render("office_command.no_office", language, url=office.url, detail=str(error)), WORLD_FAILED)
    except _RefusedError as error:
        return _fail(str(error), MISTAKE)
    print(json.dumps(said) if asked.as_json else "\n".join(_plain(line) for line in _lines(said, language)))
    return DONE if said["state"] == "done" else WORLD_FAILED


class _Office:
    def __init__(self, settings: OfficeSettings, language: Language) -> None:
        host = f"[{settings.http.host}]" if ":" in settings.http.host else settings.http.host
        self.url = f"http://{host}:{settings.http.port}"
        self._language = language

    def ask(self, asked: Asked) -> Json:
        said = {"kind": asked.kind, "params": asked.params, "operator": (asked.by or getpass.getuser())[:40]}
        return self.get(f"/api/v1/boxes/{urllib.parse.quote(asked.device, safe='')}/commands", said)

    def get(self, path: str, body: Json | None = None) -> Json:
        """Read ``path``, or post ``body`` to it. Raises _NoOfficeError, _RefusedError."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, {"Content-Type": "application/json"})  # noqa: S310
        try:
            with urllib.request.urlopen(request, timeout=ASK_TIMEOUT_S) as answer:  # noqa: S310 - our own http address
                return _object(answer.read(ANSWER_MAX_BYTES))
        except urllib.error.HTTPError as error:
            with error:
                raise _RefusedError(_sentence(error.read(ANSWER_MAX_BYTES), self._language, error.code)) from error
        except OSError as error:
            raise _NoOfficeError(str(getattr(error, "reason", error))[:DETAIL_MAX]) from error


def _list(office: _Office, asked: Asked, settings: OfficeSettings, language: Language) -> int:
    path = f"/api/v1/boxes/{urllib.parse.quote(asked.device, safe='')}/commands?limit={LISTED}"
    items: list[Json] = office.get(path)["items"]
    if asked.as_json:
        print(json.dumps(items))
        return DONE
    for item in items:
        at = datetime.fromisoformat(item["created_at"]).astimezone(zone_of(settings.timezone))
        print(_plain(f"{at:%Y-%m-%d %H:%M}  {item['kind']:<7} {item['state']:<8} {item['text'][language]}"))
    if not items:
        print(render("office_command.none", language))
    return DONE


def _lines(said: Json, language: Language) -> Iterator[str]:
    """The answer's sentence, and below it what the box found."""
    yield said["text"][language]
    try:
        yield from (f"  {line}" for line in _found(said["report"], language))
    except ValidationError:
        yield f"  {json.dumps(said['report'])[:DETAIL_MAX]}"  # of a later version, or of a box that jokes
    if said["state"] == "waiting":
        yield render("office_command.later", language, device=said["device"])


def _found(report: Json, language: Language) -> Iterator[str]:
    if report.get("kind") == "health":
        health = HealthReport.model_validate(report)
        for line in health.lines:
            told = f"{getattr(line.text, language)} {getattr(line.advice, language)}"
            yield f"{line.level:<8} {line.subject}: {told.strip()}"
        yield render("office_command.health", language, **health.model_dump(exclude={"lines", "kind"}))
    elif report.get("kind") == "resend":
        resent = ResendReport.model_validate(report)
        for name in ("again", "owed", "gone"):
            if spans := getattr(resent, name):
                ranges = ", ".join(str(a) if a == b else f"{a}-{b}" for a, b in spans)
                yield render(f"office_command.{name}", language, ranges=ranges)


def _plain(line: str) -> str:
    """Without what would steer a terminal: part of it is a box's own word."""
    return "".join(letter if letter.isprintable() else "?" for letter in line)


def _range(text: str) -> list[int]:
    first, dash, last = text.partition("-")
    try:
        return [int(first), int(last if dash else first)]
    except ValueError:
        raise SettingsError(f"--range: '{text[:20]}' is not like 5 or 5-9") from None


def _object(payload: bytes) -> Json:
    try:
        said = json.loads(payload)
    except ValueError as error:
        raise _NoOfficeError(str(error)) from error
    if not isinstance(said, dict):
        raise _NoOfficeError(type(said).__name__)
    return said


def _sentence(payload: bytes, language: Language, status: int) -> str:
    try:
        return str(json.loads(payload)["text"][language])
    except (ValueError, KeyError, TypeError):
        return f"HTTP {status}"


def _fail(sentence: str, code: int) -> int:
    sys.stderr.write(f"forecourt-office: {sentence}\n")
    return code
