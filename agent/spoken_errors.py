"""Which line and which exit code an error becomes on the command line: 2 the user's mistake, 3 the world's failure."""

from agent.errors import AnswerError, WorldError
from collector.errors import AdapterLostError
from config.catalogue import Language, has, render
from config.errors import SettingsError
from sync.errors import OutboxError

USERS_MISTAKE = 2
WORLD_FAILED = 3
DETAIL_MAX = 200


def spoken(error: Exception, language: Language) -> tuple[str, int]:
    """One line for a person, and the exit code."""
    match error:
        case SettingsError():
            return error.zh if language is Language.ZH else str(error), USERS_MISTAKE
        case AnswerError():
            return render(error.key, language, **error.params), USERS_MISTAKE
        case WorldError():
            return render(error.key, language, **error.params), WORLD_FAILED
        case AdapterLostError():
            return adapter_line(error, language), WORLD_FAILED
        case OutboxError():
            return render("agent.store_unusable", language, detail=str(error)), WORLD_FAILED
    detail = " ".join(str(error).split())[:DETAIL_MAX]
    return render("cli.fault", language, kind=type(error).__name__, detail=detail), WORLD_FAILED


def adapter_line(error: AdapterLostError, language: Language) -> str:
    """What is wrong with the adapter and what to do; in brackets what the system said."""
    sentence = render(error.reason, language) if has(error.reason) else error.reason
    return f"{sentence} ({error.detail})" if error.detail else sentence
