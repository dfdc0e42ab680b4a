"""What becomes of a trouble code: an episode ends when the car has looked again, not when a list is empty."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from config.catalogue import Language, render
from config.severity_rules import SeverityRule, Urgency, default_severities
from evidence.episodes import RULE, CodeEpisode, EpisodeState, episode_findings, episodes_of, urgency
from evidence.history import History, ServiceRecord, Visit
from evidence.monitors import CONTINUOUS, FULL_M, cleared_between, monitor_of
from evidence.snapshot import CounterPart, CountersPart, DtcPart, ItemPart, Severity, Snapshot
from protocols.readings import DtcClass, ItemStatus, Monitor
from tests.evidence.cars import KM, NOW, code, counters, snapshot

STORED, PENDING, PERMANENT = DtcClass.STORED, DtcClass.PENDING, DtcClass.PERMANENT
READY = {"catalyst": Monitor.COMPLETE, "misfire": Monitor.COMPLETE}
NOT_YET = {"catalyst": Monitor.INCOMPLETE, "misfire": Monitor.COMPLETE}


def seen(
    place: int,
    *codes: DtcPart,
    warmups: int | None = None,
    since_km: int | None = None,
    readiness: dict[str, Monitor] | None = None,
    read: bool = True,
) -> Visit:
    """Visit number ``place``, ten days and 500 km after the one before."""
    values = counters(
        "7E8", warmups_since_clear=warmups, distance_since_clear_m=None if since_km is None else since_km * KM
    )
    items = tuple(
        ItemPart(item=f"dtcs.{kind}", status=ItemStatus.READ if read else ItemStatus.TIMEOUT) for kind in DtcClass
    )
    taken = snapshot(
        (60_000 + 500 * place) * KM, id=f"s{place}", dtcs=codes, values=values, readiness=readiness or {}, items=items
    )
    return Visit(NOW + timedelta(days=10 * place), taken)


def states(*visits: Visit, services: tuple[ServiceRecord, ...] = ()) -> list[str]:
    return [str(episode.state) for episode in episodes_of(History("car", visits, services))]


def only(*visits: Visit, services: tuple[ServiceRecord, ...] = ()) -> CodeEpisode:
    (episode,) = episodes_of(History("car", visits, services))
    return episode


CAT = code("P0420")


def test_a_stored_code_is_new_once_and_confirmed_afterwards() -> None:
    assert states(seen(0, CAT)) == ["new"]
    assert states(seen(0, CAT), seen(1, CAT)) == ["confirmed"]
    assert states(seen(0, CAT), seen(1, CAT), seen(2, CAT)) == ["confirmed"]


def test_a_pending_code_becomes_confirmed_in_the_same_episode() -> None:
    episode = only(seen(0, code("P0420", PENDING)), seen(1, CAT))

    assert (episode.state, episode.number, episode.visits_seen) == (EpisodeState.CONFIRMED, 1, 2)
    assert states(seen(0, code("P0420", PENDING))) == ["pending"]


def test_a_permanent_code_alone_is_permanent_and_with_its_stored_one_is_not() -> None:
    assert states(seen(0, code("P0420", PERMANENT))) == ["permanent"]
    assert states(seen(0, CAT, code("P0420", PERMANENT))) == ["new"]


def test_cleared_without_proof_is_not_repaired_until_the_monitor_has_run() -> None:
    before = seen(0, CAT, warmups=80, since_km=9_000, readiness=READY)
    cleared = seen(1, warmups=2, since_km=40, readiness=NOT_YET)
    proved = seen(2, warmups=12, since_km=540, readiness=READY)

    assert states(before, cleared) == ["cleared_not_repaired"]
    assert states(before, cleared, seen(2, warmups=9, since_km=300, readiness=NOT_YET)) == ["cleared_not_repaired"]
    assert states(before, cleared, proved) == ["healed"]


def test_a_cleared_code_that_is_back_is_the_same_episode() -> None:
    before, cleared = seen(0, CAT, warmups=80, since_km=9_000), seen(1, warmups=2, since_km=40, readiness=NOT_YET)

    episode = only(before, cleared, seen(2, CAT, warmups=9, since_km=400))

    assert (episode.state, episode.number) == (EpisodeState.RETURNED, 1)


def test_a_healed_code_that_is_back_is_another_episode() -> None:
    healed = (seen(0, CAT, warmups=80), seen(1, warmups=2, readiness=NOT_YET), seen(2, warmups=8, readiness=READY))

    first, second = episodes_of(History("car", (*healed, seen(3, CAT, warmups=9))))

    assert (first.state, first.number, second.state, second.number) == ("healed", 1, "returned", 2)


def test_a_car_that_was_not_cleared_forgot_the_code_by_itself() -> None:
    assert states(seen(0, CAT, warmups=30, since_km=900), seen(1, warmups=75, since_km=1_400)) == ["healed"]


def test_a_drive_longer_than_the_distance_since_clear_shows_a_clear() -> None:
    assert states(seen(0, CAT, since_km=10), seen(1, since_km=60, readiness=NOT_YET)) == ["cleared_not_repaired"]


def told(km: int, **values: dict[str, int]) -> Snapshot:
    """What units count, by counter and address."""
    parts = {name: tuple(CounterPart(ecu=e, value=v) for e, v in units.items()) for name, units in values.items()}
    return snapshot(km * KM).model_copy(update={"counters": CountersPart.model_validate(parts)})


@pytest.mark.parametrize(
    ("before", "after", "cleared"),
    [
        # a unit that was silent before has its own past
        (told(1000, warmups_since_clear={"7E8": 80}), told(1100, warmups_since_clear={"7E8": 90, "7E9": 5}), False),
        # the engine's memory, though another unit's was cleared long ago and is silent now
        (told(1000, warmups_since_clear={"7E8": 80, "7E9": 3}), told(1100, warmups_since_clear={"7E8": 5}), True),
        # only the gearbox was programmed
        (
            told(1000, warmups_since_clear={"7E8": 80, "7E9": 80}),
            told(1100, warmups_since_clear={"7E8": 90, "7E9": 2}),
            False,
        ),
        # full counters say "at least"
        (
            told(1000, distance_since_clear_m={"7E8": FULL_M}),
            told(90_000, distance_since_clear_m={"7E8": FULL_M}),
            False,
        ),
        (told(1000, warmups_since_clear={"7E8": 80}), told(1100, warmups_since_clear={"7E9": 5}), None),
    ],
)
def test_a_unit_is_compared_with_itself_alone(before: Snapshot, after: Snapshot, cleared: bool | None) -> None:
    assert cleared_between(before, after, "7E8") is cleared


def test_a_code_that_is_gone_without_a_word_about_clearing_is_not_called_healed() -> None:
    assert states(seen(0, CAT), seen(1)) == ["gone_unproven"]
    assert states(seen(0, CAT), seen(1, readiness=READY)) == ["healed"]


@pytest.mark.parametrize(
    ("warmups", "since_km", "state"),
    [
        (0, 0, "cleared_not_repaired"),
        (2, 300, "cleared_not_repaired"),
        (3, 49, "cleared_not_repaired"),
        (3, 50, "healed"),
    ],
)
def test_a_monitor_that_always_says_complete_proves_nothing_before_it_was_driven(
    warmups: int, since_km: int, state: str
) -> None:
    before = seen(0, code("P0301"), warmups=80, since_km=9_000, readiness=READY)

    assert states(before, seen(1, warmups=warmups, since_km=since_km, readiness=READY)) == [state]


def test_a_visit_whose_codes_could_not_be_read_changes_nothing() -> None:
    assert states(seen(0, CAT), seen(1, read=False)) == ["new"]
    assert states(seen(0, read=False)) == []


def test_a_repair_is_a_claim_until_the_monitor_has_run() -> None:
    bill = (ServiceRecord("w", NOW + timedelta(days=5), None, items=("catalyst",)),)
    visits = (seen(0, CAT, warmups=80), seen(1, warmups=2, readiness=NOT_YET))

    episode = only(*visits, services=bill)
    (told,) = episode_findings([episode], default_severities())

    assert (episode.state, episode.repaired_at) == (EpisodeState.CLEARED, bill[0].done_at)
    assert "since the work of 2026-11-26" in told.text.en
    assert only(*visits, seen(2, warmups=9, readiness=READY), services=bill).state is EpisodeState.HEALED
    old = (ServiceRecord("w", NOW - timedelta(days=5), None),)
    assert only(*visits, services=old).repaired_at is None


@pytest.mark.parametrize(("state", "told"), [(EpisodeState.GONE, True), (EpisodeState.RETURNED, False)])
def test_work_is_told_of_a_code_that_is_gone_and_not_of_one_that_is_back(state: EpisodeState, told: bool) -> None:
    episode = CodeEpisode("P0301", "7E8", 1, state, NOW, NOW, NOW, 1, "misfire", repaired_at=NOW)
    (found,) = episode_findings([episode], default_severities())

    assert ("since the work of" in found.text.en) is told


def test_the_same_code_on_two_units_is_two_episodes() -> None:
    assert len(episodes_of(History("car", (seen(0, code("U0100", ecu="7E8"), code("U0100", ecu="7E9")),)))) == 2


@pytest.mark.parametrize("state", list(EpisodeState))
@pytest.mark.parametrize("language", list(Language))
def test_every_state_has_its_words(state: EpisodeState, language: Language) -> None:
    assert render(f"episode.{state}", language)
    if state is not EpisodeState.HEALED:
        episode = CodeEpisode("P0301", "7E8", 1, state, NOW, NOW, NOW, 1, "misfire")
        (told,) = episode_findings([episode], default_severities())
        said = told.text.zh if language is Language.ZH else told.text.en
        assert "P0301" in said
        assert "monitor_" not in said


def test_every_monitor_that_a_code_names_has_words() -> None:
    for name in ("P0301", "P0420", "P0442", "P0411", "P0401", "P0133", "P0171", "P2002", "P20EE", "B1000"):
        assert render(f"office.monitor_{monitor_of(name)}", Language.ZH)
    assert monitor_of("P0171") in CONTINUOUS


def test_rules_decide_how_urgent_and_a_suspicion_is_only_a_note() -> None:
    rules = (
        SeverityRule("all", "*", "*", Urgency.SOON, "x"),
        SeverityRule("cat", "P042*", "BYD", Urgency.IGNORE, "x"),
        SeverityRule("misfire", "P030*", "*", Urgency.STOP, "x"),
    )
    episodes = episodes_of(History("car", (seen(0, CAT, code("P0301"), code("P0171", PENDING)),)))

    assert [urgency(e, rules) for e in episodes] == [Urgency.NOTE, Urgency.STOP, Urgency.SOON]
    told = episode_findings(episodes, rules, "BYD")
    assert [(f.params["code"], f.severity) for f in told] == [("P0171", Severity.NOTE), ("P0301", Severity.STOP)]
    assert {f.rule for f in told} == {RULE}


_CODES = st.lists(st.sampled_from([code(n, k) for n in ("P0301", "P0420") for k in DtcClass]), max_size=4, unique=True)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(_CODES, st.none() | st.integers(0, 255), st.booleans()), max_size=6))
def test_what_is_listed_at_the_last_visit_is_open_and_what_is_healed_is_not_listed(
    lived: list[tuple[list[DtcPart], int | None, bool]],
) -> None:
    visits = tuple(seen(n, *codes, warmups=warm, read=read) for n, (codes, warm, read) in enumerate(lived))
    episodes = episodes_of(History("car", visits))
    last = next(
        (visit.snapshot for visit in reversed(visits) if visit.snapshot.items[0].status is ItemStatus.READ), Snapshot()
    )

    latest = {(e.code, e.ecu): e for e in episodes}
    assert {part.code for part in last.dtcs} == {
        e.code
        for e in latest.values()
        if e.last_seen_at and e.state not in ("healed", "gone_unproven", "cleared_not_repaired")
    }
    assert sum(e.open for e in episodes) <= len(latest)


def test_work_of_the_day_before_is_told_by_the_owners_day() -> None:
    """Seen at 01:00 of the 3rd in Shanghai, which is the 2nd in UTC; the bill is of noon of the 2nd."""
    first = datetime(2026, 5, 2, 17, tzinfo=UTC)
    bill = ServiceRecord("w", datetime(2026, 5, 2, 4, tzinfo=UTC), None)
    visits = tuple(
        Visit(first + day * timedelta(days=1), one.snapshot)
        for day, one in enumerate((seen(0, code("P0420")), seen(1, warmups=3)))
    )
    (of_utc,) = episodes_of(History("a", visits, (bill,)))
    (of_owner,) = episodes_of(History("a", visits, (bill,)), ZoneInfo("Asia/Shanghai"))

    assert of_utc.repaired_at is not None
    assert of_owner.repaired_at is None
