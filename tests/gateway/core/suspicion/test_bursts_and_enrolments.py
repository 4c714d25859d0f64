"""Hard signals H5 and H6: fed cards, new enrolments; and what looks alike."""

import pytest

from gateway.core.suspicion.events import Event
from gateway.core.suspicion.site import Enrolled, PlainBook
from gateway.core.suspicion.values import Grade, Kind
from tests.gateway.core.suspicion.makers import (
    DAYS,
    LATE,
    NAMES,
    covered,
    found,
    moved,
    operation,
    punch,
    run,
    usual,
    wall,
    workdays,
)


def fed(
    names: str = "ABC", *, link_seconds: int = 2, verify: str = "card"
) -> list[Event]:
    """Return a month, then cards one after the other behind H's finger."""
    rows = [
        punch(name, LATE, moved("08:20:02", link_seconds * place), verify)
        for place, name in enumerate(names)
    ]
    return [*usual(NAMES, DAYS), punch("H", LATE, "08:20:00"), *rows]


def test_one_body_feeding_cards() -> None:
    """H5: three different people in a row, all weak, which they never are."""
    (case,) = (one for one in run(fed()).cases if one.kind == Kind.BURST)
    assert (case.grade, case.neighbour) == (Grade.CASE, "H")
    assert case.context["people"] == ["A", "B", "C"]
    assert len(case.events) == 3


def _at_door(one: Event) -> Event:
    return one._replace(terminal="door")


@pytest.mark.parametrize(
    "events",
    [
        fed("AB"),
        fed(link_seconds=4),
        fed(verify="finger"),
        fed("ABA"),
        [
            *fed(),
            *(
                punch(name, LATE, moved("08:30:00", 40 * place), "card")
                for place, name in enumerate("DEFG")
            ),
        ],
        [
            one if getattr(one, "at", 0) < wall(LATE, "00:00:00") else _at_door(one)
            for one in fed()
        ],
    ],
    ids=["two", "slow", "fingers", "one-twice", "dirty-reader", "card-reader"],
)
def test_no_feeding(events: list[Event]) -> None:
    """H5: two people, four seconds, fingers, a dirty or a card-only reader."""
    assert found(Kind.BURST, events) == []


def test_chains_that_share_a_person_are_one_case() -> None:
    """H5: the same cards on two mornings are one burst, other cards another."""
    again = [
        punch(name, LATE, moved("14:00:02", 2 * place), "card")
        for place, name in enumerate("BCD")
    ]
    other = [
        punch(name, LATE, moved("17:00:02", 2 * place), "card")
        for place, name in enumerate("EFG")
    ]
    cases = [one for one in run([*fed(), *again, *other]).cases if one.kind == "burst"]
    assert sorted(one.strength["times"] for one in cases) == [1, 2]


def enrolled(
    code: int = 8, *, fake: bool = True, before: bool = False, day: int = 20
) -> list[Event]:
    """Return work, an operation for A, and A beside B ever after.

    `fake`: every third day, in the morning alone; else every day, at every slot.
    `before`: beside B in the weeks before too.
    """
    first = [number for number in workdays(60) if number < day]
    after = [number for number in workdays(60) if number >= day]
    events: list[Event] = [*usual(tuple("ABCD"), first, apart=3 if before else 100)]
    for place, number in enumerate(after):
        if not fake:
            events += usual(tuple("ABCD"), [number], apart=3)
        elif place % 3:
            events += usual(tuple("ABCD"), [number], apart=100)
        else:
            events += covered(number, verify="finger")
    return [*events, operation(code, day, "07:00:00", "A")]


def test_enrolment_then_companionship_with_gaps() -> None:
    """H6: from the new finger on beside B, and A's other punches are gone."""
    cases = [one for one in run(enrolled(6)).cases if one.kind == Kind.ENROLMENT]
    assert [(one.grade, one.subject, one.neighbour) for one in cases] == [
        (Grade.CASE, "A", "B")
    ]


def test_a_new_card_and_new_friends_accuse_nobody() -> None:
    """H6: companionship alone is a note at most, however sudden."""
    assert ("case", "A") not in found(Kind.ENROLMENT, enrolled(fake=False))
    assert ("note", "A") in found(Kind.ENROLMENT, enrolled(fake=False))


@pytest.mark.parametrize(
    "events",
    [
        enrolled(6, before=True, fake=False),
        enrolled(9),
        enrolled(6, day=2),
        [one for one in enrolled() if not hasattr(one, "code")],
    ],
    ids=["friends-before", "deleted", "hired", "no-operation"],
)
def test_no_enrolment_case(events: list[Event]) -> None:
    """H6: old friends, another operation, a new hire, no operation."""
    site = PlainBook([Enrolled(name, name) for name in NAMES])
    assert found(Kind.ENROLMENT, events, site) == []


def test_the_stronger_of_two_enrolments_makes_the_case() -> None:
    """H6: one case per subject, of the operation that explains most."""
    rows = [*enrolled(6), operation(6, 35, "07:00:00", "A")]
    rows += [punch("H", 21, "08:08:00"), punch("A", 21, "08:08:05")]
    rows += [punch("Z", 22, "08:09:58"), punch("Z", 23, "08:09:58")]
    cases = [one for one in run(rows).cases if one.kind == Kind.ENROLMENT]
    assert [(one.grade, one.subject, one.neighbour) for one in cases] == [
        (Grade.CASE, "A", "B")
    ]
