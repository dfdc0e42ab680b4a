"""Trouble codes between visits: what came, went and came back; an unread list is never an empty one."""

from evidence.codes import CodeChange, DtcChange, code_changes, codes_were_read, new_codes
from evidence.history import Visit
from evidence.snapshot import DtcPart, ItemPart, Snapshot
from protocols.readings import DtcClass, ItemStatus
from tests.evidence.cars import code, snapshot, visit

UNREAD = (ItemPart(item="dtcs.stored", status=ItemStatus.TIMEOUT),)


def _visits(*lists: tuple[DtcPart, ...]) -> tuple[Visit, ...]:
    return tuple(visit(snapshot(id=f"v{n}", dtcs=dtcs), days_ago=len(lists) - n) for n, dtcs in enumerate(lists))


def _changes(*lists: tuple[DtcPart, ...]) -> list[tuple[DtcChange, str]]:
    return [(change.change, change.code) for change in code_changes(_visits(*lists))]


def test_at_a_first_visit_every_code_appeared() -> None:
    assert code_changes(_visits((code("P0301"),))) == (CodeChange(DtcChange.APPEARED, "P0301", DtcClass.STORED, "7E8"),)


def test_codes_come_go_and_come_back() -> None:
    assert _changes((code("P0301"),), (code("P0171"),)) == [(DtcChange.APPEARED, "P0171"), (DtcChange.GONE, "P0301")]
    assert _changes((code("P0301"),), (), (code("P0301"),)) == [(DtcChange.RETURNED, "P0301")]
    assert _changes((code("P0301"),), (code("P0301"),)) == []


def test_the_list_and_the_unit_belong_to_the_code() -> None:
    before, now = (code("P0301", DtcClass.PENDING),), (code("P0301"), code("P0301", ecu="7E9"))

    assert len(_changes(before, now)) == 3


def test_a_list_that_could_not_be_read_changes_nothing() -> None:
    (before,) = _visits((code("P0301"),))
    unread = visit(snapshot(id="b", items=UNREAD))

    assert code_changes((before, unread)) == ()
    assert code_changes((before, unread, before)) == ()
    assert code_changes(()) == ()


def test_new_codes_are_those_no_list_held_before() -> None:
    before = (code("P0301"), code("P0171", DtcClass.PENDING))
    now = (code("P0301"), code("P0171"), code("P0420"), code("P0420", ecu="7E9"))

    assert [part.code for part in new_codes(_visits(before, now))] == ["P0420"]


def test_a_permanent_leftover_is_never_new() -> None:
    assert new_codes(_visits((code("P0420", DtcClass.PERMANENT),))) == ()


def test_a_code_hidden_behind_an_unread_visit_is_not_new() -> None:
    first, last = _visits((code("P0301"),), (code("P0301"),))

    assert new_codes((first, visit(snapshot(id="m", items=UNREAD)), last)) == ()


def test_a_list_was_read_when_its_item_says_so() -> None:
    assert codes_were_read(snapshot())
    assert not codes_were_read(snapshot(items=UNREAD))
    assert codes_were_read(snapshot(items=()))
    assert not codes_were_read(Snapshot())
    assert codes_were_read(Snapshot.model_validate({"dtcs": []}))
