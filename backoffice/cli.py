"""The command ``forecourt-office``. Exit 0 done, 2 the owner's mistake, 3 the world failed; one line says why.

The store and the web are imported only by the command that needs them: a wrong setting is told at once.
"""

import asyncio
import json
import os
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import Annotated, Any

import structlog
import typer

from backoffice.errors import PortError, StoreBusyError, StoreFailedError
from backoffice.office_settings import OfficeSettings, load_office_settings
from config.command_line import run_spoken
from config.command_words import language_asked_for, said_in_chinese
from config.errors import SettingsError
from sync.turns import let_stay_what_is_here, take_short_turns

app = typer.Typer(
    help="The back office: receives what the bays recorded, judges it and tells people.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
ConfigOption = Annotated[Path | None, typer.Option("--config", metavar="FILE", help="office.toml; defaults otherwise.")]


@app.command()
def run(config: ConfigOption = None) -> None:
    """Run ingest, pages and messages until SIGTERM. The first line on stdout is {"url": ...} once pages are served."""
    settings = _settings(config)
    from backoffice.app import run_office

    _finish(run_office(settings, _say_ready))


@app.command()
def ingest(
    workers: Annotated[
        int, typer.Option("--workers", metavar="N", min=1, max=64, help="Processes that share the work; on PostgreSQL.")
    ] = 1,
    worker: Annotated[int, typer.Option("--worker", hidden=True)] = 0,
    config: ConfigOption = None,
) -> None:
    """Only receive and judge, without pages or messages; with --workers N in N processes, which needs PostgreSQL."""
    settings = _settings(config)
    if workers > 1:
        from backoffice.workers import run_workers, worker_command

        _finish(run_workers(settings, workers, worker_command(["--config", str(config)] if config else [])))
    else:
        from backoffice.app import run_ingest

        _finish(run_ingest(settings, worker))


@app.command()
def migrate(config: ConfigOption = None) -> None:
    """Bring the database's schema up to date and project what an older version could not."""
    _finish(_migrate(_settings(config)))


@app.command()
def command(
    device: Annotated[str, typer.Argument(metavar="BOX", show_default=False, help="Name of the box.")],
    kind: Annotated[
        str, typer.Argument(metavar="KIND", show_default=False, help="intake, resend, rules or health; none lists.")
    ] = "",
    bay: Annotated[str, typer.Option("--bay", metavar="NAME", help="Which bay reads its car (intake).")] = "",
    adapter: Annotated[str, typer.Option("--adapter", metavar="URL", help="The same by the adapter's address.")] = "",
    stream: Annotated[str, typer.Option("--stream", metavar="ID", help="Which stream to send again (resend).")] = "",
    ranges: Annotated[
        list[str] | None, typer.Option("--range", metavar="A-B", help="Which records of it; may be given again.")
    ] = None,
    by: Annotated[str, typer.Option("--by", metavar="NAME", help="Who asks; the login's name otherwise.")] = "",
    wait_s: Annotated[
        float, typer.Option("--wait", metavar="S", min=0, max=3600, help="How long to wait for the answer.")
    ] = 60.0,
    as_json: Annotated[bool, typer.Option("--json", help="The answer as JSON.")] = False,  # noqa: FBT002
    config: ConfigOption = None,
    lang: Annotated[str, typer.Option("--lang", metavar="en|zh", help="Language of the answer.")] = "",
) -> None:
    """Ask something of a box and print what it answers; the back office must be running."""
    from backoffice.command_console import Asked, ask_box
    from config.catalogue import Language

    settings = _settings(config)
    asked = Asked(device, kind, bay, adapter, stream, tuple(ranges or ()), by, wait_s, as_json)
    language = Language(language_asked_for(["--lang", lang] if lang else [], os.environ))
    try:
        code = ask_box(asked, settings, language)
    except SettingsError as error:
        raise _exit(2, error) from error
    raise typer.Exit(code)


@app.command()
def seal(
    new_key: Annotated[
        Path | None, typer.Option("--new-key", metavar="FILE", help="Only make a storage key, in a file that is new.")
    ] = None,
    config: ConfigOption = None,
) -> None:
    """Encrypt a SQLite store that was kept in the clear so far; stop the back office first."""
    from backoffice.seal_command import seal_store, write_key

    _finish(write_key(new_key) if new_key else seal_store(_settings(config)))


@app.command()
def backup(
    target: Annotated[Path, typer.Argument(metavar="FILE", show_default=False, help="A file that is new.")],
    config: ConfigOption = None,
) -> None:
    """Write a whole, checked copy of a SQLite store, also while records come in; as encrypted as the store is."""
    from backoffice.backup import back_up

    _finish(asyncio.to_thread(back_up, _settings(config), target))


@app.command()
def restore(
    source: Annotated[Path, typer.Argument(metavar="FILE", show_default=False, help="What backup has written.")],
    replace: Annotated[  # noqa: FBT002
        bool, typer.Option("--replace", help="Also in the place of a store that holds something; that is kept beside.")
    ] = False,
    key: Annotated[
        Path | None,
        typer.Option("--key", metavar="FILE", help="The backup's key, if it is another than the store's."),
    ] = None,
    config: ConfigOption = None,
) -> None:
    """Check a backup and put it in the place of the SQLite store; stop the back office first."""
    from backoffice.backup import restore as put_back

    _finish(asyncio.to_thread(put_back, _settings(config), source, key_file=key, replace=replace))


@app.command()
def rekey(
    new: Annotated[Path, typer.Option("--new", metavar="FILE", help="File of the key to come.")],
    old: Annotated[
        Path | None,
        typer.Option("--old", metavar="FILE", help="File of the present key; else the configured one."),
    ] = None,
    config: ConfigOption = None,
) -> None:
    """Give an encrypted SQLite store another key; stop the back office first."""
    from backoffice.seal_command import change_storage_key

    _finish(change_storage_key(_settings(config), old, new))


def main() -> None:
    """Entry point of the console script. Stdout is for answers; what happens meanwhile is told on stderr."""
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    run_spoken(app, "forecourt-office", sys.argv[1:], os.environ)


async def _migrate(settings: OfficeSettings) -> None:
    from backoffice.app import open_store

    async with open_store(settings) as store:
        counts = await store.counts()
    sys.stdout.write(json.dumps({"database": "up to date", "records": counts["records"]}) + "\n")


def _settings(path: Path | None) -> OfficeSettings:
    try:
        return load_office_settings(path)
    except SettingsError as error:
        raise _exit(2, error) from error


def _say_ready(url: str) -> None:
    sys.stdout.write(json.dumps({"url": url}) + "\n")
    sys.stdout.flush()


def _finish(work: Coroutine[Any, Any, None]) -> None:
    take_short_turns()
    let_stay_what_is_here()
    try:
        asyncio.run(work)
    except (StoreBusyError, PortError, SettingsError) as error:
        raise _exit(2, error) from error
    except StoreFailedError as error:
        raise _exit(3, error) from error
    except KeyboardInterrupt:
        raise typer.Exit(0) from None


def _exit(code: int, error: Exception) -> typer.Exit:
    line = str(error)
    if language_asked_for(sys.argv[1:], os.environ) == "zh":
        own = error.zh if isinstance(error, SettingsError) else line
        line = own if own != line else said_in_chinese(line)
    sys.stderr.write(f"forecourt-office: {line}\n")
    return typer.Exit(code)
