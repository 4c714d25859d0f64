"""E77 and E116: holidays that need consent, and from when a changed rule counts."""

from datetime import date

import pytest

from gateway.core.duty import Unfree
from gateway.core.judge import Judge
from gateway.core.policy import Policy
from gateway.core.verdicts import Judged
from gateway.core.watermark import Whole
from tests.gateway.core.judge.days import (
    book,
    calendar,
    judge,
    policy,
    punches,
    roster,
    rows,
)
from tests.gateway.core.judge.papers import LONG

LATE = ("08:31", "12:05", "14:20", "17:35")
# A second version of the same rule: the same id, other amounts.
NEWER = policy(
    "client-contract",
    ('version = "', 'version = "2026-11-15 '),
    ("issued = 2026-01-01", "issued = 2026-11-10"),
    ("late_fen = 50000", "late_fen = 80000"),
)
OTHER = policy(
    "client-contract",
    ('id = "client-contract"', 'id = "other"'),
    ("late_fen = 50000", "late_fen = 80000"),
)


def contracts(*more: str) -> str:
    """Return the old contract to the 14th and the new one from the 15th."""
    old = ['id = "c1"', 'vendor = "acme"', 'policy = "client-contract"']
    new = ['id = "c2"', 'vendor = "acme"', 'policy = "newer.toml"']
    return rows("contracts", *old, "from = 2026-01-01", "to = 2026-11-14") + rows(
        "contracts", *new, "from = 2026-11-15", "to = 2027-12-31", *more
    )


def month(contract: str, newer: Policy = NEWER, **known: Policy) -> Judged:
    """Judge November, a minute late on every working day."""
    made = Judge(
        book(roster(), contract=contract),
        calendar(),
        {"client-contract": policy(), "newer.toml": newer, **known},
        Whole(),
    )
    days = [f"2026-11-{number:02d}" for number in range(1, 31)]
    found = [one for day in days for one in punches(*LATE, day=day)]
    return made.person("p1", found, date(2026, 11, 1), date(2026, 11, 30))


def first_new(found: Judged) -> str:
    """Return the first date that costs 800; every one before it costs 500."""
    fen = {str(line.date): line.amount_fen for line in found.deductions}
    assert len(fen) == 21
    new = [day for day, amount in sorted(fen.items()) if amount == 80000]
    assert list(fen) == sorted(fen)
    assert all(
        amount == (80000 if day in new else 50000) for day, amount in fen.items()
    )
    return new[0] if new else ""


@pytest.mark.parametrize("newer", [NEWER, OTHER], ids=["version", "policy"])
@pytest.mark.parametrize(
    "more, first",
    [
        pytest.param((), "2026-11-16", id="no-dates"),
        pytest.param(("accepted_at = 2026-11-18",), "2026-11-18", id="accepted"),
        pytest.param(("announced_at = 2026-11-24",), "2026-11-24", id="announced"),
        pytest.param(
            ("accepted_at = 2026-11-18", "announced_at = 2026-11-24"),
            "2026-11-24",
            id="the-latest",
        ),
        pytest.param(
            ("accepted_at = 2026-11-02", "announced_at = 2026-11-02"),
            "2026-11-16",
            id="long-known",
        ),
        pytest.param(("announced_at = 2026-12-01",), "", id="not-yet"),
    ],
)
def test_e116_until_staff_and_supplier_know_a_rule_the_former_one_counts(
    more: tuple[str, ...], first: str, newer: Policy
) -> None:
    """From the 15th by the contract, a Sunday; the latest of the dates decides."""
    assert first_new(month(contracts(*more), newer)) == first


def test_e116_a_rule_counts_from_the_day_it_was_issued() -> None:
    """Whatever the contract says."""
    issued = policy(
        "client-contract",
        ('version = "', 'version = "x'),
        ("issued = 2026-01-01", "issued = 2026-11-20"),
        ("late_fen = 50000", "late_fen = 80000"),
    )
    assert first_new(month(contracts(), issued)) == "2026-11-20"


