"""Signs at their edges: corrections beside punches, stays, keys, single punches."""

import pytest

from gateway.core.verdicts import Flag
from tests.gateway.core.judge.days import DAY, REST, judge, policy, roster, rows

ROUND = roster("round", "2026-11-02", "2026-11-03")
THREE = roster("round", "2026-11-02", "2026-11-03", "2026-11-04")


def made_up(slot: str, at: str, *more: str, name: str = "C1") -> str:
    """Return a correction that two people approved."""
    full = at if "T" in at else f"{DAY}T{at}"
    return rows(
        "corrections",
        f'id = "{name}"',
        'person = "p1"',
        f"at = {full}",
        f'slot = "{slot}"',
        'reason = "忘记打卡"',
        f"requested_at = {DAY}T18:00:00",
        'approved_by = "leader1"',
        *(more or ('second_by = "clerk1"',)),
    )


@pytest.mark.parametrize(
    "times, slot, at, marks, corrected",
    [
        pytest.param(
            ("08:25", "12:05"),
            "in",
            "08:25:00",
            ("08:25", "12:05"),
            False,
            id="same-in",
        ),
        pytest.param(
            ("08:25", "12:05"), "in", "08:24:59", ("08:24:59", "12:05"), True, id="in"
        ),
        pytest.param((), "in", "11:59:59", ("11:59:59", None), True, id="in-last"),
        pytest.param((), "in", "12:00:00", (None, None), False, id="in-at-the-end"),
        pytest.param(
            ("10:00",), "in", "08:25:00", ("08:25", "10:00"), True, id="in-frees"
        ),
        pytest.param(
            ("10:00", "12:05"), "in", "08:25:00", ("08:25", "12:05"), True, id="in-kept"
        ),
        pytest.param(
            ("08:30:00",), "in", "08:20:00", ("08:20", None), True, id="no-out-at-start"
        ),
        pytest.param(
            ("08:30:01",), "in", "08:20:00", ("08:20", "08:30:01"), True, id="an-out"
        ),
        pytest.param(
            ("08:20", "12:05"), "out", "12:05:00", ("08:20", "12:05"), False, id="same"
        ),
        pytest.param(
            ("08:20", "12:05"), "out", "11:30:00", ("08:20", "12:05"), False, id="worse"
        ),
        pytest.param(
            ("08:20", "11:30"), "out", "12:01:00", ("08:20", "12:01"), True, id="better"
        ),
        pytest.param((), "out", "08:30:00", (None, None), False, id="out-at-the-start"),
        pytest.param((), "out", "08:30:01", (None, "08:30:01"), True, id="out-first"),
        pytest.param(
            ("11:00",), "out", "12:01:00", ("11:00", "12:01"), True, id="out-frees"
        ),
        pytest.param(
            ("12:00:00",), "out", "12:01:00", (None, "12:01"), True, id="no-in-at-end"
        ),
        pytest.param(
            ("11:59:59",), "out", "12:01:00", ("11:59:59", "12:01"), True, id="an-in"
        ),
    ],
)
def test_a_correction_beside_punches(
    times: tuple[str, ...],
    slot: str,
    at: str,
    marks: tuple[str | None, str | None],
    corrected: bool,  # noqa: FBT001 - the expectation
) -> None:
    """It fills its slot where it makes the sign better; what stood there is free."""
    found = judge((*times, *REST), made_up(slot, at))
    full = tuple(one + ":00" if one and one.count(":") == 1 else one for one in marks)
    assert found.marks() == full
    assert (Flag.CORRECTED in found.sessions[0].flags) is corrected


def test_a_correction_is_named_by_what_is_found_with_it() -> None:
    """Who reads the finding sees what it rests on."""
    found = judge(("11:30", *REST), made_up("in", "08:40:00"))
    assert {one.rows for one in found.findings} == {("C1",)}


@pytest.mark.parametrize(
    "at, accepted",
    [("08:19:59", False), ("08:20:00", True), ("08:25:59", True), ("08:26:00", False)],
)
def test_a_fault_is_evidence_for_its_own_time(at: str, *, accepted: bool) -> None:
    """From its first second to the one before its end."""
    fault = rows(
        "outages",
        'terminal = "lobby"',
        f"from = {DAY}T08:20:00",
        f"to = {DAY}T08:26:00",
    )
    found = judge(("12:05", *REST), made_up("in", at, "second_by = ''"), fault)
    assert (Flag.CORRECTED in found.sessions[0].flags) is accepted
    assert bool(found.warnings) is not accepted


@pytest.mark.parametrize("slot", ["in", "out"])
def test_a_stay_needs_no_correction(slot: str) -> None:
    """Where somebody stayed nothing is missing that could be made up."""
    times = ("2026-11-02T07:50", "2026-11-04T08:05")
    at = "2026-11-03T08:30:00" if slot == "in" else "2026-11-03T07:30:00"
    found = judge(times, ROUND, made_up(slot, at), last="2026-11-03")
    assert [one.flags for one in found.sessions] == [(Flag.CONTINUOUS,)] * 2
    assert [found.marks(0), found.marks(1)] == [("07:50:00", None), (None, "08:05:00")]


def test_without_stays_every_duty_needs_its_signs() -> None:
    """A setting."""
    rule = policy("client-contract", ("continuous = true", "continuous = false"))
    times = ("2026-11-02T07:50", "2026-11-04T08:05")
    found = judge(times, ROUND, last="2026-11-03", forced=rule)
    assert [one.kind.value for one in found.findings] == ["absence", "absence"]


