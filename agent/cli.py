"""``forecourt``: the command line of the edge agent. A command's work is imported only when it is run."""

import functools
import getpass
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ParamSpec

import typer

if TYPE_CHECKING:
    from config.catalogue import Language
    from config.settings import Settings

USERS_MISTAKE = 2
WORLD_FAILED = 3
DEBUG = "FORECOURT_DEBUG"
Parameters = ParamSpec("Parameters")

app = typer.Typer(
    name="forecourt",
    help="Used-car intake: plug in, and a minute later the car's state is known with evidence.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,  # plain help: importing Rich for it would double the time to the first line
    pretty_exceptions_enable=False,
)

sync_app = typer.Typer(help="What this box owes the back office.", no_args_is_help=True, rich_markup_mode=None)
app.add_typer(sync_app, name="sync")

ConfigOption = Annotated[Path | None, typer.Option("--config", metavar="FILE", help="Settings file (forecourt.toml).")]
LangOption = Annotated[str, typer.Option("--lang", metavar="en|zh", help="Language of what is printed.")]
JsonOption = Annotated[bool, typer.Option("--json", help="JSON on standard output instead of a table.")]
FilesArgument = Annotated[list[Path], typer.Argument(metavar="FILE...", show_default=False)]


def main() -> None:
    """The console script."""
    from config.command_line import run_spoken

    run_spoken(app, "forecourt", sys.argv[1:], os.environ)


def plainly(command: Callable[Parameters, None]) -> Callable[Parameters, None]:
    """Turn every error into one line on standard error and an exit code; never a traceback."""

    @functools.wraps(command)
    def run(*args: Parameters.args, **kwargs: Parameters.kwargs) -> None:
        try:
            command(*args, **kwargs)
        except Exception as error:
            if isinstance(error, typer.Exit | typer.Abort) or type(error).__module__.startswith(("click", "typer")):
                raise
            if os.environ.get(DEBUG):
                raise
            raise typer.Exit(_say(error, _language_told(kwargs))) from None
        except KeyboardInterrupt:
            raise typer.Exit(130) from None

    return run


@app.command()
@plainly
def run(config: ConfigOption = None, lang: LangOption = "") -> None:
    """Watch all adapters and serve the bay page until SIGTERM or Ctrl+C."""
    from agent.lean import load_without, look_for_no_plugins, nothing_collected, share_one_heap

    share_one_heap()
    look_for_no_plugins()
    with nothing_collected():
        load_without("rich", "structlog")  # 7 MB and a quarter of the start, for coloured tracebacks in a terminal
        from agent.running import run_daemon

    settings = _settings(config)
    run_daemon(settings, language_of(lang, settings))


@app.command()
@plainly
def scan(
    adapter: Annotated[
        str, typer.Option(metavar="URL", help="serial:/dev/ttyUSB0, tcp:192.168.0.10:35000, rfcomm:..., auto:")
    ],
    depth: Annotated[str, typer.Option(metavar="quick|full", help="How much to ask.")] = "full",
    as_json: JsonOption = False,  # noqa: FBT002 - an option of the command line
    plate: Annotated[str, typer.Option(help="Number plate.")] = "",
    stock: Annotated[str, typer.Option(help="Stock number.")] = "",
    dash_km: Annotated[str, typer.Option(help="What the dashboard shows, km.")] = "",
    vin: Annotated[str, typer.Option(help="VIN of a car that does not say it.")] = "",
    operator: Annotated[str, typer.Option(help="Who typed the answers.")] = "",
    save: Annotated[bool, typer.Option("--save", help="Keep the intake and send it.")] = False,  # noqa: FBT002
    config: ConfigOption = None,
    lang: LangOption = "",
) -> None:
    """Read one car once: a verdict table, or one JSON snapshot with --json."""
    from agent.scanning import ScanOrder, scan_car_once

    settings = _settings(config)
    typed = {"plate": plate, "stock_number": stock, "dash_km": dash_km, "vin": vin}
    if any(typed.values()):
        typed["operator"] = operator or getpass.getuser()
    order = ScanOrder(adapter, depth, typed, save=save, as_json=as_json)
    raise typer.Exit(scan_car_once(order, settings, language_of(lang, settings)))


@app.command()
@plainly
def replay(files: FilesArgument, as_json: JsonOption = False, lang: LangOption = "") -> None:  # noqa: FBT002
    """Decode recorded traffic: obd-capture/1 JSON or adapter transcripts."""
    from agent.replaying import replay_recordings

    raise typer.Exit(replay_recordings(files, language_of(lang, None), as_json=as_json))


@app.command()
@plainly
def judge(files: FilesArgument, as_json: JsonOption = False, lang: LangOption = "") -> None:  # noqa: FBT002
    """Judge cars' histories (forecourt.history/1, one JSON a line)."""
    from agent.judging import judge_histories

    raise typer.Exit(judge_histories(files, language_of(lang, None), as_json=as_json))


