"""Fetching pip's wheel from a package index of our own on loopback: links, hashes, credentials, refusals."""

import base64
import hashlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import pytest

from bootstrap import index
from bootstrap.index import fetch_pip, find_link, request_of
from bootstrap.speech import SetupError

NAME = "pip-99.1-py3-none-any.whl"
WHEEL = b"a wheel"
DIGEST = hashlib.sha256(WHEEL).hexdigest()
LOCK = f"pip==99.1 \\\n    --hash=sha256:{DIGEST}\n"


class Index(BaseHTTPRequestHandler):
    pages: ClassVar[dict[str, bytes]] = {}
    authorizations: ClassVar[list[str | None]] = []

    def do_GET(self) -> None:
        self.authorizations.append(self.headers["Authorization"])
        body = self.pages.get(self.path)
        self.send_response(404 if body is None else 200)
        self.end_headers()
        self.wfile.write(body or b"")

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def address(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[str]:
    monkeypatch.setattr(Index, "pages", {})
    monkeypatch.setattr(Index, "authorizations", [])
    monkeypatch.setattr(index, "FETCH_TRIES", 1)
    for name in ("PIP_FIND_LINKS", "PIP_CERT", "http_proxy", "HTTP_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    server = ThreadingHTTPServer(("127.0.0.1", 0), Index)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/simple"
    server.shutdown()
    thread.join()
    server.server_close()


def serve(link: str, wheel: bytes = WHEEL) -> None:
    Index.pages["/simple/pip/"] = f'<html><a href="x.whl">x</a><a href="{link}">{NAME}</a></html>'.encode()
    Index.pages[f"/files/{NAME}"] = wheel


@pytest.mark.parametrize("link", [f"../../files/{NAME}#sha256={DIGEST}", f"/files/{NAME}", f"../../files/{NAME}"])
def test_relative_links_are_followed(address: str, link: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", address + "/")
    serve(link)

    assert fetch_pip(LOCK, tmp_path).read_bytes() == WHEEL


def test_a_wheel_that_the_lock_does_not_name_is_refused(
    address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", address)
    serve(f"/files/{NAME}", wheel=b"another wheel")

    with pytest.raises(SetupError, match="not the file the lock names"):
        fetch_pip(LOCK, tmp_path)


def test_a_wheel_that_the_index_itself_contradicts_is_refused(
    address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", address)
    serve(f"/files/{NAME}#sha256={'0' * 64}")

    with pytest.raises(SetupError, match="damaged"):
        fetch_pip(LOCK, tmp_path)


def test_an_index_without_the_wheel_is_named_as_the_reason(
    address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", address)
    Index.pages["/simple/pip/"] = b"<html></html>"

    with pytest.raises(SetupError, match="has no pip-99"):
        fetch_pip(LOCK, tmp_path)


def test_an_index_that_does_not_answer_is_one_line_that_says_what_to_do(
    address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")

    with pytest.raises(SetupError, match="set PIP_INDEX_URL") as failure:
        fetch_pip(LOCK, tmp_path)

    assert "\n" not in str(failure.value)


def test_a_password_in_the_address_travels_as_a_header(
    address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", address.replace("//", "//lot:p%40ss@"))
    serve(f"../../files/{NAME}")

    fetch_pip(LOCK, tmp_path)

    assert Index.authorizations == ["Basic " + base64.b64encode(b"lot:p@ss").decode()] * 2


def test_a_wheel_in_a_find_links_folder_needs_no_index(
    address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / NAME).write_bytes(WHEEL)
    monkeypatch.setenv("PIP_FIND_LINKS", f"/nowhere {tmp_path}")

    assert fetch_pip(LOCK, tmp_path).read_bytes() == WHEEL
    assert Index.authorizations == []


def test_only_the_very_file_is_a_match() -> None:
    page = f'<a href="{NAME}.metadata">m</a><a href="other-{NAME}">o</a><a>none</a>'

    assert find_link(page, "http://localhost/simple/pip/", NAME) is None


def test_an_index_address_of_another_kind_is_refused() -> None:
    with pytest.raises(SetupError, match="https, http or file"):
        request_of("ftp://localhost/simple/pip/")
