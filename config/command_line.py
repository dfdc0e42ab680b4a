"""Run a command line in the reader's language: its help, and one line for words that it cannot take."""

import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, NoReturn

import typer
from typer.core import TyperArgument, TyperOption
from typer.exceptions import TyperException

from config.command_words import frame_in_chinese, language_asked_for, said_in_chinese

if TYPE_CHECKING:
    from typer._click.core import Command

NOT_TAKEN = 2


def run_spoken(app: typer.Typer, program: str, words: Sequence[str], environment: Mapping[str, str]) -> NoReturn:
    """Run the command that ``words`` name, and exit: 2 for words it cannot take."""
    _wait_for_sockets()
    chinese = language_asked_for(words, environment) == "zh"
    command = typer.main.get_command(app)
    if chinese:
        _put_into_chinese(command)
    context = _context(command, words, program)
    asked = "--help" in words
    if asked or _names_only_a_group(context, words):
        text = context.get_help()
        typer.echo(frame_in_chinese(text) if chinese else text)
        sys.exit(0 if asked else NOT_TAKEN)
    try:
        sys.exit(command.main(list(words), prog_name=program, standalone_mode=False))
    except TyperException as refusal:
        _refuse(refusal, context, chinese=chinese)


def _wait_for_sockets() -> None:
    """The event loop that Windows gives by itself cannot, and a connection to a broker needs it."""
    if sys.platform == "win32":
        import asyncio  # takes 50 ms to load, which help need not wait for

        asyncio.set_event_loop_policy(asyncio.WindowsSelectorEventLoopPolicy())


def texts_of(command: "Command") -> Iterator[str]:
    """Every text that the help of a command, and of those below it, shows."""
    yield from filter(None, [command.help, *(getattr(param, "help", None) for param in command.params)])
    for below in _below(command).values():
        yield from texts_of(below)


def _below(command: "Command") -> "dict[str, Command]":
    return getattr(command, "commands", {})


def _put_into_chinese(command: "Command") -> None:
    command.help = said_in_chinese(command.help or "")
    for param in command.params:
        if isinstance(param, TyperOption | TyperArgument) and param.help:
            param.help = said_in_chinese(param.help)
    for below in _below(command).values():
        _put_into_chinese(below)


def _context(command: "Command", words: Sequence[str], program: str) -> typer.Context:
    """Of the command that ``words`` name, as far as they name one."""
    context = typer.Context(command, info_name=program)
    for word in words:
        below = _below(context.command).get(word)
        if below is None:
            break
        context = typer.Context(below, info_name=word, parent=context)
    return context


def _names_only_a_group(context: typer.Context, words: Sequence[str]) -> bool:
    return bool(_below(context.command)) and len(words) == len(context.command_path.split()) - 1


def _refuse(refusal: TyperException, context: typer.Context, *, chinese: bool) -> NoReturn:
    said = refusal.format_message()
    see = f"{context.command_path} --help"
    stop = "" if said.endswith((".", "?")) else "."
    line = f"{said_in_chinese(said)}用法见：{see}" if chinese else f"{said}{stop} See: {see}"
    typer.echo(f"{context.command_path}: {line}", err=True)
    sys.exit(refusal.exit_code)
