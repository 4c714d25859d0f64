"""S0-T19-6(2): proxy punching is charged from a ruling and from nothing else."""

from datetime import date

import pytest

from gateway.core.judge import Judge
from gateway.core.verdicts import Judged
from gateway.core.watermark import Whole
from tests.gateway.core.judge.days import (
    book,
    calendar,
    policy,
    punches,
    roster,
    rows,
)

GOOD = ("08:20", "12:05", "14:20", "17:35")
VOID = "2026-11-02T08:20:00@lobby"
LATER = "2026-11-03T08:20:00@lobby"
RULING = {
    "id": '"R1"',
    "on": '"c-7f3k"',
    "decision": '"confirm"',
    "persons": '["p1"]',
    "punches": f'["{VOID}", "{LATER}"]',
    "by": '["clerk1", "leader1"]',
    "at": "2026-11-12T10:00:00",
    "reason": '"监控录像"',
    "heard_at": "2026-11-11T10:00:00",
    "statement": '"本人承认"',
}
APPROVERS = "".join(
    rows("approvers", f'name = "{name}"', f'may = ["{may}"]')
    for name, may in (("leader1", "rule"), ("clerk1", "leave"))
)


def ruling(**changes: str) -> str:
    """Return a ruling that charges p1, with some keys changed or, empty, left out."""
    values = RULING | changes
    return rows("rulings", *(f"{k} = {v}" for k, v in values.items() if v))


def judged(
    *more: str, rule: tuple[str, str] | None = None, until: str = "2027-12-31"
) -> Judged:
    """Judge two weeks in which p1 was there on the first day."""
    contract = (
        '[[contracts]]\nid = "c1"\nvendor = "acme"\npolicy = "client-contract"\n'
        f"from = 2026-01-01\nto = {until}\n"
    )
    law = policy("client-contract", *([rule] if rule else []))
    judge = Judge(
        book(roster("day", "2026-11-02"), *more, contract=contract),
        calendar(),
        {"client-contract": law},
        Whole(),
    )
    first, last = date(2026, 11, 2), date(2026, 11, 15)
    return judge.person("p1", punches(*GOOD), first, last)


def test_a_ruling_charges_the_named_person_once_on_its_own_day() -> None:
    """E113, E114: 3,000 for the person, the void session ruled and nothing else."""
    found = judged(ruling())
    (one,) = found.findings
    assert (one.kind, one.clause, one.session) == ("proxy_punch", "S0-T19-6(2)", None)
    assert (one.date, one.rows) == (date(2026, 11, 12), ("R1",))
    assert one.punches == (VOID, LATER)
    assert one.vendor == "acme"
    assert [line.amount_fen for line in found.deductions] == [300_000]
    assert [each.state for each in found.sessions] == ["ruled", "ok"]
    assert "概率" not in one.zh
    assert found.warnings == []


@pytest.mark.parametrize(
    "changes, words",
    [
        ({"by": '["leader1"]'}, "two entitled people"),
        ({"by": '["leader1", "leader1"]'}, "two entitled people"),
        ({"heard_at": ""}, "not heard"),
        ({"heard_at": "2026-11-12T10:00:01"}, "not heard"),
        ({"statement": '" "'}, "not heard"),
    ],
)
def test_a_ruling_nobody_can_answer_for_charges_nobody(
    changes: dict[str, str], words: str
) -> None:
    """Two named people, and the person heard before, or a warning and no money."""
    found = judged(ruling(**changes))
    assert (found.findings, found.deductions) == ([], [])
    assert [words in one.en for one in found.warnings] == [True]


def test_who_may_not_rule_does_not_count() -> None:
    """With a table of approvers both must be entitled to rule."""
    found = judged(ruling(), APPROVERS)
    assert found.findings == []
    assert len(found.warnings) == 1


@pytest.mark.parametrize(
    "changes",
    [
        {"decision": '"dismiss"'},
        {"persons": "[]"},
        {"on": '"f1_abc"'},
        {"at": "2026-11-16T10:00:00"},
    ],
)
def test_other_rulings_charge_nobody(changes: dict[str, str]) -> None:
    """Dismissed, of nobody, on a finding, of another day: no finding, no warning."""
    found = judged(ruling(**changes))
    assert (found.findings, found.warnings) == ([], [])


EVIDENCE = (
    f'["punch {VOID} 2026-11-02T08:20:00 lobby", "punch x 2026-11-09T08:00:00",'
    f' "camera", "punch {LATER} 2026-11-03T08:20:00 lobby"]'
)


@pytest.mark.parametrize(
    "per, evidence, times",
    [
        ("ruling", EVIDENCE, 1),
        ("punch", EVIDENCE, 2),
        ("day", EVIDENCE, 2),
        ("day", "", 1),
    ],
)
def test_each_time_is_what_the_policy_says(per: str, evidence: str, times: int) -> None:
    """E114: once for a ruling, each day that the evidence tells, or each punch."""
    rule = ('proxy_per = "ruling"', f'proxy_per = "{per}"')
    found = judged(ruling(evidence=evidence), rule=rule)
    assert [line.amount_fen for line in found.deductions] == [300_000] * times
    assert len({one.id for one in found.findings}) == times


def test_who_has_left_is_charged_by_the_last_policy() -> None:
    """E114: the contract ended between the punch and the ruling."""
    found = judged(ruling(), until="2026-11-05")
    assert [line.amount_fen for line in found.deductions] == [300_000]


def test_a_waived_ruling_costs_nothing() -> None:
    """A ruling on the finding itself waives it; it stays visible."""
    key = judged(ruling()).findings[0].id
    waive = ruling(id='"R2"', on=f'"{key}"', decision='"waive"', persons="", punches="")
    found = judged(ruling(), waive)
    assert found.findings[0].ruled_by == "R2"
    assert found.deductions == []


def test_a_ruling_that_is_superseded_charges_nobody() -> None:
    """People take a confirmation back with a newer row; both stay visible."""
    back = ruling(
        id='"R2"', decision='"dismiss"', supersedes='"R1"', at="2026-11-13T10:00:00"
    )
    found = judged(ruling(), back)
    assert (found.findings, found.warnings) == ([], [])
    assert [each.state for each in found.sessions] == ["ok", "ok"]
