"""Verdicts at their edges: who is judged by what, what excuses, what is charged."""

from dataclasses import replace
from datetime import date

import pytest

from gateway.core.book import read_book
from gateway.core.judge import Judge
from gateway.core.moments import read
from gateway.core.policy import Policy
from gateway.core.rules.outages import near_end, near_start
from gateway.core.verdicts import Flag, Judged, Why
from gateway.core.watermark import Whole
from tests.gateway.core.judge.days import (
    DAY,
    GOOD,
    Result,
    book,
    calendar,
    judge,
    policy,
    punches,
    roster,
    rows,
)

REST = ("14:20", "17:35")
MORNING = ("08:20", "12:05")
MONDAY = date.fromisoformat(DAY)
CLIENT = "client-contract"


def ruling(*more: str, by: str = '"leader1"', name: str = "R1") -> str:
    """Return a ruling."""
    return rows(
        "rulings",
        f'id = "{name}"',
        f"by = [{by}]",
        "at = 2026-11-12T10:00:00",
        'reason = "当日封路"',
        *more,
    )


def waived(found: Result, index: int = 0, decision: str = "waive", **more: str) -> str:
    """Return a ruling on a finding."""
    on = found.findings[index].id
    return ruling(f'on = "{on}"', f'decision = "{decision}"', **more)


def test_a_finding_says_whose_it_is_and_what_decided() -> None:
    """Vendor, clause, setting, punches and duty; the line says the same."""
    found = judge(("08:31", "12:05", *REST))
    (late,) = found.findings
    assert (late.vendor, late.person, late.policy) == ("acme", "p1", CLIENT)
    assert (late.setting, late.punches) == (
        "signs.on_the_second = on_time",
        (f"{DAY}T08:31:00@lobby",),
    )
    assert (late.final, late.rows, late.session) == (True, (), 1)
    assert late.zh == "应在岗 08:30 至 12:00，签到 08:31，签退 12:05，迟到 1分"
    assert late.en == "owed 08:30 to 12:00, in 08:31, out 12:05: late 1 min"
    (line,) = found.lines
    assert (line.vendor, line.person, line.clause) == ("acme", "p1", "S0-T19-6(1)")
    assert (line.finding, line.date, line.policy) == (late.id, MONDAY, CLIENT)
    assert late.id.startswith("f1_")
    assert len(late.id) == 29


def test_what_decided_off_post_and_absence_is_said() -> None:
    """The limit in minutes; which sign is required."""
    off = judge(("11:31:07", "12:05", *REST)).findings[0]
    assert off.setting == "off_post_above_minutes = 180"
    assert off.en.endswith("in 11:31:07, out 12:05: off post 3 h 1 min 7 s")
    assert off.zh.endswith("脱岗 3小时1分7秒")
    absent = judge(REST).findings[0]
    assert absent.setting == "signs.sign_in = required"
    assert absent.en.startswith("owed 08:30 to 12:00, in —, out —")


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


def contract(first: str, last: str) -> str:
    """Return a contract for some days only."""
    return rows(
        "contracts",
        'id = "c1"',
        'vendor = "acme"',
        f'policy = "{CLIENT}"',
        f"from = {first}",
        f"to = {last}",
    )


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


def test_why_a_punch_serves_no_session_is_said() -> None:
    """On a day with duty it lies outside the windows, else there is none."""
    found = judge(("03:12",)).judged
    assert [one.why for one in found.unassigned] == [Why.OUTSIDE_WINDOWS]
    found = judge(("08:20",), day="2026-11-07").judged
    assert [one.why for one in found.unassigned] == [Why.NO_DUTY]


@pytest.mark.parametrize(
    "end, out, absent",
    [
        ("26:00", "04:00:00", True),
        ("26:00", "03:59:59", False),
        ("26:01", "04:00:00", False),
    ],
)
def test_a_day_ends_at_four_if_two_hours_are_past(
    end: str, out: str, *, absent: bool
) -> None:
    """Exactly two hours are enough; a minute less and it is the next four o'clock."""
    order = rows(
        "days",
        f"date = {DAY}",
        'by = "leader1"',
        'people = ["p1"]',
        f'sessions = [{{ start = "20:00", end = "{end}" }}]',
    )
    found = judge(("19:50", f"2026-11-03T{out}"), order, roster("day", DAY))
    assert [one.kind.value for one in found.findings] == ["absence"] * absent


# --- what is charged ---------------------------------------------------------------


