"""Alert episodes, without a store."""

import pytest

from backoffice.alerts import Changes, Episode, compare, is_news, subject_of
from evidence.snapshot import Finding, Severity


def finding(rule: str, severity: Severity = Severity.SOON, **params: str) -> Finding:
    return Finding(rule=rule, severity=severity, params=dict(params))


def episode(rule: str, subject: str = "", severity: Severity = Severity.SOON, number: int = 1) -> Episode:
    return Episode(f"a{number}", rule, subject, severity, "v1", 1)


def test_a_finding_opens_an_alert() -> None:
    changes = compare([], [finding("odometer.below_earlier")], "v1")
    assert [opening.finding.rule for opening in changes.opened] == ["odometer.below_earlier"]


def test_a_note_calls_nobody_except_a_service_that_falls_due() -> None:
    notes = [finding("car.silent", Severity.NOTE), finding("service.due", Severity.NOTE, item="oil", state="due")]
    assert [opening.subject for opening in compare([], notes, "v1").opened] == ["oil/due"]


def test_the_same_visit_judged_again_is_no_new_occurrence() -> None:
    (same,) = compare([episode("k")], [finding("k")], "v1").updated
    (next_visit,) = compare([episode("k")], [finding("k")], "v2").updated

    assert (same.occurrences, next_visit.occurrences) == (1, 2)


def test_what_became_worse_is_told_again_and_what_became_better_is_not() -> None:
    (worse,) = compare([episode("k")], [finding("k", Severity.STOP)], "v1").updated
    (better,) = compare([episode("k", severity=Severity.STOP)], [finding("k")], "v1").updated

    assert (worse.worsened, better.worsened) == (True, False)


def test_an_alert_closes_when_its_finding_is_gone() -> None:
    gone = episode("k")
    assert compare([gone], [], "v2") == Changes(closed=(gone,))


def test_of_two_alerts_about_one_thing_the_older_stays() -> None:
    older, younger = episode("k", number=1), episode("k", number=2)
    changes = compare([older, younger], [finding("k")], "v1")

    assert [update.episode for update in changes.updated] == [older]
    assert changes.closed == (younger,)


def test_codes_call_people_by_episode_and_never_by_visit() -> None:
    summary = finding("codes.new", codes="P0301, P0420")
    of_one = finding("codes.episode", code="P0301", ecu="7E8", episode="1")

    (opened,) = compare([], [summary, of_one], "v1").opened

    assert opened.subject == "P0301/7E8/1"


def test_a_subject_is_bounded() -> None:
    assert len(subject_of(finding("codes.episode", code="P" * 300))) == 200


SINCE = "2026-01-15"


@pytest.mark.parametrize(
    ("stage", "told", "news"),
    [
        ("due_soon_30", (), True),
        ("due", ("due_soon_30", "due_soon_14"), True),
        ("due_soon_30", ("due_soon_30",), False),
        ("due_soon_30", ("due_soon_30", "due_soon_14"), False),
        ("due_soon_30", ("due",), False),
        ("overdue", ("due",), True),
    ],
)
def test_a_stage_is_told_once_even_when_the_clock_is_put_back(stage: str, told: tuple[str, ...], news: bool) -> None:
    former = [f"@service.oil/{one}/{SINCE}" for one in told]

    assert is_news("service.due", f"@service.oil/{stage}/{SINCE}", former) is news


def test_after_a_service_every_stage_is_news_again() -> None:
    former = [f"@service.oil/overdue/{SINCE}", f"@service.brake/due_soon_30/{SINCE}"]

    assert is_news("service.due", "@service.oil/due_soon_30/2026-07-20", former)
    assert is_news("odometer.below_earlier", "", former)


def test_a_visit_that_could_not_check_settles_nothing() -> None:
    open_one = episode("odometer.below_earlier")

    assert compare([open_one], [], "v2", undecided={"odometer.below_earlier"}) == Changes()
    assert compare([open_one], [], "v2", undecided={"odometer.dash_differs"}).closed == (open_one,)
