"""Leave and permits at their edges: outside a contract, entered by whom, returned."""

import pytest

from tests.book_rows import contract
from tests.gateway.core.judge.days import GOOD, REST, judge, kinds, leave, rows
from tests.gateway.core.judge.papers import RETURNED, at, named


def permit(start: str, end: str, *more: str, kind: str = "field") -> str:
    """Return a permit that leader1 gave."""
    return rows(
        "permits",
        'id = "P1"',
        'person = "p1"',
        f'kind = "{kind}"',
        f"from = {at(start)}",
        f"to = {at(end)}",
        *(more or ("applied_at = 2026-10-30T09:00:00", 'approved_by = "leader1"')),
    )


def test_leave_outside_every_contract_has_no_effect() -> None:
    """Nobody's rule says what it is; nothing is owed either."""
    off = leave(at("08:30"), at("17:30"), RETURNED)
    found = judge((), off, contract=contract("2026-11-04"), last="2026-11-04")
    assert [str(one.date) for one in found.sessions] == ["2026-11-04"] * 2
    assert set(kinds(found)) == {"absence"}


def test_leave_that_begins_before_the_contract_is_weighed_by_it() -> None:
    """From the day on that has a rule, if only its last one has."""
    off = leave(at("08:30"), at("12:00", "2026-11-03"), RETURNED)
    only = contract("2026-11-03")
    found = judge(
        ("2026-11-03T14:20", "2026-11-03T17:35"), off, contract=only, day="2026-11-03"
    )
    assert found.states == ["excused", "ok"]


def test_only_an_entitled_person_ends_a_leave_early() -> None:
    """Where there is a table; the leave runs on otherwise."""
    ended = f"ended_at = {at('09:30')}"
    table = rows("approvers", 'name = "leader1"', 'may = ["leave"]')
    for by, late in (("leader1", True), ("clerk9", False), ("", False)):
        off = leave(at("08:30"), at("10:30"), RETURNED, ended, f'entered_by = "{by}"')
        found = judge(("09:40", "12:05", *REST), off, table)
        assert ("late" in kinds(found)) is late


@pytest.mark.parametrize(
    "ended, first",
    [("08:00", "08:30"), ("10:30", "10:30"), ("09:00", "09:00")],
)
def test_an_early_end_lies_within_the_leave(ended: str, first: str) -> None:
    """Before its begin there is none left; at its end nothing changes."""
    off = leave(
        at("08:30"),
        at("10:30"),
        RETURNED,
        f"ended_at = {at(ended)}",
        'entered_by = "leader1"',
    )
    found = judge((f"{first}:01", "12:05", *REST), off)
    assert found.kinds[0] == ("late", 1, 1)
    on_time = judge((f"{first}:00", "12:05", *REST), off)
    assert "late" not in kinds(on_time)


def test_the_first_reason_is_told() -> None:
    """Not entitled goes before not applied for; a permit tells alike."""
    table = rows("approvers", 'name = "clerk1"', 'may = ["leave", "permit"]')
    off = leave(at("08:30"), at("12:00"), RETURNED, applied=at("09:00"))
    found = judge(REST, off, table)
    assert kinds(found) == ["absence"]
    assert found.warnings == ["L1: approved by somebody not entitled, no effect"]
    late = permit(
        "08:30", "12:00", f"applied_at = {at('09:00')}", 'approved_by = "leader1"'
    )
    found = judge(REST, late, table)
    assert found.warnings == ["P1: approved by somebody not entitled, no effect"]


def test_an_approver_must_be_entitled_on_the_day_of_the_approval() -> None:
    """On that of the application where no other is known."""
    table = rows(
        "approvers", 'name = "leader1"', 'may = ["leave"]', "from = 2026-11-01"
    )
    later = leave(
        at("08:30"), at("12:00"), RETURNED, "approved_at = 2026-11-01T09:00:00"
    )
    assert judge(REST, later, table).states == ["excused", "ok"]
    before = leave(at("08:30"), at("12:00"), RETURNED)
    assert judge(REST, before, table).states == ["found", "ok"]


@pytest.mark.parametrize("applied, counts", [(at("08:29"), True), (at("08:30"), False)])
def test_a_permit_is_asked_for_before_it_begins(applied: str, *, counts: bool) -> None:
    """On the second is too late."""
    row = permit("08:30", "12:00", f"applied_at = {applied}", 'approved_by = "leader1"')
    assert (judge(REST, row).states[0] == "excused") is counts


@pytest.mark.parametrize("kind", ["after_hours", "overtime", "late", "hours"])
def test_other_permits_take_no_owed_time(kind: str) -> None:
    """They allow something else."""
    found = judge(REST, permit("08:30", "12:00", kind=kind))
    assert kinds(found) == ["absence"]


@pytest.mark.parametrize(
    "time, counts",
    [("08:59:59", False), ("09:00:00", True), ("11:29:59", True), ("11:30:00", False)],
)
def test_a_punch_elsewhere_counts_while_the_permit_runs(
    time: str, *, counts: bool
) -> None:
    """From its first second to the one before its end."""
    found = judge((f"{time}@far", "12:05", *REST), permit("09:00", "11:30"))
    assert ("elsewhere" in kinds(found)) is not counts
    assert found.marks()[0] == (time if counts else None)