@app.command()
@plainly
def sheet(
    intake: Annotated[str, typer.Argument(metavar="INTAKE", help="Id of the intake, or 'last'.", show_default=False)],
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Folder the files are written to.")] = Path(),
    withdraw: Annotated[str, typer.Option("--withdraw", metavar="WHY", help="Withdraw its sheet instead.")] = "",
    config: ConfigOption = None,
    lang: LangOption = "",
) -> None:
    """Make the signed sheet of an intake: HTML and PDF in both languages, and the JSON that seals them."""
    from agent.sheet_command import SheetOrder, make_sheet

    settings = _settings(config)
    raise typer.Exit(make_sheet(SheetOrder(intake, out, withdraw), settings, language_of(lang, settings)))


@app.command()
@plainly
def verify(
    sheet: Annotated[Path, typer.Argument(metavar="SHEET", help="Any file of the sheet, or its folder.")],
    key: Annotated[str, typer.Option("--key", metavar="KEY", help="Fingerprint the signer must have.")] = "",
    chain: Annotated[Path | None, typer.Option("--chain", metavar="FILE", help="The box's chain.jsonl.")] = None,
    config: ConfigOption = None,
    lang: LangOption = "",
) -> None:
    """Say whether a sheet is as it was made: 1 when a byte was changed, 0 when it is whole."""
    from agent.verifying import verify_sheet

    settings = _settings(config)
    raise typer.Exit(verify_sheet(sheet, settings, language_of(lang, settings), key=key, chain=chain))


@sync_app.command("verify")
@plainly
def sync_verify(as_json: JsonOption = False, config: ConfigOption = None, lang: LangOption = "") -> None:  # noqa: FBT002
    """Compare with the back office; send again what it lost: 1 when something is lost on both sides or differs."""
    from agent.sync_command import verify_sync

    settings = _settings(config)
    raise typer.Exit(verify_sync(settings, language_of(lang, settings), as_json=as_json))


@app.command()
@plainly
def seal(
    new_key: Annotated[
        Path | None, typer.Option("--new-key", metavar="FILE", help="Only make a storage key, in a file that is new.")
    ] = None,
    config: ConfigOption = None,
    lang: LangOption = "",
) -> None:
    """Encrypt what this box has kept in the clear so far; stop the service first."""
    from agent.seal_command import seal_storage, write_key

    if new_key is not None:
        raise typer.Exit(write_key(new_key, language_of(lang, None)))
    settings = _settings(config)
    raise typer.Exit(seal_storage(settings, language_of(lang, settings)))


@app.command()
@plainly
def rekey(
    new: Annotated[Path, typer.Option("--new", metavar="FILE", help="File of the key to come.")],
    old: Annotated[
        Path | None, typer.Option("--old", metavar="FILE", help="File of the present key; else the configured one.")
    ] = None,
    config: ConfigOption = None,
    lang: LangOption = "",
) -> None:
    """Give everything this box keeps encrypted another key; stop the service first."""
    from agent.seal_command import change_storage_key

    settings = _settings(config)
    raise typer.Exit(change_storage_key(settings, old, new, language_of(lang, settings)))


@app.command()
@plainly
def doctor(config: ConfigOption = None, lang: LangOption = "") -> None:
    """Look at ports, permissions, Bluetooth, broker, clock, disk and versions; say what to do."""
    from agent.doctor import print_doctor

    settings = _settings(config)
    raise typer.Exit(print_doctor(settings, language_of(lang, settings)))


@app.command()
@plainly
def demo(
    seconds: Annotated[int | None, typer.Option(min=1, help="End after this time with a summary.")] = None,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port of the web page; 0 takes any free one.")] = 0,
    lang: LangOption = "",
) -> None:
    """A simulated lot, agent, broker, back office and web page: no hardware, no account."""
    from agent.demo import run_demo

    raise typer.Exit(run_demo(seconds, port, language_of(lang, None)))


def language_of(wanted: str, settings: "Settings | None") -> "Language":
    """``--lang``, else the language the settings name, else LANG, else the settings' default."""
    from config.catalogue import Language
    from config.command_words import language_told
    from config.settings import DeviceSettings

    if wanted:
        if wanted not in list(Language):
            raise typer.BadParameter(f"'{wanted}' is not en or zh", param_hint="--lang")
        return Language(wanted)
    if settings is not None and "language" in settings.device.model_fields_set:
        return Language(settings.device.language)
    return Language(language_told(os.environ) or DeviceSettings().language)


def _settings(config: Path | None) -> "Settings":
    from config.settings import load_settings

    return load_settings(config)


def _language_told(options: Mapping[str, object]) -> "Language":
    """The language of a command that failed: its settings count as far as they can be read."""
    from config.errors import SettingsError

    wanted, config = str(options.get("lang", "")), options.get("config")
    try:
        settings = _settings(config if isinstance(config, Path) else None)
    except (SettingsError, OSError):
        settings = None
    return language_of(wanted if wanted in ("en", "zh") else "", settings)


def _say(error: Exception, language: "Language") -> int:
    """One line that says what happened and what to do; the exit code that goes with it."""
    from agent.spoken_errors import spoken

    line, code = spoken(error, language)
    print(line, file=sys.stderr)
    return code