def test_e116_a_first_rule_needs_no_dates() -> None:
    """Where there is no former version nobody is without a rule."""
    only = rows(
        "contracts",
        'id = "c1"',
        'vendor = "acme"',
        'policy = "newer.toml"',
        "from = 2026-01-01",
        "to = 2027-12-31",
        "announced_at = 2027-01-01",
    )
    assert first_new(month(only)) == "2026-11-02"


def test_e116_a_former_rule_that_nobody_has_is_no_rule() -> None:
    """A file that is gone takes no duty away."""
    lost = contracts("announced_at = 2026-12-01").replace(
        "client-contract", "lost.toml"
    )
    found = month(lost)
    assert {line.amount_fen for line in found.deductions} == {80000}
    assert min(str(one.date) for one in found.sessions) == "2026-11-16"


def test_e116_of_three_versions_the_last_that_is_known_counts() -> None:
    """One that never came into force is passed over."""
    third = policy(
        "client-contract",
        ('id = "client-contract"', 'id = "third"'),
        ("late_fen = 50000", "late_fen = 90000"),
    )
    last = rows(
        "contracts",
        'id = "c3"',
        'vendor = "acme"',
        'policy = "third.toml"',
        "from = 2026-11-23",
        "to = 2027-12-31",
        "accepted_at = 2026-11-26",
    )
    told = contracts("announced_at = 2026-12-01").replace("2027-12-31", "2026-11-22")
    found = month(told + last, **{"third.toml": third})
    fen = {str(line.date): line.amount_fen for line in found.deductions}
    assert {amount for day, amount in fen.items() if day < "2026-11-26"} == {50000}
    assert {amount for day, amount in fen.items() if day >= "2026-11-26"} == {90000}


SINGLE = policy("single-session")
ONE = rows(
    "shifts",
    'id = "one"',
    'sessions = [{ start = "08:30", end = "17:30" }]',
    'days = "workdays"',
) + roster("one")
AGREED = rows(
    "consents",
    "dates = [2026-10-01, 2026-10-02]",
    'end_user = "最终用户"',
    "given_at = 2026-09-20",
)


@pytest.mark.parametrize(
    "day, agreed, owed",
    [
        pytest.param("2026-10-01", True, 0, id="agreed"),
        pytest.param("2026-10-01", False, 1, id="not-agreed"),
        pytest.param("2026-10-05", True, 1, id="another-day"),
        pytest.param("2026-10-03", False, 0, id="a-saturday-within"),
        pytest.param("2026-10-10", False, 1, id="worked-in-exchange"),
        pytest.param("2026-11-07", False, 0, id="a-saturday"),
        pytest.param("2026-11-09", True, 1, id="a-monday"),
    ],
)
def test_e77_holidays_are_worked_unless_the_end_user_agreed(
    day: str, owed: int, *, agreed: bool
) -> None:
    """By the rule with one session a day; weekends are nobody's holiday."""
    found = judge((), ONE, AGREED if agreed else "", day=day, forced=SINGLE)
    assert [one.kind.value for one in found.findings] == ["absence"] * owed
    assert (found.fen, len(found.sessions)) == ([], owed)


def test_e77_the_contract_itself_asks_for_no_consent() -> None:
    """Holidays of the calendar are free; an order of the client still goes before."""
    assert not judge((), ONE, day="2026-10-01").sessions
    rest = rows("days", "date = 2026-10-01", 'kind = "rest"', 'by = "leader1"')
    assert not judge((), ONE, rest, day="2026-10-01", forced=SINGLE).sessions


def test_e77_a_year_nobody_knows_stays_pending() -> None:
    """Without a calendar nobody knows what is a holiday."""
    found = judge((), ONE, day="2038-03-01", contract=LONG, forced=SINGLE)
    assert found.states == ["pending"]


def test_e77_holidays_that_are_worked_make_no_other_calendar() -> None:
    """Its digest is that of the site's; consents are rows of the book."""
    found = calendar()
    assert Unfree(book(roster()), found).digest == found.digest