@pytest.mark.parametrize("border", ["2026-11-03T07:50", "2026-11-03T08:10"])
def test_the_punch_of_a_stay_is_no_other_sign(border: str) -> None:
    """It closes one duty and opens the next; both lack their other sign."""
    found = judge((border,), ROUND, last="2026-11-03")
    at = border[11:] + ":00"
    assert [found.marks(0), found.marks(1)] == [(None, at), (at, None)]
    assert [one.kind.value for one in found.findings] == ["absence", "absence"]


def test_a_punch_within_a_stay_is_unused() -> None:
    """Of three duties in a row the second needs no sign at all."""
    times = ("2026-11-02T07:50", "2026-11-03T20:00", "2026-11-05T08:05")
    found = judge(times, THREE, last="2026-11-04")
    assert not found.findings
    assert found.marks(1) == (None, None)


def test_signs_beside_a_stay() -> None:
    """The first punch is its IN, the last its OUT, whatever lies between."""
    times = (
        *("2026-11-02T07:50", "2026-11-02T12:00"),
        *("2026-11-03T12:00", "2026-11-04T08:05"),
    )
    found = judge(times, ROUND, last="2026-11-03")
    assert found.marks(0)[0] == "07:50:00"
    assert found.marks(1)[1] == "08:05:00"
    assert not found.findings


@pytest.mark.parametrize(
    "first, second, two",
    [
        ("06:00:00", "08:30:00", True),
        ("05:59:59", "08:30:00", False),
        ("07:30:00", "10:00:00", True),
        ("07:30:00", "10:00:01", False),
        ("07:59:00", "08:00:00", True),
        ("07:59:01", "08:00:00", False),
    ],
)
def test_two_hours_on_either_side_of_a_border(
    first: str, second: str, *, two: bool
) -> None:
    """Both ends count; two punches there are two duties, one chain is a stay."""
    times = ("2026-11-02T07:50", f"2026-11-03T{first}", f"2026-11-03T{second}")
    found = judge((*times, "2026-11-04T08:05"), ROUND, last="2026-11-03")
    stays = [Flag.CONTINUOUS in one.flags for one in found.sessions]
    assert stays == [not two] * 2


@pytest.mark.parametrize(
    "times, flagged",
    [
        (("08:20/1", "12:05/1"), True),
        (("08:20/0", "12:05/0"), True),
        (("08:20/0", "12:05/1"), False),
        (("08:20", "12:05"), False),
        (("08:20:00/0", "08:20:10/1", "12:05/1"), True),
        (("08:20:00/1", "08:20:10/0", "12:05/1"), True),
    ],
)
def test_one_key_that_contradicts_is_enough(
    times: tuple[str, ...], *, flagged: bool
) -> None:
    """That of the IN or that of the OUT, of any punch of its chain."""
    found = judge((*times, *REST))
    assert (Flag.KEY_CONTRADICTS in found.sessions[0].flags) is flagged
    assert not found.findings


@pytest.mark.parametrize(
    "times, flagged",
    [
        (("08:20", "12:05"), False),
        (("10:15:00", "12:05"), False),
        (("10:15:01", "12:05"), True),
        (("08:20", "10:15:00"), False),
        (("08:20", "10:14:59"), True),
        (("07:00", "13:10"), False),
    ],
)
def test_a_sign_nearer_to_the_other_end_is_flagged(
    times: tuple[str, ...], *, flagged: bool
) -> None:
    """By place: a clerk should look."""
    found = judge((*times, *REST))
    assert (Flag.BY_PLACE in found.sessions[0].flags) is flagged


@pytest.mark.parametrize(
    "time, marks",
    [
        ("08:30:00", ("08:30:00", None)),
        ("11:59:59", (None, "11:59:59")),
        ("12:00:00", (None, "12:00:00")),
        ("13:14:59", (None, "13:14:59")),
    ],
)
def test_one_punch_of_a_session(
    time: str, marks: tuple[str | None, str | None]
) -> None:
    """At the start it is no OUT, at the end no IN."""
    assert judge((time, *REST)).marks() == marks


@pytest.mark.parametrize(
    "times, marks",
    [
        (("11:59:59", "12:05"), ("11:59:59", "12:05:00")),
        (("12:00:00", "12:05"), (None, "12:05:00")),
        (("08:10", "08:30:00"), ("08:10:00", None)),
        (("08:10", "08:30:01"), ("08:10:00", "08:30:01")),
    ],
)
def test_two_punches_on_one_side(
    times: tuple[str, ...], marks: tuple[str | None, str | None]
) -> None:
    """At or behind the end is never an IN, at or before the start never an OUT."""
    assert judge((*times, *REST)).marks() == marks


@pytest.mark.parametrize(
    "times, marks",
    [
        (("08:29:30",), ("08:29:30", None)),
        (("08:30:00",), ("08:30:00", None)),
        (("08:28:40", "08:29:30"), ("08:28:40", None)),
        (("08:29:10", "08:30:00"), ("08:29:10", None)),
        (("08:30:20", "08:31:10"), (None, "08:31:10")),
        (("08:30:19", "08:31:10"), ("08:30:19", None)),
    ],
)
def test_a_session_shorter_than_a_chain(
    times: tuple[str, ...], marks: tuple[str | None, str | None]
) -> None:
    """Up to the start one chain is no OUT, from the end on no IN, however near."""
    order = rows(
        "days",
        f"date = {DAY}",
        'by = "leader1"',
        'sessions = [{ start = "08:30", end = "08:30:20" }]',
    )
    assert judge(times, order).marks() == marks