def test_only_a_ruling_that_waives_takes_the_line_away() -> None:
    """One that confirms leaves everything as it is."""
    times = ("08:31", "12:05", *REST)
    late = judge(times)
    assert judge(times, waived(late)).fen == []
    confirmed = judge(times, waived(late, decision="confirm"))
    assert (confirmed.fen, confirmed.states) == ([50000], ["found", "ok"])


@pytest.mark.parametrize(
    "may, by, fen",
    [
        ('["waive"]', '"leader1"', []),
        ('["rule"]', '"leader1"', []),
        ('["leave"]', '"leader1"', [50000]),
        ('["waive"]', '"clerk9", "leader1"', []),
        ('["waive"]', '"clerk9"', [50000]),
    ],
)
def test_one_entitled_name_is_enough_to_waive(
    may: str, by: str, fen: list[int]
) -> None:
    """Whoever else signed; who may waive or rule is entitled."""
    times = ("08:31", "12:05", *REST)
    table = rows("approvers", 'name = "leader1"', f"may = {may}")
    assert judge(times, table, waived(judge(times), by=by)).fen == fen


def test_a_session_is_ruled_when_all_of_it_is() -> None:
    """Late and early, one waived: the other stands."""
    times = ("08:31", "11:59", *REST)
    both = judge(times)
    one = judge(times, waived(both))
    assert (one.states, len(one.fen)) == (["found", "ok"], 1)
    two = judge(times, waived(both), waived(both, 1, name="R2"))
    assert (two.states, two.fen) == (["ruled", "ok"], [])


def test_a_waived_absence_absorbs_nothing() -> None:
    """The date's second one is charged then."""
    both = judge(())
    found = judge((), waived(both))
    assert found.fen == [200000]
    assert found.lines[0].finding == both.findings[1].id
    assert [one.absorbed_by for one in found.findings] == [None, None]
    assert found.states == ["ruled", "found"]


def test_of_two_absences_of_one_day_the_second_waived_changes_nothing() -> None:
    """The line hangs on the first."""
    both = judge(())
    found = judge((), waived(both, 1))
    assert found.fen == [200000]
    assert found.lines[0].finding == both.findings[0].id


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


# --- signs that are missing ----------------------------------------------------------


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


def void(*names: str) -> str:
    """Return a ruling that holds punches void."""
    told = ", ".join(f'"{DAY}T{name}@lobby"' for name in names)
    return ruling('on = "case-1"', 'decision = "confirm"', f"punches = [{told}]")


def test_a_void_punch_may_be_judged_as_missing() -> None:
    """A setting; the ruling is in the account either way."""
    rule = policy(CLIENT, ('void_slot = "ruled"', 'void_slot = "judged"'))
    found = judge(GOOD, void("08:20:00"), forced=rule)
    assert found.kinds == [("absence", 1, 12600)]
    again = judge(("08:10", *GOOD), void("08:20:00"), forced=rule)
    assert again.ok()
    assert judge(GOOD, void("08:20:00")).states == ["ruled", "ok"]


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


def dead(start: str, end: str, terminal: str = "lobby", *more: str) -> str:
    """Return an outage that a clerk excused unless more is said."""
    decided = more or ('decision = "excused"', 'decided_by = "leader1"')
    return rows(
        "outages",
        f'terminal = "{terminal}"',
        f"from = {DAY}T{start}:00",
        f"to = {DAY}T{end}:00",
        *decided,
    )


LOBBY = roster().replace("[[roster]]", '[[roster]]\nterminals = ["lobby"]')


def test_an_excused_sign_excuses_no_lateness_at_the_other_end() -> None:
    """OUT missing and excused, IN late: found, and the finding names the outage."""
    late = judge(("08:40", *REST), LOBBY, dead("11:50", "12:30"))
    assert late.kinds == [("late", 1, 600)]
    assert late.states == ["found", "ok"]
    assert len(late.findings[0].rows) == 1
    fine = judge(("08:20", *REST), LOBBY, dead("11:50", "12:30"))
    assert fine.states == ["excused", "ok"]


def test_two_outages_together_excuse() -> None:
    """Five minutes and five; the finding names both, in order, and no third one."""
    found = judge(
        ("08:40", *REST),
        LOBBY,
        dead("12:20", "12:25"),
        dead("12:05", "12:10"),
        dead("15:00", "16:00"),
    )
    assert found.kinds == [("late", 1, 600)]
    assert len(found.findings[0].rows) == 2
    assert list(found.findings[0].rows) == sorted(found.findings[0].rows)


