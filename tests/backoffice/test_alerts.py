"""Alert episodes, without a store."""

from backoffice.alerts import Changes, Episode, compare, subject_of
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


def test_a_code_that_still_stands_keeps_its_alert() -> None:
    standing = episode("codes.new", "P0301, P0420")

    assert compare([standing], [], "v2", standing_codes={"P0420"}) == Changes()
    assert compare([standing], [], "v2", standing_codes={"P0171"}).closed == (standing,)


def test_codes_that_people_know_of_are_not_told_again() -> None:
    known = episode("codes.new", "P0301, P0420")
    again = finding("codes.new", codes="P0301")
    more = finding("codes.new", codes="P0171, P0301")

    assert compare([known], [again], "v2", standing_codes={"P0301"}) == Changes()
    assert len(compare([known], [more], "v2", standing_codes={"P0301", "P0171"}).opened) == 1


def test_a_subject_is_bounded() -> None:
    assert len(subject_of(finding("codes.new", codes="P0301, " * 100))) == 200


def test_a_visit_that_could_not_check_settles_nothing() -> None:
    open_one = episode("odometer.below_earlier")

    assert compare([open_one], [], "v2", undecided={"odometer.below_earlier"}) == Changes()
    assert compare([open_one], [], "v2", undecided={"odometer.dash_differs"}).closed == (open_one,)
