"""E104: make-up punches, their evidence, quota and deadline."""

from collections.abc import Sequence
from datetime import datetime

import pytest

from gateway.core.book.days import Correction, Outage, Slot
from gateway.core.rules.corrections import Refusal, refusal
from gateway.core.verdicts import Flag
from tests.gateway.core.judge.days import DAY, REST, calendar, judge, policy, rows
from tests.gateway.core.judge.papers import dead


def correction(at: str, slot: str, *more: str, approved: str = "leader1") -> str:
    """Return a make-up punch."""
    return rows(
        "corrections",
        f'id = "C{at.replace(":", "")}"',
        'person = "p1"',
        f"at = {DAY}T{at}:00",
        f'slot = "{slot}"',
        'reason = "考勤机故障"',
        f"requested_at = {DAY}T18:00:00",
        f'approved_by = "{approved}"',
        *more,
    )


def test_e104_a_correction_needs_a_fault_or_two_approvers() -> None:
    """The text knows no 补卡."""
    alone = judge(("12:05", *REST), correction("08:25", "in"))
    assert [one.kind for one in alone.findings] == ["absence"]
    assert any("neither evidence" in said for said in alone.warnings)
    two = judge(("12:05", *REST), correction("08:25", "in", 'second_by = "clerk1"'))
    assert not two.findings
    assert Flag.CORRECTED in two.sessions[0].flags
    fault = judge(("12:05", *REST), correction("08:25", "in"), dead("08:20", "08:26"))
    assert not fault.findings
    same = judge(("12:05", *REST), correction("08:25", "in", 'second_by = "leader1"'))
    assert same.findings


def test_e104_a_correction_fills_only_its_own_slot() -> None:
    """And never makes a sign worse."""
    out = judge(("08:20", *REST), correction("12:01", "out", 'second_by = "clerk1"'))
    assert out.marks() == ("08:20:00", "12:01:00")
    worse = judge(
        ("08:20", "12:05", *REST), correction("08:40", "in", 'second_by = "clerk1"')
    )
    assert worse.marks() == ("08:20:00", "12:05:00")
    assert worse.ok()


def test_e104_quota_and_deadline_of_other_rules() -> None:
    """Three refusals, each with its reason."""
    rule = policy(
        "client-contract",
        ('evidence = "fault_or_two"', 'evidence = "none"'),
        ("per_month = 0", "per_month = 1"),
        ("within_workdays = 0", "within_workdays = 3"),
    )
    both = judge(
        ("12:05", "17:35"),
        correction("08:25", "in"),
        correction("14:25", "in"),
        forced=rule,
    )
    assert both.kinds == [("absence", 2, 10800)]
    assert any("quota" in said for said in both.warnings)
    late = judge(
        ("12:05", *REST),
        correction("08:25", "in").replace(
            f"requested_at = {DAY}", "requested_at = 2026-11-06"
        ),
        forced=rule,
    )
    assert any("too late" in said for said in late.warnings)
    nobody = judge(
        ("12:05", *REST), correction("08:25", "in", approved=""), forced=rule
    )
    assert any("entitled" in said for said in nobody.warnings)


def asked(
    at: str, requested: str, approved: str = "leader1", second: str = ""
) -> Correction:
    """Return a make-up punch."""
    return Correction(
        id="C",
        person="p1",
        at=datetime.fromisoformat(at),
        slot=Slot.IN,
        reason="忘",
        requested_at=datetime.fromisoformat(requested),
        approved_by=approved,
        second_by=second,
    )


QUOTA = policy(
    "client-contract",
    ('evidence = "fault_or_two"', 'evidence = "none"'),
    ("per_month = 0", "per_month = 2"),
    ("within_workdays = 0", "within_workdays = 3"),
).file.corrections


def refused(
    row: Correction, *accepted: Correction, outages: Sequence[Outage] = ()
) -> object:
    """Return why a make-up punch is refused by a rule with quota and deadline."""
    return refusal(
        row,
        accepted=accepted,
        outages=outages,
        settings=QUOTA,
        entitled=lambda name, _act, _day: bool(name),
        calendar=calendar(),
    )


@pytest.mark.parametrize(
    "requested, why",
    [
        ("2026-11-05T23:59:59", None),
        ("2026-11-06T00:00:00", Refusal.TOO_LATE),
    ],
)
def test_three_working_days_are_the_deadline(requested: str, why: object) -> None:
    """Monday's until Thursday night."""
    assert refused(asked("2026-11-02T08:25:00", requested)) is why


def test_the_quota_is_of_the_calendar_month() -> None:
    """Two in October leave November alone; two in November are all."""
    row = asked("2026-11-02T08:25:00", "2026-11-02T18:00:00")
    october = asked("2026-10-30T08:25:00", "2026-10-30T18:00:00")
    year = asked("2025-11-03T08:25:00", "2025-11-03T18:00:00")
    assert refused(row, october, october, year, year, row) is None
    assert refused(row, row, row) is Refusal.QUOTA_SPENT


def test_a_deadline_nobody_knows_refuses_nothing() -> None:
    """The year behind has no calendar."""
    assert refused(asked("2038-12-31T08:25:00", "2039-06-01T08:00:00")) is None
