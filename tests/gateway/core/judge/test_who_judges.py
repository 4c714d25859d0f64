"""Whose rule a person is judged by on a date, and which gateway judges."""

from datetime import date

import pytest

from gateway.core.judge import Judge
from gateway.core.verdicts import Flag
from gateway.core.watermark import Whole
from tests.book_rows import contract
from tests.gateway.core.judge.days import (
    CLIENT,
    DAY,
    MONDAY,
    REST,
    book,
    calendar,
    judge,
    policy,
    punches,
    roster,
    rows,
)


def test_two_people_one_after_the_other_are_judged_each_by_their_rule() -> None:
    """What is remembered of one says nothing of the next."""
    other = policy(
        CLIENT, (f'id = "{CLIENT}"', 'id = "b"'), ("late_fen = 5", "late_fen = 6")
    )
    world = book(
        rows("vendors", 'id = "beta"', 'name = "乙公司"'),
        rows("people", 'id = "p2"', 'name = "乙一"', 'vendor = "beta"'),
        rows(
            "contracts",
            'id = "c2"',
            'vendor = "beta"',
            'policy = "b.toml"',
            "from = 2026-01-01",
            "to = 2026-12-31",
        ),
        roster(),
        roster(person="p2"),
    )
    made = Judge(world, calendar(), {CLIENT: policy(), "b.toml": other}, Whole())
    told = []
    for person in ("p1", "p2", "p1"):
        found = made.person(person, punches("08:31", "12:05", *REST), MONDAY, MONDAY)
        told += [(one.vendor, one.amount_fen) for one in found.deductions]
    assert told == [("acme", 50000), ("beta", 60000), ("acme", 50000)]


@pytest.mark.parametrize(
    "person, owed", [("p1", 2), ("p2", 0), ("nobody", 0)], ids=["in", "out", "unknown"]
)
def test_a_rule_for_everybody_is_for_people_who_are_there(
    person: str, owed: int
) -> None:
    """Who left, or whom the book does not know, owes nothing by any rule."""
    world = book(
        rows(
            "people", 'id = "p2"', 'name = "甲二"', 'vendor = "acme"', "to = 2026-10-31"
        ),
        roster(),
        roster(person="p2"),
        contract="",
    )
    made = Judge(world, calendar(), {}, Whole(), forced=policy())
    found = made.person(person, [], MONDAY, MONDAY)
    assert len(found.sessions) == owed


def test_a_night_into_the_first_day_of_a_contract_is_owed_from_midnight() -> None:
    """And judged by that contract."""
    only = contract("2026-11-03", "2026-12-31")
    found = judge(
        ("2026-11-03T00:00:01", "2026-11-03T08:05"), roster("night", DAY), contract=only
    )
    assert found.kinds == [("late", 1, 1)]
    assert found.fen == [50000]


def test_a_duty_that_ends_at_midnight_ends_on_its_own_day() -> None:
    """The contract of the next day has nothing to do with it."""
    late_shift = """
[[shifts]]
id = "late-shift"
sessions = [{ start = "16:00", end = "24:00" }]
days = "every"
"""
    other = policy(
        CLIENT,
        (f'id = "{CLIENT}"', 'id = "b"'),
        ("early_leave_fen = 5", "early_leave_fen = 6"),
    )
    two = contract("2026-01-01", DAY) + contract("2026-11-03", "2026-12-31").replace(
        '"c1"', '"c2"'
    ).replace(CLIENT, "b.toml")
    made = Judge(
        book(late_shift, roster("late-shift", DAY), contract=two),
        calendar(),
        {CLIENT: policy(), "b.toml": other},
        Whole(),
    )
    found = made.person("p1", punches("15:50", "23:59"), MONDAY, MONDAY)
    assert [(one.policy, one.seconds) for one in found.findings] == [(CLIENT, 60)]


def test_a_second_behind_midnight_lies_on_the_next_day() -> None:
    """Where the contract is over nothing of it is owed."""
    shift = """
[[shifts]]
id = "late-shift"
sessions = [{ start = "16:00", end = "24:00:01" }]
days = "every"
"""
    only = contract("2026-01-01", DAY)
    world = (shift, roster("late-shift", DAY))
    assert judge(("15:50", "2026-11-03T00:00:00"), *world, contract=only).ok()
    assert judge(("15:50", "2026-11-03T00:00:00"), *world).kinds == [
        ("early_leave", 1, 1)
    ]


def test_an_order_for_one_person_is_nobody_else_s() -> None:
    """Whoever is judged first, and whoever has the same shift."""
    order = rows(
        "days", f"date = {DAY}", 'kind = "rest"', 'people = ["p2"]', 'by = "leader1"'
    )
    world = book(
        rows("people", 'id = "p2"', 'name = "甲二"', 'vendor = "acme"'),
        roster(),
        roster(person="p2"),
        order,
    )
    made = Judge(world, calendar(), {CLIENT: policy()}, Whole())
    for people in (("p1", "p2"), ("p2", "p1")):
        owed = {
            one: len(made.person(one, [], MONDAY, MONDAY).sessions) for one in people
        }
        assert owed == {"p1": 2, "p2": 0}


@pytest.mark.parametrize(
    "terminals, own, waits",
    [
        (("lobby",), ("lobby",), False),
        (("lobby", "annex"), ("lobby", "annex"), False),
        (("lobby", "annex"), ("lobby",), True),
        (("annex",), ("lobby",), True),
        (("*",), ("lobby", "annex"), True),
        (("*",), ("lobby", "annex", "far"), False),
        (("*",), ("lobby", "annex", "far", "new"), False),
        ((), ("lobby",), False),
    ],
)
def test_a_gateway_judges_whom_it_reads_alone(
    terminals: tuple[str, ...], own: tuple[str, ...], *, waits: bool
) -> None:
    """2.0.11: all enrolments on its own terminals; «*» means every one."""
    world = book(
        rows("people", 'id = "p2"', 'name = "甲二"', 'vendor = "acme"'),
        roster(person="p2"),
        *(
            rows("enrolments", 'person = "p2"', 'badge = "2"', f'terminal = "{name}"')
            for name in terminals
        ),
    )
    made = Judge(
        world, calendar(), {CLIENT: policy()}, Whole(), own_terminals=frozenset(own)
    )
    found = made.person("p2", [], MONDAY, MONDAY)
    assert {one.state.value for one in found.sessions} == (
        {"pending"} if waits else {"found"}
    )


def test_who_is_enrolled_elsewhere_too_waits_for_the_centre() -> None:
    """2.0.11: a gateway judges people who are all its own."""
    made = Judge(
        book(roster()),
        calendar(),
        {"client-contract": policy()},
        Whole(),
        own_terminals=frozenset({"lobby", "annex"}),
    )
    found = made.person("p1", [], date(2026, 11, 2), date(2026, 11, 2))
    assert {one.state.value for one in found.sessions} == {"pending"}
    assert found.sessions[0].flags == (Flag.WAITS_FOR_CENTRE,)