@pytest.mark.parametrize(
    "row",
    [
        leave(at("09:00"), at("11:30"), RETURNED),
        permit("09:00", "11:30", f"applied_at = {at('08:00')}", 'approved_by = ""'),
        permit("09:00", "11:30", kind="overtime"),
    ],
    ids=["private", "not-approved", "another-kind"],
)
def test_nothing_else_lets_a_punch_elsewhere_count(row: str) -> None:
    """Private leave, a permit without effect, a permit for something else."""
    found = judge(("10:00@far", "12:05", *REST), row)
    assert "elsewhere" in kinds(found)
    elsewhere = next(one for one in found.findings if one.kind == "elsewhere")
    assert (elsewhere.setting, elsewhere.session) == ("roster.terminals", None)


def test_official_leave_lets_it_count() -> None:
    """It is attendance elsewhere, as a permit is."""
    off = leave(at("09:00"), at("11:30"), RETURNED).replace("personal", "official")
    found = judge(("10:00@far", "12:05", *REST), off)
    assert found.marks()[0] == "10:00:00"
    assert "elsewhere" not in kinds(found)


def test_who_comes_late_from_a_trip_overstayed_no_leave() -> None:
    """Late, without a notice."""
    found = judge(("10:31", "12:05", *REST), permit("08:30", "10:30"))
    assert (found.kinds, found.findings[0].rows) == ([("late", 1, 60)], ())
    late = leave(at("08:30"), at("10:30"), RETURNED)
    notice = judge(("10:31", "12:05", *REST), late).findings[1]
    assert (notice.kind, notice.setting) == ("leave_overstay", "leave_overstay")


def test_an_old_leave_is_not_overstayed_by_a_later_lateness() -> None:
    """Duty lay between, whichever days are looked at."""
    old = leave(
        "2026-10-19T08:30:00",
        "2026-10-20T17:30:00",
        RETURNED,
        applied="2026-10-01T09:00:00",
    )
    coming = named(
        leave(at("08:30", "2026-11-03"), at("09:30", "2026-11-03"), RETURNED), "L2"
    )
    found = judge(("08:31", "12:05", *REST), old, coming)
    assert [(one.kind.value, one.rows) for one in found.findings] == [("late", ())]


def test_leave_without_effect_is_not_overstayed() -> None:
    """Nobody returned from it."""
    off = leave(at("08:30"), at("10:30"), applied=at("09:00"))
    found = judge(("10:31", "12:05", *REST), off)
    assert sorted(kinds(found)) == ["late", "leave_unnotified"]
    unnotified = next(one for one in found.findings if one.kind != "late")
    assert unnotified.setting == "leave.applied"


@pytest.mark.parametrize(
    "more, notices",
    [
        ((), ["return_unconfirmed"]),
        ((f"returned_at = {at('10:31')}",), []),
        ((f"ended_at = {at('10:30')}", 'entered_by = "leader1"'), []),
    ],
)
def test_a_return_is_confirmed_by_either_word(
    more: tuple[str, ...], notices: list[str]
) -> None:
    """销假, or an approver's word that the leave is over."""
    off = leave(at("08:30"), at("10:30"), *more)
    assert kinds(judge(("10:29", "12:05", *REST), off)) == notices


@pytest.mark.parametrize("kind", ["official", "trip"])
def test_who_was_elsewhere_confirms_no_return(kind: str) -> None:
    """A trip and official leave are attendance."""
    row = permit("08:30", "10:30", kind="trip")
    if kind == "official":
        row = leave(at("08:30"), at("10:30")).replace("personal", "official")
    assert not judge(("10:29", "12:05", *REST), row).findings


def test_each_of_several_leaves_is_confirmed_by_itself() -> None:
    """A trip, a confirmed leave and one that is not, one behind the other."""
    trip = permit("08:30", "09:00", kind="trip")
    good = leave(at("09:00"), at("10:00"), RETURNED)
    bad = named(leave(at("10:00"), at("10:30")), "L2")
    found = judge(("10:29", "12:05", *REST), trip, good, bad)
    assert [(one.kind.value, one.rows) for one in found.findings] == [
        ("return_unconfirmed", ("L2",))
    ]


def test_official_leave_before_a_private_one_hides_nothing() -> None:
    """Both end at 10:30: who was elsewhere need not confirm, the other must."""
    official = leave(at("08:30"), at("10:30")).replace("personal", "official")
    private = named(leave(at("09:00"), at("10:30")), "L2")
    confirmed = named(leave(at("09:30"), at("10:30"), RETURNED), "L3")
    found = judge(("10:29", "12:05", *REST), official, confirmed, private)
    assert [(one.kind.value, one.rows) for one in found.findings] == [
        ("return_unconfirmed", ("L2",))
    ]
    turned = judge(
        ("10:29", "12:05", *REST),
        official,
        named(leave(at("09:00"), at("10:30"), RETURNED), "L2"),
        named(leave(at("09:30"), at("10:30")), "L3"),
    )
    assert [one.rows for one in turned.findings] == [("L3",)]


def test_who_never_came_has_nothing_to_confirm() -> None:
    """The absence names the leave; no notice of a return."""
    found = judge(REST, leave(at("08:30"), at("10:30")))
    assert kinds(found) == ["absence", "leave_overstay"]
    assert found.findings[0].seconds == 5400


def test_a_good_day_beside_leave_of_another_day() -> None:
    """Leave takes its own days only."""
    off = leave(at("08:30", "2026-11-03"), at("12:00", "2026-11-03"), RETURNED)
    assert judge(GOOD, off).ok()
