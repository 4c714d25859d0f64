"""Signs that are missing: which are owed, until when one is explained, what it is."""

import pytest

from gateway.core.moments import read
from gateway.core.verdicts import Flag
from gateway.core.watermark import Whole
from tests.gateway.core.judge.days import (
    CLIENT,
    DAY,
    MORNING,
    REST,
    judge,
    policy,
    rows,
)


@pytest.mark.parametrize(
    "need, times",
    [("sign_out", ("08:20",)), ("sign_in", ("12:05",)), ("sign_out", MORNING)],
)
def test_a_sign_that_is_not_owed_is_never_missing(
    need: str, times: tuple[str, ...]
) -> None:
    """Nor is the other one taken for it."""
    rule = policy(CLIENT, (f'{need} = "required"', f'{need} = "none"'))
    found = judge((*times, *REST), forced=rule)
    assert not found.findings
    nothing = judge(REST, forced=rule)
    assert nothing.kinds == [("absence", 1, 12600)]


@pytest.mark.parametrize(
    "now, kind",
    [
        ("2026-11-05T23:59:59", "missing_punch"),
        ("2026-11-06T00:00:00", "absence"),
        (None, "absence"),
    ],
)
def test_a_missing_punch_may_be_explained_for_three_working_days(
    now: str | None, kind: str
) -> None:
    """By then it is absence; both signs missing are it at once."""
    rule = policy(
        CLIENT, ('one_sign_missing = "absence"', 'one_sign_missing = "missing_punch"')
    )
    mark = Whole(read(now) if now else None)
    found = judge(("08:20", *REST), watermark=mark, forced=rule)
    assert found.kinds == [(kind, 1, 12600)]
    assert found.findings[0].setting == f"verdicts.one_sign_missing = {kind}"
    both = judge(REST, watermark=mark, forced=rule)
    assert both.kinds == [("absence", 1, 12600)]


def test_by_the_letter_a_missing_sign_is_absence_at_once() -> None:
    """However soon it is judged."""
    now = Whole(read("2026-11-02T20:00:00"))
    assert judge(("08:20", *REST), watermark=now).kinds[0] == ("absence", 1, 12600)


@pytest.mark.parametrize(
    "times, kind",
    [
        (("12:00:00",), "off_post"),
        (("12:10",), "off_post"),
        (("11:59:59",), "absence"),
        ((), "absence"),
        (("08:20",), "absence"),
    ],
)
def test_signs_behind_the_end_alone_may_be_off_post(
    times: tuple[str, ...], kind: str
) -> None:
    """A setting of E8; a sign before the end, or none, stays absence."""
    rule = policy(
        CLIENT, ('signs_after_end = "absence"', 'signs_after_end = "off_post"')
    )
    found = judge((*times, *REST), forced=rule)
    assert found.kinds == [(kind, 1, 12600)]


def test_excused_by_leave_is_flagged_so() -> None:
    """A clerk sees why nothing is owed."""
    off = rows(
        "leave",
        'id = "L1"',
        'person = "p1"',
        'kind = "personal"',
        f"from = {DAY}T08:30:00",
        f"to = {DAY}T12:00:00",
        "applied_at = 2026-10-30T09:00:00",
        f"returned_at = {DAY}T14:00:00",
        'approved_by = "leader1"',
    )
    found = judge(REST, off)
    assert found.sessions[0].flags == (Flag.ON_LEAVE,)
    assert found.sessions[0].closes == 0
