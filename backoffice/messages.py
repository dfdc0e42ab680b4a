"""An alert as an outside channel may carry it: what happened, the stock number, the VIN's last four and a link."""

import re
from dataclasses import dataclass

from backoffice.views import AlertView
from config.catalogue import Language, has, render
from evidence.snapshot import Severity

KINDS = {Severity.STOP: "failure", Severity.SOON: "warning", Severity.NOTE: "info"}
UNKNOWN = "-"
# 17 letters and digits without I, O and Q (ISO 3779); only the last four may leave the house.
_VIN = re.compile(r"\b[A-HJ-NPR-Z0-9]{13}([A-HJ-NPR-Z0-9]{4})\b")


@dataclass(frozen=True, slots=True)
class Message:
    """``kind`` is Apprise's notice type."""

    title: str
    body: str
    kind: str


def compose(alert: AlertView, language: str, public_url: str) -> Message:
    """``alert`` in ``language`` (``zh``, ``en`` or ``both``); no link without ``public_url``."""
    chosen = [Language.ZH, Language.EN] if language == "both" else [Language(language)]
    link = f"{public_url.rstrip('/')}/vehicles/{alert.vehicle_id}" if public_url else ""
    title = " / ".join(_title(alert, one) for one in chosen)
    body = "\n\n".join(_body(alert, one, link) for one in chosen)
    return Message(_masked(title), _masked(body), KINDS[alert.severity])


def _title(alert: AlertView, language: Language) -> str:
    key = f"rule.{alert.rule}.title"
    return render(
        "office.message_title",
        language,
        severity=render(f"severity.{alert.severity}", language),
        what=render(key, language) if has(key) else alert.rule,
        stock_number=_plain(alert.stock_number),
    )


def _body(alert: AlertView, language: Language, link: str) -> str:
    """No more than this leaves the house: what was found and on which evidence stands behind the link."""
    key = "office.message_car" if alert.vin_tail else "office.message_no_vin"
    car = render(key, language, stock_number=_plain(alert.stock_number), vin_tail=_plain(alert.vin_tail))
    return f"{car}\n{render('office.message_link', language, link=link)}" if link else car


def _plain(typed: str) -> str:
    """What a person typed; "@" in front would name a sentence of the catalogue."""
    return typed.lstrip("@") or UNKNOWN


def _masked(text: str) -> str:
    return _VIN.sub(lambda found: f"…{found.group(1)}", text)
