"""The check-up for the back office: what ``forecourt doctor`` finds, in both languages, without anybody's paths."""

import re
from dataclasses import replace

from agent.doctor import diagnose
from agent.doctor_facts import gather
from config.catalogue import Language
from config.settings import Settings
from evidence.snapshot import Text
from sync.command import HealthLine

# a path may say a person's name; what is under /dev does not
_PATH = re.compile(r"(?<![\w:/.])/(?!dev/)[^\s,;:，；：。]+")


def check_up(settings: Settings) -> tuple[HealthLine, ...]:
    """The check-up in both languages without a path that may say somebody's name. Takes up to ten seconds."""
    facts = gather(settings)
    facts = replace(facts, store=replace(facts.store, directory="storage.directory"))
    en, zh = (diagnose(settings, facts, language) for language in (Language.EN, Language.ZH))
    return tuple(
        HealthLine(
            subject=one.subject,
            level=one.level,
            text=Text(en=_bare(one.text), zh=_bare(other.text)),
            advice=Text(en=_bare(one.advice), zh=_bare(other.advice)),
        )
        for one, other in zip(en, zh, strict=True)
    )


def _bare(text: str) -> str:
    return _PATH.sub("…", text)
