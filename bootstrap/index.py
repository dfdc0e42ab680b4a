"""Brings pip's wheel from the package index and believes only the hash that the lock holds."""

import base64
import contextlib
import hashlib
import html.parser
import os
import ssl
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from bootstrap.environment import RUN_LOCK, Environment, pins, read_text
from bootstrap.pip_config import pip_setting
from bootstrap.speech import SetupError, say

DEFAULT_REGISTRY = "PyPI"
FETCH_TIMEOUT_S = 60.0
FETCH_TRIES = 3
WHEEL_LIMIT_BYTES = 50_000_000


@contextlib.contextmanager
def pip_of(environment: Environment, root: Path) -> Iterator[list[str]]:
    """How to start pip with the environment's Python: its own, or the locked wheel run from a folder of a moment."""
    if any(environment.home.glob("lib/python*/site-packages/pip/__main__.py")):
        yield ["-m", "pip"]
        return
    with tempfile.TemporaryDirectory(prefix="forecourt-") as folder:
        wheel = fetch_pip(read_text(root / RUN_LOCK), Path(folder))
        yield [str(wheel / "pip")]


def fetch_pip(lock_text: str, folder: Path) -> Path:
    """Bring the wheel of the locked pip version; refuse one whose SHA-256 is not in the lock."""
    version = pins(lock_text).get("pip", "")
    name = f"pip-{version}-py3-none-any.whl"
    say(f"fetching pip {version}")
    content = local_wheel(name) or fetch_from_index(name)
    digest = hashlib.sha256(content).hexdigest()
    if f"sha256:{digest}" not in lock_text:
        raise SetupError(f"{name} is not the file the lock names (its SHA-256 is {digest}); use another package index")
    wheel = folder / name
    wheel.write_bytes(content)
    return wheel


def local_wheel(name: str) -> bytes | None:
    """The file from a find-links folder, or None."""
    for place in pip_setting("find-links", os.environ).split():
        file = Path(place.removeprefix("file://")) / name
        if file.is_file():
            return file.read_bytes()
    return None


def fetch_from_index(name: str) -> bytes:
    index = pip_setting("index-url", os.environ) or f"https://{DEFAULT_REGISTRY.lower()}.org/simple"
    page = index.rstrip("/") + "/pip/"
    address = find_link(fetch(page).decode("utf-8", "replace"), page, name)
    if address is None:
        raise SetupError(f"the package index has no {name}; set PIP_INDEX_URL to one that has it")
    content = fetch(address)
    _, _, wanted = urllib.parse.urlsplit(address).fragment.partition("sha256=")
    if wanted and hashlib.sha256(content).hexdigest() != wanted:
        raise SetupError(f"{name} arrived damaged (its SHA-256 is not the index's); run this again")
    return content


def find_link(page: str, page_address: str, name: str) -> str | None:
    """The address of file ``name`` on a simple-index page, with its hash fragment; links may be relative."""
    parser = _Links()
    parser.feed(page)
    for link in parser.links:
        address = urllib.parse.urljoin(page_address, link)
        if urllib.parse.unquote(urllib.parse.urlsplit(address).path).endswith("/" + name):
            return address
    return None


class _Links(html.parser.HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.links += [value for key, value in attrs if tag == "a" and key == "href" and value]


def fetch(address: str) -> bytes:
    """The bytes behind an address, tried a few times; SetupError when the network says no."""
    request = request_of(address)
    context = ssl.create_default_context(cafile=pip_setting("cert", os.environ) or None)
    reason = ""
    for attempt in range(FETCH_TRIES):
        time.sleep(attempt)
        try:
            with urllib.request.urlopen(request, timeout=FETCH_TIMEOUT_S, context=context) as answer:
                return bytes(answer.read(WHEEL_LIMIT_BYTES))
        except (OSError, urllib.error.URLError) as error:
            reason = str(error)[:200]
    raise SetupError(
        f"the package index could not be read ({reason}); check the network, or set PIP_INDEX_URL (and PIP_CERT for"
        " a private authority), then run this again"
    )


def request_of(address: str) -> urllib.request.Request:
    """A request; a name and password inside the address travel as a header, as pip does it."""
    parts = urllib.parse.urlsplit(address)
    if parts.scheme not in ("https", "http", "file"):
        raise SetupError(f"a package index has to be an https, http or file address, not {parts.scheme!r}")
    bare = urllib.parse.urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2], fragment=""))
    request = urllib.request.Request(bare, headers={"Accept": "text/html"})
    if parts.username:
        secret = f"{urllib.parse.unquote(parts.username)}:{urllib.parse.unquote(parts.password or '')}"
        request.add_header("Authorization", "Basic " + base64.b64encode(secret.encode()).decode())
    return request
