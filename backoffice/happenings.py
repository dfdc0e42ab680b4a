"""What people did with a car's file, as lines of its history: decisions, and steps through the stock."""

from collections.abc import Iterable

from backoffice.decisions import Decision, DecisionKind, EventBody, MergedBody, MileageEntryBody, VoidBody
from backoffice.stock import StockStep
from backoffice.views import TimelineEvent
from config.catalogue import has, text_of
from evidence.snapshot import Text
from evidence.vin import tail


def happenings(decisions: Iterable[Decision], steps: Iterable[StockStep]) -> list[TimelineEvent]:
    """One line each, in no particular order."""
    told = tuple(decisions)
    by_id = {one.id: one for one in told}
    return [*(_decision(one, by_id) for one in told), *(_step(step, place) for place, step in enumerate(steps))]


def sentence_of(decision: Decision, others: dict[str, Decision]) -> Text:
    """What was decided; a decision that takes another back repeats what that one was."""
    if decision.kind is DecisionKind.TAKEN_BACK:
        undone = others.get(decision.subject)
        what = sentence_of(undone, {}) if undone and undone.kind is not DecisionKind.TAKEN_BACK else Text()
        return Text(
            en=text_of("decision.taken_back", what=what.en)["en"], zh=text_of("decision.taken_back", what=what.zh)["zh"]
        )
    return Text(**text_of(f"decision.{_variant(decision)}", **_params(decision)))


def _variant(decision: Decision) -> str:
    if isinstance(decision.body, EventBody):
        return str(decision.body.event)
    if isinstance(decision.body, MergedBody) and not decision.body.absorbed_vin:
        return "merged_unnamed"
    return str(decision.kind)


def _params(decision: Decision) -> dict[str, object]:
    match decision.body:
        case MileageEntryBody(odometer_m=odometer_m):
            return {"odometer_m": odometer_m}
        case VoidBody(source=source, odometer_m=odometer_m):
            return {"odometer_m": odometer_m, "source": f"@source.{source}" if has(f"source.{source}") else source}
        case EventBody():
            return {"before_m": decision.body.before_m, "after_m": decision.body.after_m}
        case MergedBody(absorbed_vin=vin):
            return {"vin_tail": tail(vin)}
    return {}


def _decision(decision: Decision, others: dict[str, Decision]) -> TimelineEvent:
    papers = decision.body.papers if isinstance(decision.body, EventBody) else ""
    words = " ".join(part for part in (decision.reason, papers) if part)
    return TimelineEvent(
        id=f"decision:{decision.id}",
        at=decision.at,
        clock="ntp",
        kind="decision",
        title=sentence_of(decision, others),
        detail=Text(**text_of("decision.by", who=_said(decision.person), why=_said(words))),
    )


def _step(step: StockStep, place: int) -> TimelineEvent:
    after = f"@office.state_{step.after}"
    title = (
        text_of("decision.stock_first", after=after)
        if step.before is None
        else text_of("decision.stock", before=f"@office.state_{step.before}", after=after)
    )
    key = "decision.by" if step.note else "decision.by_whom"
    return TimelineEvent(
        id=f"stock:{place}",
        at=step.at,
        clock="ntp",
        kind="stock",
        title=Text(**title),
        detail=Text(**text_of(key, who=_said(step.person), why=_said(step.note))),
    )


def _said(words: str) -> str:
    """A person's words as they are: an "@" in front would name a sentence of ours."""
    return words.lstrip("@")