@pytest.mark.parametrize(
    "more, now, state",
    [
        (('decision = "excused"', 'decided_by = "leader1"'), "2026-11-03", "excused"),
        (('decision = "excused"',), "2026-11-03", "pending"),
        (('decided_by = "leader1"',), "2026-11-03", "pending"),
        (('decision = ""',), None, "excused"),
    ],
)
def test_an_outage_is_excused_by_a_named_person_or_by_time(
    more: tuple[str, ...], now: str | None, state: str
) -> None:
    """A decision without a name, or a name without one, is none."""
    mark = Whole(read(f"{now}T12:00:00") if now else None)
    found = judge(
        ("08:20", *REST), LOBBY, dead("12:00", "12:30", "lobby", *more), watermark=mark
    )
    assert found.states[0] == state


def test_of_two_outages_each_must_be_ruled_on() -> None:
    """One that nobody decided keeps the session open."""
    open_ = ('decision = ""',)
    found = judge(
        ("08:20", *REST),
        LOBBY,
        dead("12:00", "12:08"),
        dead("12:10", "12:18", "lobby", *open_),
        watermark=Whole(read("2026-11-03T12:00:00")),
    )
    assert found.states[0] == "pending"


@pytest.mark.parametrize(
    "start, end, excused",
    [
        ("12:20", "12:30", True),
        ("12:21", "12:40", False),
        ("12:20", "12:31", True),
        ("12:30", "13:00", False),
        ("07:55", "08:10", True),
        ("07:50", "08:09", False),
    ],
)
def test_half_an_hour_before_and_behind_counts(
    start: str, end: str, *, excused: bool
) -> None:
    """From 08:00 for the IN, to 12:30 for the OUT, and not a minute more."""
    times = ("08:20",) if start > "12" else ("12:05",)
    found = judge((*times, *REST), LOBBY, dead(start, end))
    assert (found.states[0] == "excused") is excused


def test_without_a_least_time_an_outage_is_needed_all_the_same() -> None:
    """A setting of nothing: any second that nothing was readable, but one at least."""
    rule = policy(CLIENT, ("unreadable_minutes = 10", "unreadable_minutes = 0"))
    assert judge(("08:20", *REST), LOBBY, forced=rule).states[0] == "found"
    short = dead("12:00", "12:01")
    assert judge(("08:20", *REST), LOBBY, short, forced=rule).states[0] == "excused"
    settings = rule.file.outages
    assert near_start(9000, settings) == (7200, 9000)
    assert near_end(9000, settings) == (9000, 10800)


def test_early_leave_is_shown_from_the_second_of_the_end() -> None:
    """At 12:00:00 nobody comes back into that session."""
    for now, shown in (("11:59:59", []), ("12:00:00", [("early_leave", 1, 7200)])):
        mark = Whole(read(f"{DAY}T{now}"))
        assert judge(("08:20", "10:00"), watermark=mark).kinds == shown


def judged_twice(times: tuple[str, ...]) -> tuple[Judged, Judged]:
    """Judge with and without an account."""
    made = Judge(book(roster()), calendar(), {CLIENT: policy()}, Whole())
    found = punches(*times)
    return (
        made.person("p1", found, MONDAY, MONDAY),
        made.person("p1", found, MONDAY, MONDAY, accounts=True),
    )


def test_asking_why_changes_nothing() -> None:
    """The account stands beside the same verdicts."""
    plain, told = judged_twice(("08:31", "11:59", "14:20"))
    assert len(told.accounts) == 2
    told.accounts = []
    assert told == plain


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


def test_a_punch_without_a_terminal_is_good_anywhere() -> None:
    """A list of times from elsewhere, or a book that names no terminals."""
    times = [replace(one, terminal="") for one in punches(*GOOD)]
    assert judge((), LOBBY, extra=times).ok()
    text = (
        'version = "1"\n[site]\nid = "hq"\n'
        + rows("vendors", 'id = "acme"', 'name = "甲"')
        + rows("people", 'id = "p1"', 'name = "甲一"', 'vendor = "acme"')
        + contract("2026-01-01", "2026-12-31")
        + rows(
            "shifts",
            'id = "day"',
            'sessions = [{ start = "08:30", end = "12:00" }]',
            'days = "workdays"',
        )
        + roster()
    )
    world, problems = read_book(text, "book.toml")
    assert world is not None, problems
    made = Judge(world, calendar(), {CLIENT: policy()}, Whole())
    found = made.person("p1", punches("08:20", "12:05@annex"), MONDAY, MONDAY)
    assert [one.state.value for one in found.sessions] == ["ok"]
