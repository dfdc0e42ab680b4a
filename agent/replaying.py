"""``forecourt replay`` on the terminal: one line of JSON or one row of a table for each recorded case."""

import json
from pathlib import Path

from rich.console import Console

from agent.replay import replay_files
from agent.replay_score import score, score_by_make, score_table
from agent.tables import replay_table
from config.catalogue import Language, render
from config.errors import SettingsError


def replay_recordings(files: list[Path], language: Language, *, as_json: bool) -> int:
    """Print one result a case; 2 when a file cannot be read."""
    for path in files:
        if not path.is_file():
            raise SettingsError(render("cli.no_such_file", language, path=str(path)))
    results = replay_files(files)
    if as_json:
        for result in results:
            print(json.dumps(result, ensure_ascii=False))
    else:
        Console().print(replay_table(results, language))
        if scores := score(files):
            Console().print(score_table(scores, language))
            Console().print(score_table(score_by_make(files), language, "make"))
    return 0
