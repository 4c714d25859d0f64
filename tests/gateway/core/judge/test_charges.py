"""What is charged, what another finding absorbs, what is added up."""

import pytest

from gateway.core.moments import read
from gateway.core.policy import Policy
from gateway.core.watermark import Whole
from tests.gateway.core.judge.days import CLIENT, DAY, REST, judge, policy, roster
from tests.gateway.core.judge.papers import waived

HIGHEST = ('same_session = "each"', 'same_session = "highest"')


def test_the_dearest_is_charged_whichever_comes_first() -> None:
    """Off post at the end, late at the start; in sessions apart each by itself."""
    rule = policy(CLIENT, HIGHEST)
    found = judge(("08:31", "08:50", *REST), forced=rule)
    by_kind = {one.kind.value: one for one in found.findings}
    assert found.fen == [100000]
    assert by_kind["late"].absorbed_by == by_kind["off_post"].id
    assert judge(("08:31", "12:05", "14:31", "17:35"), forced=rule).fen == [50000] * 2


def test_a_waived_finding_is_not_the_dearest() -> None:
    """The other one is charged then, nothing absorbs it."""
    rule = policy(CLIENT, HIGHEST)
    times = ("08:31", "08:50", *REST)
    both = judge(times, forced=rule)
    dear = [one.kind.value for one in both.findings].index("off_post")
    found = judge(times, waived(both, dear), forced=rule)
    assert found.fen == [50000]
    assert {one.absorbed_by for one in found.findings} == {None}


def test_a_finding_that_is_not_final_absorbs_nothing() -> None:
    """Nor has it a line."""
    rule = policy(CLIENT, HIGHEST)
    early = Whole(read(f"{DAY}T12:30:00"))
    found = judge(("08:31", "08:50"), watermark=early, forced=rule)
    assert len(found.findings) == 2
    assert {one.absorbed_by for one in found.findings} == {None}
    assert (found.fen, found.states[0]) == ([], "pending")


def test_whoever_charges_nothing_charges_nothing() -> None:
    """Everything is found and counted, without a line."""
    rule = policy(CLIENT, ('charge = "contract"', 'charge = "none"'))
    found = judge(("08:31",), forced=rule)
    assert [one.kind.value for one in found.findings] == ["absence", "absence"]
    assert (found.fen, found.states) == ([], ["found", "found"])


def free(kind: str) -> Policy:
    """Return the contract's rule with one kind as a notice of 6(1)."""
    price = {"early_leave": "early_leave_fen = 50000\n", "late": "late_fen = 50000\n"}
    notice = (
        f'[notices.{kind}]\nclause = "S0-T19-6(1)"\nzh = "仅作提示"\nen = "a note"\n'
    )
    return policy(
        CLIENT,
        (price[kind], ""),
        ("[notices.elsewhere]", f"{notice}\n[notices.elsewhere]"),
    )


def test_one_priced_finding_makes_a_session_found() -> None:
    """With none it is unpriced."""
    rule = free("early_leave")
    both = judge(("08:31", "11:59", *REST), forced=rule)
    assert (both.states, both.fen) == (["found", "ok"], [50000])
    early = judge(("08:20", "11:59", *REST), forced=rule)
    assert (early.states, early.fen) == (["unpriced", "ok"], [])
    assert [one.kind.value for one in early.findings] == ["early_leave"]


def test_a_kind_that_a_rule_never_finds_is_not_found() -> None:
    """It is listed in unused: not told, not charged, and the session is fine."""
    text = (
        ("unused = [", 'unused = [\n    "early_leave",'),
        ("early_leave_fen = 50000\n", ""),
    )
    found = judge(("08:20", "11:59", *REST), forced=policy(CLIENT, *text))
    assert found.ok()


def test_two_off_posts_of_one_session_are_two_findings() -> None:
    """Late by four hours and early by four: each has its own id and line."""
    found = judge(("12:00", "2026-11-03T04:00"), roster("round", DAY))
    assert found.kinds == [("off_post", 1, 14400)] * 2
    assert len({one.id for one in found.findings}) == 2
    assert found.fen == [100000, 100000]


@pytest.mark.parametrize(
    "times, added",
    [
        (("08:31", "12:05", "14:31", "17:35"), False),
        (("10:00", "12:05", "16:00", "17:35"), False),
        (("10:00", "12:05", "16:00:01", "17:35"), True),
    ],
)
def test_a_day_is_added_up_above_three_hours(
    times: tuple[str, ...], *, added: bool
) -> None:
    """Exactly three hours together stay two latenesses."""
    rule = policy(CLIENT, ('add_up = "event"', 'add_up = "day"'))
    found = judge(times, forced=rule)
    kinds = [one.kind.value for one in found.findings]
    assert kinds == (["off_post"] if added else ["late", "late"])
    first = [one.punches for one in found.findings]
    assert first == (
        [(f"{DAY}T10:00:00@lobby", f"{DAY}T16:00:01@lobby")] if added else first
    )


def test_a_session_added_up_names_both_signs() -> None:
    """20 minutes late and 2:40:01 early; a second less and they stay two."""
    rule = policy(CLIENT, ('add_up = "event"', 'add_up = "session"'))
    found = judge(("08:50", "09:19:59", *REST), forced=rule)
    assert found.kinds == [("off_post", 1, 10801)]
    assert len(found.findings[0].punches) == 2
    two = judge(("08:50", "09:20:00", *REST), forced=rule)
    assert sorted(two.kinds) == [("early_leave", 1, 9600), ("late", 1, 1200)]
